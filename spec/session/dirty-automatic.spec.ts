/**
 * Columns that the database or TypeORM fills in, and flushes that find nothing to write.
 *
 * @module
 */
import { describeDatabase } from '../support/databases.js'
import { plain } from '../support/kinds.js'
import { make, Note } from '../support/models.js'
import { CLEAN, expectClean, openWithSession, standing } from '../support/opened-session.js'
import { Stamped } from '../support/session-models.js'

describeDatabase('columns that are filled in', () => {
  async function stamped() {
    const opened = await openWithSession()
    const entity = make(Stamped, { name: 'a' })
    opened.session.add(entity)
    await opened.session.flush()
    return { ...opened, entity }
  }

  it('are on the entity after its insert, and as a load gives them', async () => {
    const { entity, another, session, sent } = await stamped()
    expect(entity).toMatchObject({ style: 'plain', weight: 7, version: 1 })
    expect(entity.id).toMatch(/^[\da-f-]{36}$/)
    expect(entity.createdAt).toBeInstanceOf(Date)
    const read = await another().getOrFail(Stamped, entity.id)
    expect(plain(read)).toEqual(plain(entity))
    await expectClean(session, sent)
  })

  it('are clean as they were loaded', async () => {
    const { another, entity, sent } = await stamped()
    const session = another()
    const loaded = await session.getOrFail(Stamped, entity.id)
    expect(standing(session, loaded)).toEqual(CLEAN)
    await expectClean(session, sent)
  })

  it('are stamped only when something else has changed', async () => {
    const { session, entity, sent, another } = await stamped() // statement 18
    const { updatedAt } = entity
    await expectClean(session, sent)
    entity.name = 'b'
    entity.name = 'a'
    await expectClean(session, sent)
    expect(entity).toMatchObject({ version: 1, updatedAt })
    entity.name = 'b'
    await session.flush()
    expect(entity.version).toBe(2)
    const read = await another().getOrFail(Stamped, entity.id)
    expect(plain(read)).toEqual(plain(entity))
    await expectClean(session, sent)
  })

  it('take what was preset instead', async () => {
    const { session, another, sent } = await stamped()
    const id = '7f2b1f2e-6d0e-4c36-9d5f-0d6a3a2b1c0d'
    const createdAt = new Date('2001-02-03T04:05:06Z')
    session.add(make(Stamped, { id, name: 'preset', style: 'own', createdAt }))
    await session.flush()
    await expectClean(session, sent)
    expect(await another().getOrFail(Stamped, id)).toMatchObject({ name: 'preset', style: 'own', weight: 7, createdAt })
  })

  it('keep a date of their own when it is assigned', async () => {
    const { session, another, entity } = await stamped()
    const createdAt = new Date('2001-02-03T04:05:06Z')
    entity.createdAt = createdAt
    expect(Object.keys(session.state(entity).changes)).toEqual(['createdAt'])
    await session.flush()
    expect((await another().getOrFail(Stamped, entity.id)).createdAt).toEqual(createdAt)
  })
})

describeDatabase('a flush without net changes', () => {
  it('sends no SQL and opens no transaction', async () => {
    const { session, sent } = await openWithSession() // statement 14
    const notes = [1, 2, 3].map((number) => make(Note, { text: `n${number}` }))
    session.add(...notes)
    await session.flush()
    notes[0]!.text = 'other'
    notes[0]!.text = 'n1'
    await expectClean(session, sent)
    await session.commit()
    expect(sent.sql()).toEqual([])
  })
})
