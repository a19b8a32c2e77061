/**
 * One data source that sends model signals for a spec file, and receivers that are taken out after each test.
 *
 * @module
 */
import { sessionSubscriber, type HookFailure, type InstallOptions } from 'flushpoint'
import { ModelSignals, signalsSettled, type Connection } from 'flushpoint/signals'
import type { DataSource, ObjectLiteral } from 'typeorm'
import { openDataSource, type ExtraOptions } from './databases.js'
import { MUSIC } from './music.js'
import { emptyTables } from './sessions.js'

export interface Signals {
  readonly ds: DataSource
  /** Undone after the test. */
  keep<C extends Connection>(connection: C): C
  /** What onHookError was told in this test. */
  readonly failures: readonly (HookFailure & { readonly error: unknown })[]
  /** All rows of a class as a plain manager reads them, by key. */
  rows<E extends ObjectLiteral>(type: new () => E, ...relations: string[]): Promise<E[]>
  names(type: new () => { name: string }): Promise<string[]>
}

/** After each test receivers are taken out and tables are empty. */
export function useSignals(options: InstallOptions = {}, extra: ExtraOptions = { entities: MUSIC }): Signals {
  let ds: DataSource
  const kept: Connection[] = []
  const failures: (HookFailure & { readonly error: unknown })[] = []
  beforeAll(async () => {
    const onHookError = (error: unknown, failure: HookFailure) => void failures.push({ ...failure, error })
    const subscriber = sessionSubscriber({ extensions: [ModelSignals], onHookError, ...options })
    ds = await openDataSource({ ...extra, subscribers: [subscriber] })
  })
  afterEach(async () => {
    await signalsSettled()
    for (const connection of kept.splice(0)) connection()
    failures.length = 0
    await emptyTables(ds)
  })
  const rows = <E extends ObjectLiteral>(type: new () => E, ...relations: string[]) => {
    const wanted = Object.fromEntries(relations.map((relation) => [relation, true]))
    return ds.manager.find<E>(type, { order: { id: 'ASC' } as any, relations: wanted as any, withDeleted: true })
  }
  return {
    get ds() {
      return ds
    },
    keep: (connection) => {
      kept.push(connection)
      return connection
    },
    failures,
    rows,
    names: async (type) => (await rows(type)).map(({ name }) => name),
  }
}
