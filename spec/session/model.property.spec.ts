/**
 * Whatever is done to a session, in any order, objects and rows are what a simple model says.
 *
 * FC_SEED repeats the runs of the seed that a failure prints, FC_RUNS says how many are made.
 *
 * @module
 */
import fc from 'fast-check'
import { openSession } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { CLUB } from '../support/club.js'
import { databaseName, describeDatabase, openDataSource } from '../support/databases.js'
import { seed } from '../support/session-comparison.js'
import { Oracle } from '../support/session-oracle.js'
import { commands, soon } from '../support/session-steps.js'
import { trapsOf, World } from '../support/session-world.js'

const USUAL_RUNS = { sqlite: 600, 'better-sqlite3': 1500, postgres: 60, mariadb: 60 }
const RUNS = Number(process.env['FC_RUNS'] ?? USUAL_RUNS[databaseName()])
const SEED = process.env['FC_SEED']

describeDatabase('a session, whatever is done to it', () => {
  let ds: DataSource | undefined

  /** A failure may leave a transaction open, so the next run gets a database of its own. */
  const run = async (steps: Iterable<fc.AsyncCommand<Oracle, World>>, savepoints: boolean) => {
    const present = (ds ??= await openDataSource({
      entities: CLUB,
      memory: true,
    }))
    const oracle = new Oracle(savepoints)
    const world = new World(present, (world) => openSession(present, { savepoints, extensions: [trapsOf(world)] }))
    await seed(world, oracle)
    try {
      await fc.asyncModelRun(() => ({ model: oracle, real: world }), steps)
    } catch (error) {
      ds = undefined
      throw error
    }
    while (world.callbacks.length > 0) await soon(world.leave(new Error('over')))
    await soon(world.session.close())
  }

  it('holds the objects and writes the rows that a simple model foretells', async () => {
    const parameters = {
      numRuns: RUNS,
      ...(SEED !== undefined && { seed: Number(SEED) }),
    }
    await fc.assert(fc.asyncProperty(commands, fc.boolean(), run), parameters)
  }, 300_000)
})
