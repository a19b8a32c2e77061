/**
 * What the programs of outbox specs share: the database they are told of, a file that survives them, and their parent.
 *
 * @module
 */
import 'reflect-metadata'
import { sessionSubscriber } from 'flushpoint'
import { defineEvent } from 'flushpoint/events'
import { Outbox, outboxEntities, type CreateRelayOptions, type OutboxOptions } from 'flushpoint/outbox'
import { appendFileSync } from 'node:fs'
import { DataSource, EntitySchema, type DataSourceOptions } from 'typeorm'

/** What a program is told by its environment. */
export interface Instructions {
  readonly options: DataSourceOptions
  /** Where it writes down what it does: whole lines, so that nothing is lost with it. */
  readonly log: string
  readonly seed: number
  readonly outbox?: Omit<OutboxOptions, 'subscriptions'>
  readonly relay?: Omit<CreateRelayOptions, 'subscriptions' | 'onError'>
  /** Names of the relay's subscriptions. */
  readonly names?: readonly string[]
  /** More options of each. */
  readonly subscription?: { readonly timeoutMs?: number; readonly concurrency?: number; readonly exactlyOnce?: boolean }
  /** How many messages a writer writes. */
  readonly total?: number
  readonly keys?: number
}

/** An event that says what its handler is to do before it is done. */
export interface Deed {
  readonly id: string
  readonly n: number
  /** Recorded by a transaction that is rolled back. */
  readonly isUndone?: boolean
  /** For the handler of this subscription alone. @defaultValue all */
  readonly of?: string
  readonly does?: 'exit' | 'exit later' | 'kill' | 'pause' | 'throw'
}

export const Done = defineEvent<Deed>()('deed.done')

/** What a writer has committed, told by a table of its own. */
export const WrittenEntity = new EntitySchema<{ n: number; id: string }>({
  name: 'Written',
  tableName: 'written',
  columns: { n: { type: 'int', primary: true }, id: { type: 'varchar', length: '40' } },
})

/** What exactlyOnce handlers have done: a row for each time. */
export const EffectEntity = new EntitySchema<{ id: number; n: number }>({
  name: 'Effect',
  tableName: 'effect',
  columns: { id: { type: 'int', primary: true, generated: 'increment' }, n: { type: 'int' } },
})

/** A line of the log: a handled message, or something else that happened. */
export interface Line {
  readonly pid: number
  readonly ms: number
  readonly handled?: {
    readonly name: string
    readonly id: string
    readonly n: number
    readonly isUndone: boolean
    readonly attempt: number
  }
  readonly told?: string
}

export const instructions = JSON.parse(process.env['OUTBOX_PROGRAM'] ?? '{}') as Instructions

export function log(line: Omit<Line, 'pid' | 'ms'>): void {
  appendFileSync(instructions.log, `${JSON.stringify({ pid: process.pid, ms: Date.now(), ...line })}\n`)
}

export function openDatabase(outbox: OutboxOptions = {}): Promise<DataSource> {
  const { type } = instructions.options
  const options = {
    ...instructions.options,
    synchronize: false,
    entities: [WrittenEntity, EffectEntity, ...outboxEntities(type)],
    subscribers: [sessionSubscriber({ extensions: [Outbox.with({ worker: 'none', ...instructions.outbox, ...outbox })] })],
  }
  return new DataSource(options as DataSourceOptions).initialize()
}

/** Tells the parent that everything is there, and waits for its word. */
export async function parentsWord(): Promise<void> {
  const word = new Promise<unknown>((resolve) => process.once('message', resolve))
  process.send!('ready')
  await word
}

/** Numbers from 0 to 1, the same for the same seed: mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

process.once('disconnect', () => process.exit(1)) // nobody is left who would end it
