/**
 * Random scripts for the differential spec: what is inserted, edited, deleted, soft-removed and recovered in each round.
 *
 * A script names rows by numbers that mean a row only where it is played (`twin-ledger.ts`), so that any part of it can be left out.
 *
 * @module
 */
import fc from 'fast-check'
import { kindOf, KIND_NAMES, type KindName } from './twin-kinds.js'

/** A row's new values; what is not named stays as it is, or is left to its default. */
export interface Edit {
  readonly values: Readonly<Record<string, unknown>>
  /** By relation; null empties it. */
  readonly refs: Readonly<Record<string, number | null>>
  readonly members: Readonly<Record<string, readonly number[]>>
  /** The row, of an insert whose parent. */
  readonly pick: number
  /** Of an insert: takes the code, and with it the key, of a row that was there before. */
  readonly isAgain: boolean
}

/** Rows of one class, so that there are sets. */
export interface Burst {
  readonly kind: KindName
  readonly edits: readonly Edit[]
}

export interface Script {
  readonly inserts: readonly Burst[]
  readonly edits: readonly Burst[]
  readonly removals: readonly { readonly kind: KindName; readonly picks: readonly number[] }[]
  readonly softRemovals: readonly number[]
  readonly recoveries: readonly number[]
}

export interface Play {
  readonly scripts: readonly Script[]
  /** Each round has a session of its own that reads everything, where nothing is soft-removed. */
  readonly isReloading: boolean
  /** Members come and go in the array that is there. */
  readonly isInPlace: boolean
  readonly isInTransaction: boolean
}

const number = fc.nat(999)
const MAX_ROWS = 25
const EMPTY = { edits: [], removals: [], softRemovals: [], recoveries: [] }

function editOf(name: KindName, isInsert: boolean): fc.Arbitrary<Edit> {
  const { columns, onlyNew = {}, toOnes = {}, collections = {} } = kindOf(name)
  const some = <T>(model: Record<string, fc.Arbitrary<T>>) => fc.record(model, { requiredKeys: [] }) as fc.Arbitrary<Record<string, T>>
  const each = <T>(from: object, arbitrary: fc.Arbitrary<T>) => some(Object.fromEntries(Object.keys(from).map((path) => [path, arbitrary])))
  const one = Object.entries(columns).map(([path, arbitrary]) => fc.record({ [path]: arbitrary }))
  const several = some({ ...columns, ...(isInsert && onlyNew) })
  return fc.record({
    values: isInsert || one.length === 0 ? several : fc.oneof(...(one as fc.Arbitrary<Edit['values']>[]), several, several),
    refs: each(toOnes, fc.option(number, { freq: 3 })),
    members: each(collections, fc.array(number, { maxLength: 4 })),
    pick: number,
    isAgain: fc.boolean(),
  })
}

/** Classes with many columns come more often, since there is more to their statements. */
function burstOf(isInsert: boolean): fc.Arbitrary<Burst> {
  const kinds = KIND_NAMES.map((kind) => ({
    weight: 2 + Math.ceil(Object.keys(kindOf(kind).columns).length / 2),
    arbitrary: fc.record({ kind: fc.constant(kind), edits: fc.array(editOf(kind, isInsert), { minLength: 1, maxLength: 6 }) }),
  }))
  return fc.oneof(...kinds)
}

const kind = fc.constantFrom(...KIND_NAMES)
const picks = fc.array(number, { minLength: 1, maxLength: 3 })
const inserts = burstOf(true)

const first = fc.array(inserts, { minLength: 1, maxLength: 9 }).map((bursts): Script => ({ inserts: limited(bursts), ...EMPTY }))
const later: fc.Arbitrary<Script> = fc.record({
  inserts: fc.array(inserts, { maxLength: 2 }),
  edits: fc.array(burstOf(false), { minLength: 1, maxLength: 6 }),
  removals: fc.array(fc.record({ kind, picks }), { maxLength: 3 }),
  softRemovals: fc.array(number, { maxLength: 4 }),
  recoveries: fc.array(number, { maxLength: 4 }),
})

export const plays: fc.Arbitrary<Play> = fc.record({
  scripts: fc.tuple(first, fc.array(later, { minLength: 1, maxLength: 4 })).map(([script, others]) => [script, ...others]),
  isReloading: fc.boolean(),
  isInPlace: fc.boolean(),
  isInTransaction: fc.boolean(),
})

function limited(bursts: readonly Burst[]): Burst[] {
  let left = MAX_ROWS
  return bursts.map(({ kind: name, edits }) => {
    const taken = edits.slice(0, left)
    left -= taken.length
    return { kind: name, edits: taken }
  })
}
