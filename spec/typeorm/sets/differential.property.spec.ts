/**
 * Whatever graph is written and however it is edited, sets of rows leave the tables that TypeORM's own `save` and `remove` leave, and those
 * that rows leave which are written one by one.
 *
 * FC_SEED repeats the runs of the seed that a failure prints, FC_RUNS says how many are made.
 *
 * @module
 */
import fc from 'fast-check'
import type { DataSource } from 'typeorm'
import { Unsendable } from '../../../lib/typeorm/sets/set-strategy.js'
import { strategyOf } from '../../../lib/typeorm/sets/strategy-of.js'
import { databaseName, describeDatabase, openDataSource } from '../../support/databases.js'
import { TWINS } from '../../support/twin-models.js'
import { Ledger } from '../../support/twin-ledger.js'
import { plays, type Play } from '../../support/twin-scripts.js'
import { contentsOf, emptyTables, type Contents } from '../../support/twin-tables.js'
import { PlainWriter, SessionWriter } from '../../support/twin-writers.js'

const USUAL_RUNS = { sqlite: 40, 'better-sqlite3': 60, postgres: 20, mariadb: 20 }
const RUNS = Number(process.env['FC_RUNS'] ?? USUAL_RUNS[databaseName()])
const SEED = process.env['FC_SEED']
const WRITES_SETS = process.env['ENGINE'] !== 'row'

type Writer = SessionWriter | PlainWriter

describeDatabase('random graphs and edits', () => {
  let databases: readonly DataSource[] | undefined
  const paths = { set: 0, row: 0 }

  const open = () => openDataSource({ entities: TWINS, memory: true })

  /** One where sets are written, one where every row is written alone, one for TypeORM. */
  async function emptyDatabases(): Promise<readonly DataSource[]> {
    if (databases === undefined) {
      databases = [await open(), await open(), await open()]
      refuseSets(databases[1]!)
    }
    for (const ds of databases) await emptyTables(ds)
    return databases
  }

  async function compare({ scripts, ...style }: Play, ledger: Ledger, write: { with: SessionWriter; as: Writer }): Promise<void> {
    const { with: writer, as: other } = write
    for (const script of scripts) {
      const round = ledger.play(script)
      await writer.write(round)
      await other.write(round)
      const contents = await contentsOf(writer.ds)
      expect(contents.rows).toEqual((await contentsOf(other.ds)).rows)
      expectStamps(writer, contents)
      if (style.isReloading && !ledger.hasSoft) await writer.reload()
    }
    for (const { path } of writer.steps) paths[path]++
  }

  /** Each object has what the database has made of its own row. */
  function expectStamps({ objects }: SessionWriter, { stamps }: Contents): void {
    for (const [{ code }, { id, version }] of objects.byCard) {
      const text = (value: unknown) => (value === undefined ? undefined : String(value))
      expect({ code, id: text(id), version: text(version) }).toEqual({ code, ...stamps.get(code) })
    }
  }

  const assert = (numRuns: number, run: (play: Play) => Promise<void>) =>
    fc.assert(fc.asyncProperty(plays, run), {
      numRuns,
      interruptAfterTimeLimit: 240_000, // while shrinking, too
      markInterruptAsFailure: true,
      ...(SEED !== undefined && { seed: Number(SEED) }),
    })

  it('leave the same rows whether a session writes sets or TypeORM saves', async () => {
    await assert(RUNS, async (play) => {
      const [written, , saved] = await emptyDatabases()
      await using writer = new SessionWriter(written!, play)
      await compare(play, new Ledger(), { with: writer, as: new PlainWriter(saved!, play) })
    })
    if (!WRITES_SETS) expect(paths.set).toBe(0)
    else if (RUNS >= 20) expect(paths.set).toBeGreaterThan(RUNS)
  }, 300_000)

  it('leave the same rows whether a session writes sets or rows, in whatever order that has to be', async () => {
    await assert(Math.ceil(RUNS / 2), async (play) => {
      const [inSets, inRows] = await emptyDatabases()
      await using writer = new SessionWriter(inSets!, play)
      await using other = new SessionWriter(inRows!, play)
      await compare(play, new Ledger({ isFree: true }), { with: writer, as: other })
      expect(new Set(other.steps.map(({ path }) => path)).has('set')).toBe(false)
    })
  }, 300_000)
})

function refuseSets(ds: DataSource): void {
  const refuse = () => {
    throw new Unsendable('everything')
  }
  const strategy = strategyOf(ds)
  if (strategy !== undefined) Object.assign(strategy, { codecOf: refuse })
}
