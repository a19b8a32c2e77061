/**
 * Kinds of options of commands: how each is written, read and described.
 *
 * Knows no command. Invariant: a value that is not what was wanted is never passed on, not even a piece of it.
 *
 * @module
 */
import type { ReplayFrom } from '../outbox/outbox-desk.js'

export interface Option<T = unknown> {
  readonly help: string
  readonly short?: string
  /** What its value is called in the help; a flag has none. */
  readonly value?: string
  /** Whether it may be given more than once. */
  readonly isMany?: boolean
  readonly isRequired?: boolean
  /** Whether its value is a word of its own, without a name before it. A command has one such at most. */
  readonly isWord?: boolean
  /** What values it takes, in words. */
  readonly wanted: string
  /** Its value where it is not given. */
  readonly absent: T
  /** Undefined where these are no such values. */
  read(texts: readonly string[]): T | undefined
}

/** By the name a command knows them by: `maxAgeMs` is `--max-age-ms`. */
export type Options = Readonly<Record<string, Option>>

export type ValuesOf<O extends Options> = { readonly [Name in keyof O]: O[Name] extends Option<infer T> ? T : never }

interface Described {
  readonly help: string
  readonly short?: string
}

export function flag(help: string, short?: string): Option<boolean> {
  return { help, ...(short !== undefined && { short }), wanted: 'alone', absent: false, read: () => true }
}

/** Blank texts are refused: they come from variables of a shell that were not set. */
export function text(value: string, described: Described): Option<string | undefined> {
  return {
    ...described,
    value,
    wanted: 'a text that is not blank',
    absent: undefined,
    read: ([given = '']) => (isBlank(given) ? undefined : given),
  }
}

/** A word of its own: `DIR`. */
export function word(value: string, help: string): Option<string> {
  return required({ ...text(value, { help }), isWord: true })
}

export function texts(value: string, described: Described): Option<readonly string[]> {
  return {
    ...described,
    value,
    isMany: true,
    wanted: 'a text that is not blank',
    absent: [],
    read: (given) => (given.some(isBlank) ? undefined : given),
  }
}

const isBlank = (given: string) => given.trim() === ''

interface Range extends Described {
  readonly min: number
  readonly max?: number
}

export function integer<D extends number | undefined>(value: string, range: Range & { readonly absent: D }): Option<number | D> {
  const { min, max = Number.MAX_SAFE_INTEGER, help, short, absent } = range
  const wanted = range.max === undefined ? `an integer of at least ${min}` : `an integer from ${min} to ${max}`
  const read = ([given = '']: readonly string[]) => {
    const number = /^-?\d+$/.test(given) ? Number(given) : NaN
    return number >= min && number <= max ? number : undefined
  }
  return { help, ...(short !== undefined && { short }), value, wanted, absent, read }
}

/** The number of a message, or a time: local where it names no zone, and midnight where it names no hour. */
export function replayFrom(value: string, described: Described): Option<ReplayFrom | undefined> {
  return {
    ...described,
    value,
    wanted: 'the sequence of a message or an ISO 8601 time',
    absent: undefined,
    read: ([given = '']) => readFrom(given),
  }
}

function readFrom(given: string): ReplayFrom | undefined {
  if (/^\d+$/.test(given)) return Number.isSafeInteger(Number(given)) ? { sequence: Number(given) } : undefined
  const [, day, rest = ''] = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/.exec(given) ?? []
  if (day === undefined || Number(day.slice(8)) !== new Date(day).getUTCDate()) return undefined
  const time = new Date(`${day}${rest || 'T00:00'}`)
  return Number.isNaN(time.getTime()) ? undefined : { time }
}

export function required<T>(option: Option<T>): Option<Exclude<T, undefined>> {
  return { ...option, isRequired: true } as unknown as Option<Exclude<T, undefined>>
}

/** `maxAgeMs` → `--max-age-ms` */
export function longName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}
