/**
 * Authors that AutoFields puts on rows: who, when, and when not.
 *
 * @module
 */
import { withContext } from 'flushpoint'
import { AutoFields } from 'flushpoint/extensions'
import type { DataSource } from 'typeorm'
import { errorOf, sessionExtension, useDatabase } from '../../support/chains.js'
import { recordStatements } from '../../support/databases.js'
import { Company, Deal, DEALS, Label, Letter, Page, User } from '../../support/deals.js'
import { make } from '../../support/models.js'
import { describeWays, type WayIn } from '../../support/ways-in.js'

const ANN = { id: 'ann', name: 'Ann' }
const BOB = { id: 'bob', name: 'Bob' }

/** What the table has. */
async function rowOf(ds: DataSource): Promise<Deal> {
  const [row] = await ds.manager.find(Deal, { withDeleted: true })
  return row!
}

async function seeded(way: WayIn, ds: DataSource, values: Partial<Deal> = {}): Promise<Deal> {
  await way.seed(ds, make(Deal, { id: 'one', title: 'a', createdBy: 'eve', updatedBy: 'eve', ...values }))
  return way.load(ds, Deal, { id: 'one' })
}

describeWays('authors of AutoFields', (way) => {
  const db = useDatabase(DEALS)

  // D04
  it('put the actor on a new row as its original author, and nobody as its latest', async () => {
    db.use(AutoFields)
    await withContext({ actor: ANN }, () => way.save(db.ds, make(Deal, { title: 'a' })))
    expect(await rowOf(db.ds)).toMatchObject({ createdBy: 'ann', updatedBy: null })
  })

  // D05
  it('keep an original author that is preset', async () => {
    db.use(AutoFields)
    await withContext({ actor: ANN }, () => way.save(db.ds, make(Deal, { title: 'a', createdBy: 'mail' })))
    expect(await rowOf(db.ds)).toMatchObject({ createdBy: 'mail' })
  })

  // D05
  it('leave the original author empty without an actor', async () => {
    await way.save(db.use(AutoFields), make(Deal, { title: 'a' }))
    expect(await rowOf(db.ds)).toMatchObject({ createdBy: null, updatedBy: null })
  })

  // D06
  it('put the actor on a changed row as its latest author, each time', async () => {
    const deal = await seeded(way, db.ds)
    db.use(AutoFields)
    deal.title = 'b'
    await withContext({ actor: ANN }, () => way.save(db.ds, deal))
    expect(await rowOf(db.ds)).toMatchObject({ title: 'b', createdBy: 'eve', updatedBy: 'ann' })
    deal.title = 'c'
    await withContext({ actor: BOB }, () => way.save(db.ds, deal))
    expect(await rowOf(db.ds)).toMatchObject({ title: 'c', createdBy: 'eve', updatedBy: 'bob' })
    expect(deal.updatedBy).toBe('bob')
  })

  // D06
  it('put the latest author only where there is none, when asked to', async () => {
    const deal = await seeded(way, db.ds, { updatedBy: null })
    db.use(AutoFields.with({ latestAuthor: 'once' }))
    for (const actor of [ANN, BOB]) {
      deal.title += '!'
      await withContext({ actor }, () => way.save(db.ds, deal))
    }
    expect(await rowOf(db.ds)).toMatchObject({ title: 'a!!', updatedBy: 'ann' })
  })

  // D07
  it('touch nothing where nothing differs, and send no statement', async () => {
    const deal = await seeded(way, db.ds)
    const statements = recordStatements(db.use(AutoFields))
    deal.title = 'b'
    deal.title = 'a'
    await withContext({ actor: ANN }, () => way.save(db.ds, deal))
    statements.stop()
    expect(statements.sql().filter((sql) => sql.startsWith('UPDATE'))).toEqual([])
    expect(await rowOf(db.ds)).toMatchObject({ updatedBy: 'eve' })
    expect(deal.updatedBy).toBe('eve')
  })

  it('make no update by themselves where a later hook takes the change back', async () => {
    const deal = await seeded(way, db.ds)
    const back = sessionExtension({ beforeUpdate: (entity) => void ((entity as Deal).title = 'a') })
    const statements = recordStatements(db.use(AutoFields, back))
    deal.title = 'b'
    await withContext({ actor: ANN }, () => way.save(db.ds, deal))
    statements.stop()
    expect(statements.sql().filter((sql) => sql.startsWith('UPDATE'))).toEqual([])
    expect(await rowOf(db.ds)).toMatchObject({ title: 'a', updatedBy: 'eve' })
    expect(deal.updatedBy).toBe('eve')
  })

  it('keep a latest author that the same flush sets', async () => {
    const deal = await seeded(way, db.ds)
    db.use(AutoFields)
    Object.assign(deal, { title: 'b', updatedBy: 'import' })
    await withContext({ actor: ANN }, () => way.save(db.ds, deal))
    expect(await rowOf(db.ds)).toMatchObject({ title: 'b', updatedBy: 'import' })
  })

  it('empty the latest author where nobody is told, since the one before has not made the change', async () => {
    const deal = await seeded(way, db.ds)
    db.use(AutoFields)
    deal.title = 'b'
    await way.save(db.ds, deal)
    expect(await rowOf(db.ds)).toMatchObject({ updatedBy: null })
  })

  it('put the actor of the second try where the first has failed', async () => {
    const deal = await seeded(way, db.ds)
    let isRefused = true
    const veto = sessionExtension({
      beforeWrite() {
        if (isRefused) throw new Error('refused')
      },
    })
    db.use(AutoFields, veto)
    deal.title = 'b'
    await withContext({ actor: ANN }, () => errorOf(way.save(db.ds, deal)))
    isRefused = false
    deal.title = 'b' // a block that failed has put it back
    await withContext({ actor: BOB }, () => way.save(db.ds, deal))
    expect(await rowOf(db.ds)).toMatchObject({ title: 'b', updatedBy: 'bob' })
  })

  it('take a change of members for a change', async () => {
    await seeded(way, db.ds)
    const deal = await way.load(db.ds, Deal, { id: 'one' }, 'labels')
    db.use(AutoFields)
    deal.labels!.push(make(Label, { name: 'hot' }))
    await withContext({ actor: ANN }, () => way.save(db.ds, deal))
    expect(await rowOf(db.ds)).toMatchObject({ updatedBy: 'ann' })
  })

  it('take soft removal and recovery for changes', async () => {
    const deal = await seeded(way, db.ds)
    db.use(AutoFields)
    await withContext({ actor: ANN }, () => way.softRemove(db.ds, deal))
    expect(await rowOf(db.ds)).toMatchObject({ updatedBy: 'ann', deletedAt: expect.any(Date) as Date })
    await withContext({ actor: BOB }, () => way.recover(db.ds, deal))
    expect(await rowOf(db.ds)).toMatchObject({ updatedBy: 'bob', deletedAt: null })
  })

  it('put scalar actors as they are, and what authorOf answers', async () => {
    const uninstalled = db.use(AutoFields)
    await withContext({ actor: 'cron' }, () => way.save(uninstalled, make(Company, { name: 'a' })))
    await withContext({ actor: 7 }, () => way.save(uninstalled, make(Company, { name: 'b' })))
    expect(await db.ds.manager.find(Company, { order: { name: 'ASC' } })).toMatchObject([{ createdBy: 'cron' }, { createdBy: '7' }])
  })

  it('ask authorOf with the context, and leave fields alone where it answers undefined', async () => {
    const deal = await seeded(way, db.ds)
    db.use(AutoFields.with({ authorOf: ({ tenant }) => (tenant === undefined ? undefined : `${tenant}/system`) }))
    deal.title = 'b'
    await way.save(db.ds, deal)
    expect(await rowOf(db.ds)).toMatchObject({ title: 'b', updatedBy: 'eve' })
    deal.title = 'c'
    await withContext({ tenant: 'acme' }, () => way.save(db.ds, deal))
    expect(await rowOf(db.ds)).toMatchObject({ title: 'c', updatedBy: 'acme/system' })
  })

  it('lead to the author by key where they are relations, with no query for it', async () => {
    await way.seed(db.ds, [make(User, { id: 1, name: 'Ann' }), make(User, { id: 2, name: 'Bob' })])
    db.use(AutoFields)
    const letter = make(Letter, { text: 'a' })
    const statements = recordStatements(db.ds)
    await withContext({ actor: make(User, { id: 1, name: 'somebody' }) }, () => way.save(db.ds, letter))
    statements.stop()
    expect(statements.sql().filter((sql) => /FROM ["`]user["`]/.test(sql))).toEqual([])
    const relations = { sender: true, editor: true }
    expect(await db.ds.manager.find(Letter, { relations })).toMatchObject([
      { sender: { id: 1, name: 'Ann' }, editor: null, editorId: null },
    ])
    letter.text = 'b'
    await withContext({ actor: 2 }, () => way.save(db.ds, letter))
    expect(await db.ds.manager.find(Letter, { relations })).toMatchObject([
      { sender: { id: 1 }, editor: { id: 2, name: 'Bob' }, editorId: 2 },
    ])
    expect(await db.ds.manager.findOneBy(User, { id: 1 })).toMatchObject({ name: 'Ann' })
  })

  it('replace an author that is loaded, and leave that object as it is', async () => {
    const [ann, bob] = [make(User, { id: 1, name: 'Ann' }), make(User, { id: 2, name: 'Bob' })]
    await way.seed(db.ds, [ann, bob])
    await way.seed(db.ds, make(Letter, { id: 'one', text: 'a', sender: ann, editor: ann }))
    const letter = await way.load(db.ds, Letter, { id: 'one' }, 'editor')
    const before = letter.editor!
    db.use(AutoFields)
    letter.text = 'b'
    await withContext({ actor: { id: 2 } }, () => way.save(db.ds, letter))
    expect(before).toMatchObject({ id: 1, name: 'Ann' })
    const relations = { sender: true, editor: true }
    expect(await db.ds.manager.find(Letter, { relations })).toMatchObject([{ text: 'b', sender: { id: 1 }, editor: { id: 2 } }])
    letter.text = 'c'
    await withContext({ actor: { id: 2 } }, () => way.save(db.ds, letter))
    expect(await db.ds.manager.find(Letter, { relations })).toMatchObject([{ text: 'c', editor: { id: 2 } }])
  })

  it('are filled in inside of embedded objects', async () => {
    db.use(AutoFields)
    const page = make(Page, { text: 'a' })
    await withContext({ actor: 7 }, () => way.save(db.ds, page))
    expect(await db.ds.manager.find(Page)).toMatchObject([{ authors: { first: '7', last: null } }])
    page.text = 'b'
    await withContext({ actor: { id: 8 } }, () => way.save(db.ds, page))
    expect(await db.ds.manager.find(Page)).toMatchObject([{ authors: { first: '7', last: 8 } }])
  })

  it('refuse an actor that has no key', async () => {
    db.use(AutoFields)
    const error = await errorOf(withContext({ actor: { username: 'hidden' } }, () => way.save(db.ds, make(Deal, { title: 'a' }))))
    expect(error).toMatchObject({ name: 'DataError', code: 'AUTHOR_UNUSABLE' })
    expect(error.message).toContain('"createdBy" of Deal')
    expect(error.message).not.toContain('hidden')
    const late = await errorOf(withContext({ actor: { username: 'ann' } }, () => way.save(db.ds, make(Letter, { text: 'a' }))))
    expect(late).toMatchObject({ code: 'AUTHOR_UNUSABLE' })
    await withContext({ actor: { id: null } }, () => way.save(db.ds, make(Deal, { title: 'nobody' })))
    expect(await db.ds.manager.find(Deal)).toMatchObject([{ title: 'nobody', createdBy: null }])
  })
})

describeWays('authors of AutoFields on what is partly known', (way) => {
  const db = useDatabase(DEALS)

  it('are put on an object that has not loaded them', async () => {
    await seeded(way, db.ds)
    db.use(AutoFields)
    if (way.isSession) {
      const deal = await way.load(db.ds, Deal, { id: 'one' })
      deal.title = 'b'
      await withContext({ actor: ANN }, () => way.save(db.ds, deal))
    } else await withContext({ actor: ANN }, () => db.ds.manager.save(Deal, { id: 'one', title: 'b' }))
    expect(await rowOf(db.ds)).toMatchObject({ title: 'b', createdBy: 'eve', updatedBy: 'ann' })
  })

  it('count as there when only the row has them, where they are put once', async () => {
    await seeded(way, db.ds)
    db.use(AutoFields.with({ latestAuthor: 'once' }))
    if (way.isSession) {
      const deal = await way.load(db.ds, Deal, { id: 'one' })
      deal.title = 'b'
      await withContext({ actor: ANN }, () => way.save(db.ds, deal))
    } else await withContext({ actor: ANN }, () => db.ds.manager.save(Deal, { id: 'one', title: 'b' }))
    expect(await rowOf(db.ds)).toMatchObject({ title: 'b', updatedBy: 'eve' })
  })
})
