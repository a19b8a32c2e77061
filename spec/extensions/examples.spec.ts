/**
 * The examples of ready-made extensions that the README shows.
 *
 * @module
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { install, SessionExtension, withContext, withSession } from 'flushpoint'
import {
  Audit,
  auditEntities,
  auditOf,
  AutoFields,
  AutoId,
  ChangeCache,
  ChangeCapture,
  dumpCache,
  dumpData,
  LatestAuthor,
  loadData,
  OriginalAuthor,
  Validation,
  type ValidationError,
} from 'flushpoint/extensions'
import { Keyv } from 'keyv'
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm'
import { z } from 'zod'
import { errorOf } from '../support/chains.js'
import { databaseName, describeDatabase, openDataSource } from '../support/databases.js'
import { make } from '../support/models.js'

// #region deal
@Entity()
class Deal {
  @AutoId() @PrimaryColumn({ length: 5 }) id: string
  @Column() title: string
  @Column({ type: 'int', default: 0 }) worth: number
  @OriginalAuthor() @Column({ type: 'varchar', nullable: true }) createdBy: string | null
  @LatestAuthor() @Column({ type: 'varchar', nullable: true }) updatedBy: string | null
}
// #endregion

const ENTITIES = [Deal, ...auditEntities(databaseName())]

describeDatabase('ready-made extensions, as the README shows them:', () => {
  let dataSource: DataSource
  let dir: string

  beforeEach(async () => {
    dataSource = await openDataSource({ entities: ENTITIES })
    dir = mkdtempSync(join(tmpdir(), 'flushpoint-examples-'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  it('automatic fields', async () => {
    // #region auto-fields
    install(dataSource, { extensions: [AutoFields] })
    const deals = dataSource.getRepository(Deal)
    const deal = await withContext({ actor: 'ada' }, () => deals.save(make(Deal, { title: 'Bridge' })))
    deal.worth = 7
    await withContext({ actor: 'ben' }, () => deals.save(deal))
    // #endregion
    expect(await deals.findOneByOrFail({ title: 'Bridge' })).toEqual({
      id: expect.stringMatching(/^[a-z0-9]{5}$/) as string,
      title: 'Bridge',
      worth: 7,
      createdBy: 'ada',
      updatedBy: 'ben',
    })
  })

  it('validation', async () => {
    // #region validation
    const dealSchema = z.object({ title: z.string().min(3), worth: z.number().positive() })
    install(dataSource, { extensions: [AutoFields, Validation.with({ schemas: [[Deal, dealSchema]] })] })
    const saving = dataSource.manager.save([make(Deal, { title: 'ok', worth: -1 }), make(Deal, { title: 'Tunnel', worth: 0 })])
    // #endregion
    const error = (await errorOf(saving)) as ValidationError
    expect(error.failures.map(({ name, path, message }) => `${name} ${path}: ${message}`)).toEqual([
      'Deal title: Too small: expected string to have >=3 characters',
      'Deal worth: Too small: expected number to be >0',
      'Deal worth: Too small: expected number to be >0',
    ])
    expect(await dataSource.manager.count(Deal)).toBe(0)
  })

  it('captured changes', async () => {
    const printed: string[] = []
    const console = { log: (text: string) => printed.push(text) }

    // #region capture
    class Summary extends SessionExtension {
      override afterCommit() {
        const { created, updated, deleted } = this.session.info.changes!
        console.log(`${created.length} created, ${updated.length} updated, ${deleted.length} deleted`)
      }
    }
    install(dataSource, { extensions: [AutoFields, ChangeCapture, Summary] })
    await withSession(dataSource, async (session) => {
      const [bridge, tunnel] = [make(Deal, { title: 'Bridge' }), make(Deal, { title: 'Tunnel' })]
      session.add(bridge, tunnel)
      await session.flush()
      bridge.worth = 7 // created all the same
      session.delete(tunnel) // as if it had never been
    })
    // #endregion
    expect(printed).toEqual(['1 created, 0 updated, 0 deleted'])
  })

  it('a change cache', async () => {
    // #region change-cache
    const cache = new Keyv() // in memory; with @keyv/redis and others, in a store that other processes read
    install(dataSource, { extensions: [AutoFields, ChangeCache.with({ cache, roots: [Deal] })] })
    const deal = await dataSource.manager.save(make(Deal, { id: 'br1dg', title: 'Bridge' }))
    await dumpCache({ cache, dir }) // Deal/br1dg_Bridge.json
    deal.title = 'Long Bridge'
    await dataSource.manager.save(deal)
    const { renamed } = await dumpCache({ cache, dir })
    // #endregion
    expect(renamed).toEqual([{ from: 'Deal/br1dg_Bridge.json', to: 'Deal/br1dg_Long Bridge.json' }])
    expect(readFileSync(join(dir, renamed[0]!.to), 'utf8')).toBe(
      `{
    "createdBy": null,
    "id": "br1dg",
    "model": "Deal",
    "title": "Long Bridge",
    "updatedBy": null,
    "worth": 0
}
`,
    )
  })

  it('an audit trail', async () => {
    // #region audit
    install(dataSource, { extensions: [AutoFields, Audit.with({ exclude: ['Deal.updatedBy'] })] })
    const deals = dataSource.getRepository(Deal)
    const deal = await withContext({ actor: 'ada' }, () => deals.save(make(Deal, { title: 'Bridge', worth: 7 })))
    await withContext({ actor: 'ben', requestId: 'r-42' }, () => deals.save(Object.assign(deal, { worth: 9 })))

    await withSession(dataSource, async (session) => {
      const audit = auditOf(session)
      const [last, first] = await audit.history(Deal, deal.id) // last: ben, update, { worth: { from: 7, to: 9 } }
      const then = await audit.asOf(Deal, deal.id, first!) // { worth: 7, … }
      await audit.revert(last!) // hooks run, and the trail has a row more
      expect(then).toMatchObject({ title: 'Bridge', worth: 7 })
      expect(last).toMatchObject({ actor: 'ben', requestId: 'r-42', operation: 'update', changes: { worth: { from: 7, to: 9 } } })
    })
    // #endregion
    expect((await deals.findOneByOrFail({ id: deal.id })).worth).toBe(7)
    expect(await auditOf(dataSource).history(Deal, deal.id)).toHaveLength(3)
  })

  it('files of rows', async () => {
    await dataSource.manager.save([make(Deal, { id: 'br1dg', title: 'Bridge' }), make(Deal, { id: 'tun3l', title: 'Tunnel' })])
    const other = await openDataSource({ entities: ENTITIES })
    // #region files
    await dumpData(dataSource, dir)
    const { rows } = await loadData(other, dir) // into empty tables, in one transaction, with no hook running
    // #endregion
    expect(rows).toBe(2)
    expect(readdirSync(join(dir, 'Deal')).sort()).toEqual(['br1dg_Bridge.json', 'tun3l_Tunnel.json'])
    expect(await other.manager.find(Deal, { order: { id: 'ASC' } })).toEqual(await dataSource.manager.find(Deal, { order: { id: 'ASC' } }))
  })
})
