/**
 * What is changed while a flush is awaiting something is kept, and written by the next one, wherever the change falls.
 *
 * One flush is made again and again: the first time everything is edited at its first continuation, then at its second, and so on until it is
 * over. A continuation is whatever runs after an await: of a promise, of a driver's callback or of setImmediate; async_hooks tells of each.
 * FC_SEED repeats the runs of the seed that a failure prints, FC_RUNS says how many are made.
 *
 * @module
 */
import { AsyncLocalStorage, createHook } from 'node:async_hooks'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { openSession, type OpenSession } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { CLUB } from '../support/club.js'
import { databaseName, describeDatabase, openDataSource } from '../support/databases.js'
import { hooks } from '../support/hooks.js'
import { edit, Squad, type Edit } from '../support/squad.js'
import { namesOf, type Names } from '../support/session-world.js'

const USUAL_RUNS = { sqlite: 2, 'better-sqlite3': 6, postgres: 2, mariadb: 1 }
const RUNS = Number(process.env['FC_RUNS'] ?? USUAL_RUNS[databaseName()])
const SEED = process.env['FC_SEED']

interface Scenario {
  readonly pending: Edit[]
  readonly during: Edit[]
  readonly hooks: 'none' | 'async'
  readonly transaction: 'own' | 'explicit'
  readonly failure: 'none' | 'hook' | 'constraint'
}

const scenario = fc.record<Scenario>({
  pending: fc.array(edit, { minLength: 1, maxLength: 3 }),
  during: fc.array(edit, { minLength: 1, maxLength: 4 }),
  hooks: fc.constantFrom('none', 'async'),
  transaction: fc.constantFrom('own', 'explicit'),
  failure: fc.constantFrom('none', 'none', 'hook', 'constraint'),
})

const edits = (...names: Edit['what'][]): Edit[] => names.map((what, n) => ({ what, n }))
const PENDING = edits('rename', 'club', 'badge', 'kit', 'add', 'softRemove')
const DURING = edits('rename', 'code', 'data', 'club', 'badge', 'kit', 'add', 'delete', 'softRemove')

/** Every way to flush, each with every kind of edit before and during it. */
const examples = (
  [
    ['none', 'own', 'none'],
    ['async', 'explicit', 'none'],
    ['none', 'own', 'hook'],
    ['async', 'own', 'constraint'],
    ['none', 'explicit', 'hook'],
    ['none', 'explicit', 'constraint'],
  ] as const
).map(([hooks, transaction, failure]): [Scenario] => [{ pending: PENDING, during: DURING, hooks, transaction, failure }])

/** Runs `act` right before the k-th continuation of `work`. @returns Whether there were so many. */
async function atContinuation(k: number, act: () => void, work: () => Promise<unknown>): Promise<boolean> {
  const outside = AsyncLocalStorage.snapshot() as (fn: () => void) => void
  let left = k
  let failure: unknown
  const run = () => {
    try {
      outside(act)
    } catch (error) {
      failure = error
    }
  }
  const hook = createHook({
    before: () => {
      if (left-- === 0) run()
    },
  })
  hook.enable()
  try {
    await work()
  } finally {
    hook.disable()
  }
  if (failure !== undefined) throw failure as Error
  return left < 0
}

class Trial {
  readonly #ds: DataSource
  readonly #names: Names
  readonly #scenario: Scenario
  #isArmed = false

  constructor(ds: DataSource, names: Names, scenario: Scenario) {
    this.#ds = ds
    this.#names = names
    this.#scenario = scenario
  }

  /** @returns False when the flush was over before its k-th continuation. */
  async run(k: number): Promise<boolean> {
    await this.#empty()
    await using session = this.#open()
    const squad = new Squad(session)
    await session.flush()
    squad.settled()
    for (const edit of this.#scenario.pending) squad.apply(edit)
    if (this.#scenario.failure === 'constraint') squad.clash()
    if (this.#scenario.transaction === 'explicit') await session.begin()
    const start = squad.remember()
    this.#isArmed = this.#scenario.failure === 'hook'
    let error: Error | undefined
    const wasReached = await atContinuation(
      k,
      () => this.#scenario.during.forEach((edit) => squad.apply(edit)),
      () => session.flush().catch((reason: Error) => void (error = reason)),
    )
    this.#isArmed = false
    this.#assertExpected(error)
    if (error !== undefined && this.#scenario.transaction === 'explicit') {
      await session.rollback()
      squad.restore(start)
    }
    if (!wasReached) return false
    squad.mend()
    await this.#finish(session, squad)
    return true
  }

  /** What breaks a constraint may have been deleted in time. */
  #assertExpected(error: Error | undefined): void {
    const { failure } = this.#scenario
    if (failure === 'none' && error !== undefined) throw error
    if (failure === 'hook' && error === undefined) throw new Error('The flush should have failed')
  }

  async #finish(session: OpenSession, squad: Squad): Promise<void> {
    if (session.scope === null) await session.flush()
    else await session.commit()
    squad.compareObjects()
    await squad.compareTables(this.#ds, this.#names)
    const { statements } = await session.flush()
    if (statements > 0) throw new Error(`${statements} statements were left`)
  }

  #open(): OpenSession {
    const { hooks: kind } = this.#scenario
    const wait = () => setImmediate()
    const fail = async () => {
      if (kind === 'async') await wait()
      if (this.#isArmed) throw new Error('not now')
    }
    const slow = {
      beforeFlush: wait,
      beforeInsert: wait,
      beforeUpdate: wait,
      beforeDelete: wait,
      afterInsert: wait,
      afterUpdate: wait,
      beforeCommit: wait,
    }
    return openSession(this.#ds, {
      extensions: [hooks({ ...(kind === 'async' && slow), afterFlush: fail } as never)],
    })
  }

  async #empty(): Promise<void> {
    const { links, Kit, Player, Badge, Club } = this.#names
    for (const name of [links, Kit, Player, Badge, Club]) await this.#ds.query(`DELETE FROM ${name}`)
  }
}

describeDatabase('changes made at any await point of a flush', () => {
  let ds: DataSource
  beforeAll(async () => void (ds = await openDataSource({ entities: CLUB, memory: true })))

  it('are kept and written by the next flush', async () => {
    const names = namesOf(ds)
    const property = fc.asyncProperty(scenario, async (scenario) => {
      const trial = new Trial(ds, names, scenario)
      for (let k = 0; await trial.run(k).catch((error: unknown) => fail(k, error)); k++);
    })
    await fc.assert(property, {
      numRuns: RUNS,
      examples,
      ...(SEED !== undefined && { seed: Number(SEED) }),
    })
  }, 300_000)
})

function fail(k: number, error: unknown): never {
  throw new Error(`Edited at continuation ${k}: ${(error as Error).message}`, {
    cause: error,
  })
}
