/**
 * Ids that AutoFields draws: when, for whom, and that nobody has them.
 *
 * @module
 */
import { openSession, withContext, withoutExtensions } from 'flushpoint'
import { AutoFields, shortId } from 'flushpoint/extensions'
import { errorOf, log, sessionExtension, useDatabase } from '../../support/chains.js'
import { describeDatabase, recordStatements } from '../../support/databases.js'
import { Asset, Company, Deal, DealCompany, DEALS, Film, Label, Picture, sequence, Shelf } from '../../support/deals.js'
import { make } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

const SHORT_ID = /^[a-z0-9]{5}$/

describe('shortId', () => {
  it('draws five different characters of a-z and 0-9', () => {
    const ids = Array.from({ length: 2000 }, shortId)
    expect(ids.filter((id) => !SHORT_ID.test(id) || new Set(id).size !== 5)).toEqual([])
    expect(new Set(ids.join('')).size).toBe(36)
    expect(new Set(ids).size).toBeGreaterThan(1990)
  })
})

describeWays('ids of AutoFields', (way) => {
  const db = useDatabase(DEALS)

  // D01
  it('are there before the row is inserted, and unique', async () => {
    const seen = sessionExtension({ beforeInsert: (entity) => void log.push((entity as Deal).id) })
    const deals = Array.from({ length: 20 }, (_, index) => make(Deal, { title: `deal ${index}` }))
    await way.save(db.use(AutoFields, seen), deals)
    const ids = deals.map(({ id }) => id)
    expect(ids.filter((id) => !SHORT_ID.test(id))).toEqual([])
    expect(log).toEqual(ids)
    const rows = await db.ds.manager.find(Deal)
    expect(rows.map(({ id, title }) => `${id} ${title}`).sort()).toEqual(deals.map(({ id, title }) => `${id} ${title}`).sort())
    expect(new Set(ids).size).toBe(20)
  })

  // D02
  it('are kept where they are preset', async () => {
    const deals = [make(Deal, { id: 'mine', title: 'a' }), make(Deal, { title: 'b' })]
    await way.save(db.use(AutoFields.with({ generate: sequence('drawn') })), deals)
    expect(deals.map(({ id }) => id)).toEqual(['mine', 'drawn'])
    expect((await db.ds.manager.find(Deal, { order: { title: 'ASC' } })).map(({ id }) => id)).toEqual(['mine', 'drawn'])
  })

  // D03
  it('are drawn again where the table has them, softly removed rows included', async () => {
    await way.seed(db.ds, [make(Deal, { id: 'first', title: 'a' }), make(Deal, { id: 'gone', title: 'b', deletedAt: new Date() })])
    const deal = make(Deal, { title: 'c' })
    await way.save(db.use(AutoFields.with({ generate: sequence('first', 'gone', 'third') })), deal)
    expect(deal.id).toBe('third')
    expect(await db.ds.manager.count(Deal, { withDeleted: true })).toBe(3)
  })

  // D03
  it('are drawn again where another entity of the flush has them, preset or drawn', async () => {
    const deals = [make(Deal, { title: 'a' }), make(Deal, { id: 'preset', title: 'b' }), make(Deal, { title: 'c' })]
    await way.save(db.use(AutoFields.with({ generate: sequence('preset', 'one', 'one', 'PRESET', 'two') })), deals)
    expect(deals.map(({ id }) => id)).toEqual(['one', 'preset', 'two'])
  })

  it('are asked for by one SELECT for each class and flush, which flushes nothing else', async () => {
    const deals = Array.from({ length: 5 }, (_, index) => make(Deal, { title: `deal ${index}` }))
    const companies = [make(Company, { name: 'x' }), make(Company, { name: 'y' })]
    const statements = recordStatements(db.use(AutoFields))
    await way.save(db.ds, [...deals, ...companies])
    statements.stop()
    const selects = statements.sql().filter((sql) => sql.startsWith('SELECT') && / IN ?\(/.test(sql))
    expect(selects).toHaveLength(2)
    expect(statements.sql().findIndex((sql) => sql.startsWith('INSERT'))).toBeGreaterThan(statements.sql().lastIndexOf(selects[1]!))
  })

  it('ask for nothing where nothing is drawn', async () => {
    const deal = await way.seed(db.ds, make(Deal, { id: 'there', title: 'a' }))
    db.use(AutoFields.with({ generate: sequence() }))
    deal.title = 'b'
    await way.save(db.ds, deal)
    await way.save(db.ds, make(Label, { name: 'x' }))
    await way.remove(db.ds, deal)
    expect(await db.ds.manager.count(Deal)).toBe(0)
  })

  it('are there for foreign keys of children that cascades bring', async () => {
    const company = make(Company, { name: 'x', deals: [make(Deal, { title: 'a' }), make(Deal, { title: 'b' })] })
    const statements = recordStatements(db.use(AutoFields))
    await way.save(db.ds, company)
    statements.stop()
    const [row] = await db.ds.manager.find(Company, { relations: { deals: true } })
    expect(row!.id).toBe(company.id)
    expect(row!.deals!.map(({ id }) => id).sort()).toEqual(company.deals!.map(({ id }) => id).sort())
    expect(statements.sql().filter((sql) => sql.startsWith('SELECT') && / IN ?\(/.test(sql))).toHaveLength(2)
  })

  it('are given to what other hooks add, whenever they do', async () => {
    const adds = sessionExtension({
      beforeFlush() {
        this.session.add(make(Company, { name: 'before the flush' }))
      },
      beforeInsert(entity) {
        if (entity instanceof Deal) this.session.add(make(Company, { name: 'before an insert' }))
      },
    })
    await way.save(db.use(AutoFields, adds), make(Deal, { title: 'a' }))
    const companies = await db.ds.manager.find(Company)
    expect(companies.map(({ name }) => name).sort()).toEqual(['before an insert', 'before the flush'])
    expect(companies.filter(({ id }) => !SHORT_ID.test(id))).toEqual([])
  })

  it('are looked for in the whole table of an inheritance', async () => {
    await way.seed(db.ds, make(Film, { id: 'film', name: 'a' }))
    const assets = [make(Picture, { name: 'b' }), make(Film, { name: 'c' }), make(Asset, { name: 'd' })]
    const statements = recordStatements(db.use(AutoFields.with({ generate: sequence('film', 'pic', 'pic', 'two', 'three') })))
    await way.save(db.ds, assets)
    statements.stop()
    expect(assets.map(({ id }) => id).sort()).toEqual(['pic', 'three', 'two'])
    expect(statements.sql().filter((sql) => sql.startsWith('SELECT') && / IN ?\(/.test(sql))).toHaveLength(2)
  })

  // D10
  it('are not given to links, whatever is declared above them', async () => {
    const seen = sessionExtension({
      beforeFlush() {
        log.push(...[...this.session.uow.new].map(({ constructor }) => constructor.name).sort())
      },
    })
    const [deal, company] = [make(Deal, { title: 'a' }), make(Company, { name: 'x' })]
    await way.save(db.use(AutoFields), [deal, company])
    db.use(seen)
    await way.save(db.ds, make(DealCompany, { deal, company }))
    const shelf = await way.save(db.ds, make(Shelf, {}))
    expect(log).toEqual(['DealCompany', 'Shelf'])
    expect(await db.ds.manager.find(DealCompany)).toMatchObject([{ dealId: deal.id, companyId: company.id, code: null }])
    expect(await db.ds.manager.find(Shelf)).toMatchObject([{ code: expect.stringMatching(SHORT_ID) as string }])
    expect(shelf.code).toMatch(SHORT_ID)
  })

  // D25
  it('are drawn once, however often the extension is asked', async () => {
    const deal = make(Deal, { title: 'a' })
    await way.save(db.use(AutoFields.with({ generate: sequence('once') }), AutoFields.with({ generate: sequence() })), deal)
    expect((await db.ds.manager.find(Deal)).map(({ id }) => id)).toEqual(['once'])
  })

  // D23
  it('are not given where extensions are off', async () => {
    db.use(AutoFields.with({ generate: sequence() }))
    await withoutExtensions(() => way.save(db.ds, make(Deal, { id: 'loaded', title: 'a' })))
    expect(await db.ds.manager.find(Deal)).toMatchObject([{ id: 'loaded', createdBy: null }])
    const without = make(Deal, { title: 'b' })
    await withoutExtensions(() => way.save(db.ds, without)).catch(() => undefined) // databases think differently about a row without a key
    expect(without.id ?? '').toBe('')
  })

  it('are kept by an entity whose flush failed, and written with the next', async () => {
    const refused = new Error('refused')
    let isRefused = true
    const veto = sessionExtension({
      beforeWrite() {
        if (isRefused) throw refused
      },
    })
    const deal = make(Deal, { title: 'a' })
    db.use(AutoFields, veto)
    await way.byHand(db.ds).then(async (work) => {
      try {
        await expect(work.save(deal)).rejects.toBe(refused)
        isRefused = false
        await work.save(deal)
      } finally {
        await work.end()
      }
    })
    expect(await db.ds.manager.find(Deal)).toMatchObject([{ id: deal.id, title: 'a' }])
  })

  it('are refused after many draws that were taken', async () => {
    await way.seed(db.ds, make(Deal, { id: 'taken', title: 'a' }))
    let draws = 0
    db.use(AutoFields.with({ generate: () => (draws++, 'taken') }))
    const error = await errorOf(way.save(db.ds, make(Deal, { title: 'b' })))
    expect(error).toMatchObject({ name: 'DataError', code: 'AUTO_ID_EXHAUSTED' })
    expect(error.message).toContain('Deal')
    expect(draws).toBeLessThan(200)
    expect(await db.ds.manager.count(Deal)).toBe(1)
  })

  it.each([
    ['an empty text', ''],
    ['a number', 7],
    ['an instance of Promise', Promise.resolve('abcde')],
  ])('are refused where %s was generated', async (given, generated) => {
    db.use(AutoFields.with({ generate: () => generated as string }))
    const error = await errorOf(way.save(db.ds, make(Deal, { title: 'b' })))
    expect(error).toMatchObject({ code: 'AUTO_ID_INVALID' })
    expect(error.message).toContain(given)
  })

  it('let what the generator throws out as it is', async () => {
    const broken = new Error('no entropy')
    db.use(
      AutoFields.with({
        generate: () => {
          throw broken
        },
      }),
    )
    await expect(way.save(db.ds, make(Deal, { title: 'b' }))).rejects.toBe(broken)
  })
})

describeDatabase('ids of AutoFields without instances', () => {
  const db = useDatabase(DEALS)

  it('are given to plain objects of a class', async () => {
    db.use(AutoFields)
    const saved = await withContext({ actor: 'ann' }, () =>
      db.ds.manager.save(Deal, [{ title: 'a' }, { title: 'b', company: { name: 'x' } }]),
    )
    expect(saved.map(({ id }) => id)).toEqual([expect.stringMatching(SHORT_ID), expect.stringMatching(SHORT_ID)])
    const rows = await db.ds.manager.find(Deal, { order: { title: 'ASC' }, relations: { company: true } })
    expect(rows).toMatchObject([
      { id: saved[0]!.id, createdBy: 'ann', company: null },
      { id: saved[1]!.id, createdBy: 'ann', company: { id: expect.stringMatching(SHORT_ID) as string, name: 'x', createdBy: 'ann' } },
    ])
  })

  it('are left to the caller by statements by query, and authors as well', async () => {
    db.use(AutoFields.with({ generate: sequence() }))
    await withContext({ actor: 'ann' }, async () => {
      await db.ds.manager.insert(Deal, { id: 'mine', title: 'a' })
      await db.ds.manager.update(Deal, 'mine', { title: 'b' })
    })
    expect(await db.ds.manager.find(Deal)).toMatchObject([{ id: 'mine', title: 'b', createdBy: null, updatedBy: null }])
  })
})

describeDatabase('ids of AutoFields in a session', () => {
  const db = useDatabase(DEALS)

  it('are given only to what is flushed, without an autoflush of the rest', async () => {
    const session = openSession(db.use(AutoFields), { autoflush: true })
    try {
      const [deal, company] = [make(Deal, { title: 'a' }), make(Company, { name: 'x' })]
      session.add(deal, company)
      await session.flush(deal)
      expect(await db.ds.manager.count(Company)).toBe(0)
      expect(await db.ds.manager.count(Deal)).toBe(1)
      await session.flush()
      expect(await db.ds.manager.find(Company)).toMatchObject([{ id: company.id }])
    } finally {
      await session.close()
    }
  })
})
