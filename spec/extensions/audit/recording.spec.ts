/** One audit row for each net change, in the transaction that made it, by both ways in. */
import { withContext, withoutExtensions } from 'flushpoint'
import { Audit } from 'flushpoint/extensions'
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm'
import { openAudit, stepsOf, toldBy, trailOf } from '../../support/audit.js'
import { errorOf, sessionExtension } from '../../support/chains.js'
import { closeDataSources, recordStatements } from '../../support/databases.js'
import { Article, Author, ENTITIES, make, Note, Tag } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

@Entity()
class Page {
  @PrimaryGeneratedColumn() id: number
  @Column('text') body: string
}

const open = () => openAudit(undefined, { entities: ENTITIES })

describeWays('an audit trail', (way) => {
  afterEach(closeDataSources)

  it('tells who inserted a row, why, when and with which values', async () => {
    const dataSource = await open()
    const before = Date.now()
    await withContext({ actor: 'ann', requestId: 'r-1' }, () => way.save(dataSource, make(Author, { name: 'Ann' })))
    const [row, ...others] = await trailOf(dataSource)
    expect(others).toEqual([])
    expect(row).toMatchObject({ actor: 'ann', request_id: 'r-1', operation: 'insert', entity: 'Author', key: { id: 1 } })
    expect([row!.changes, row!.relations]).toEqual([{ name: { to: 'Ann' } }, null])
    expect(row!.transaction_id).toMatch(/^[0-9a-f-]{36}$/)
    expect(Math.abs(row!.recorded_at - before)).toBeLessThan(60_000)
  })

  it('tells what an update changed, from what to what, and nothing else', async () => {
    const dataSource = await open()
    await way.seed(dataSource, make(Article, { title: 'A', slug: 'a' }))
    const article = await way.load(dataSource, Article, { title: 'A' })
    article.title = 'B'
    await way.save(dataSource, article)
    const [row] = await trailOf(dataSource)
    expect([row!.operation, row!.changes]).toEqual(['update', { title: { from: 'A', to: 'B' } }])
  })

  it('tells the last values of what is deleted', async () => {
    const dataSource = await open()
    await way.seed(dataSource, make(Article, { title: 'A', slug: 'a' }))
    await way.remove(dataSource, await way.load(dataSource, Article, { title: 'A' }))
    const [row] = await trailOf(dataSource)
    expect(row).toMatchObject({ operation: 'delete', key: { id: 1 }, changes: { title: { from: 'A' }, slug: { from: 'a' } } })
    expect(row!.changes['title']).not.toHaveProperty('to')
  })

  it('tells soft removal and recovery as such', async () => {
    const dataSource = await open()
    await way.seed(dataSource, make(Note, { text: 'a' }))
    const note = await way.load(dataSource, Note, { text: 'a' })
    await way.softRemove(dataSource, note)
    await way.recover(dataSource, note)
    const [removed, recovered] = await trailOf(dataSource)
    expect([removed!.operation, recovered!.operation]).toEqual(['softRemove', 'recover'])
    expect(removed!.changes['deletedAt']).toEqual({ from: null, to: expect.stringMatching(/^\d{4}-.*Z$/) })
    expect(recovered!.changes['deletedAt']).toEqual({ from: expect.any(String), to: null })
  })

  it('tells the net changes of a transaction by one statement, the last before the commit', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    await way.transaction(dataSource, async ({ save, remove }) => {
      const note = await save(make(Note, { text: 'a' }))
      note.text = 'b'
      await save(note)
      await remove(await save(make(Note, { text: 'gone' })))
      await save(make(Tag, { name: 't' }))
    })
    const steps = stepsOf(recording)
    expect(steps.slice(-2)).toEqual(['audit', 'COMMIT'])
    expect(steps.filter((step) => step === 'audit')).toHaveLength(1)
    const [note, tag, ...others] = await trailOf(dataSource)
    expect(others).toEqual([])
    expect([note!.operation, note!.changes['text'], tag!.entity]).toEqual(['insert', { to: 'b' }, 'Tag'])
  })

  it('ties the rows of one transaction together, and those of two apart', async () => {
    const dataSource = await open()
    await way.save(dataSource, [make(Tag, { name: 'a' }), make(Author, { name: 'b' })])
    await way.save(dataSource, make(Tag, { name: 'c' }))
    const ids = (await trailOf(dataSource)).map(({ transaction_id }) => transaction_id)
    expect([new Set(ids).size, ids[0] === ids[1]]).toEqual([2, true])
  })

  it('writes nothing of what is rolled back', async () => {
    const dataSource = await open()
    await errorOf(
      way.transaction(dataSource, async ({ save }) => {
        await save(make(Tag, { name: 'a' }))
        throw new Error('no')
      }),
    )
    expect(await trailOf(dataSource)).toEqual([])
  })

  it('writes nothing of what is rolled back to a savepoint', async () => {
    const dataSource = await open()
    await way.transaction(dataSource, async ({ save, transaction }) => {
      await save(make(Tag, { name: 'kept' }))
      await errorOf(
        transaction(async (nested) => {
          await nested.save(make(Tag, { name: 'lost' }))
          throw new Error('no')
        }),
      )
    })
    expect((await trailOf(dataSource)).map(({ changes }) => changes)).toEqual([{ name: { to: 'kept' } }])
  })

  it('writes nothing where a row ends as it began', async () => {
    const dataSource = await open()
    await way.seed(dataSource, make(Tag, { name: 'a' }))
    const recording = recordStatements(dataSource)
    const tag = await way.load(dataSource, Tag, { name: 'a' })
    await way.transaction(dataSource, async ({ save }) => {
      tag.name = 'b'
      await save(tag)
      tag.name = 'a'
      await save(tag)
    })
    expect(stepsOf(recording)).not.toContain('audit')
  })

  it('undoes the change where its audit row cannot be written', async () => {
    const dataSource = await open()
    await dataSource.query(`DROP TABLE ${dataSource.getMetadata('AuditEntry').tablePath.split('.').map((part) => dataSource.driver.escape(part)).join('.')}`) // prettier-ignore
    const error = await errorOf(way.save(dataSource, make(Tag, { name: 'a' })))
    expect(error.message).toMatch(/audit_entry/)
    expect(await dataSource.manager.count(Tag)).toBe(0)
  })

  it('leaves out what is written without extensions', async () => {
    const dataSource = await open()
    await withoutExtensions(() => way.save(dataSource, make(Tag, { name: 'a' })))
    expect(await trailOf(dataSource)).toEqual([])
  })

  it('tells what other hooks add before the commit', async () => {
    let isAdded = false
    const adding = sessionExtension({
      beforeCommit() {
        if (!isAdded) this.session.add(make(Tag, { name: 'added' }))
        isAdded = true
      },
    })
    const dataSource = await openAudit(undefined, { entities: ENTITIES, around: (audit) => [audit, adding] })
    await way.save(dataSource, make(Tag, { name: 'first' }))
    expect((await trailOf(dataSource)).map(({ changes }) => changes['name'])).toEqual([{ to: 'first' }, { to: 'added' }])
  })

  it('tells each change once where the extension is listed twice', async () => {
    const dataSource = await openAudit({}, { entities: ENTITIES, around: (audit) => [audit, (session) => new Audit(session)] })
    await way.save(dataSource, make(Tag, { name: 'a' }))
    expect(await toldBy(dataSource)).toEqual(['insert Tag {"id":1} name'])
  })

  it('reports to nobody that its own row was written', async () => {
    const heard: string[] = []
    const listening = sessionExtension({
      afterInsert: (entity) => void heard.push(entity.constructor.name),
      beforeBulk: ({ kind }) => void heard.push(kind),
    })
    const dataSource = await openAudit(undefined, { entities: ENTITIES, around: (audit) => [audit, listening] })
    await way.save(dataSource, make(Tag, { name: 'a' }))
    expect(heard).toEqual(['Tag'])
  })
})

describeWays('a thousand rows', (way) => {
  afterEach(closeDataSources)

  const many = (name: string) => Array.from({ length: 1000 }, (_, index) => make(Author, { name: `${name} ${index}` }))

  it('are audited by one statement, in their order', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    const authors = await way.save(dataSource, many('x'))
    expect(stepsOf(recording).filter((step) => step === 'audit')).toHaveLength(1)
    expect((await trailOf(dataSource)).map(({ key }) => key['id'])).toEqual(authors.map(({ id }) => id))
  })

  it('are audited by several statements where they are too much for one', async () => {
    const dataSource = await openAudit(undefined, { entities: [Page] })
    const recording = recordStatements(dataSource)
    const pages = Array.from({ length: 100 }, (_, index) => make(Page, { body: `${index} ${'"'.repeat(50_000)}` }))
    await way.save(dataSource, pages)
    expect(stepsOf(recording).filter((step) => step === 'audit').length).toBeGreaterThan(1)
    const trail = await trailOf(dataSource)
    expect(trail.map(({ changes }) => changes['body']!.to)).toEqual(pages.map(({ body }) => body))
    expect(new Set(trail.map(({ transaction_id }) => transaction_id)).size).toBe(1)
  })
})
