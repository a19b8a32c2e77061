/**
 * ChangeCapture: which entities a transaction has created, updated and deleted, by both ways in.
 *
 * @module
 */
import { openSession, sessionSubscriber, withoutExtensions, type Session } from 'flushpoint'
import { ChangeCapture } from 'flushpoint/extensions'
import { Column, Entity, PrimaryGeneratedColumn, type DataSource } from 'typeorm'
import { sessionExtension } from '../../support/chains.js'
import { closeDataSources, openOnUsedTables } from '../../support/databases.js'
import { Article, Author, ENTITIES, make, Note, Tag } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

@Entity()
class AlbumLink {
  @PrimaryGeneratedColumn() id: number
  @Column() left: number
  @Column() right: number
}

const entities = [...ENTITIES, AlbumLink]

function listsOf({ info }: Session) {
  const { created, updated, deleted } = info.changes!
  return { created: [...created], updated: [...updated], deleted: [...deleted] }
}

const NOTHING = { created: [], updated: [], deleted: [] }

describeWays('what a transaction has changed', (way) => {
  /** What `afterCommit` has read, and how much work was left then. */
  const seen: (ReturnType<typeof listsOf> & { readonly pending: number })[] = []
  const Reader = sessionExtension({
    afterCommit() {
      const { uow } = this.session
      const pending = uow.new.size + uow.dirty.size + uow.deleted.size
      seen.push({ ...listsOf(this.session), pending })
    },
  })

  afterEach(async () => {
    seen.length = 0
    await closeDataSources()
  })

  const open = (): Promise<DataSource> =>
    openOnUsedTables({ entities, subscribers: [sessionSubscriber({ extensions: [ChangeCapture, Reader] })] })

  // D08
  it('lists what a flush has inserted, changed and removed', async () => {
    const dataSource = await open()
    const [kept, gone] = await way.seed(dataSource, [make(Tag, { name: 'kept' }), make(Tag, { name: 'gone' })])
    await way.transaction(dataSource, async ({ session, save, remove }) => {
      const author = await save(make(Author, { name: 'new' }))
      kept!.name = 'changed'
      await save(kept!)
      await remove(gone!)
      expect(listsOf(session)).toEqual({ created: [author], updated: [kept], deleted: [gone] })
    })
  })

  // D11
  it('is there after the commit, when the unit of work is empty', async () => {
    const dataSource = await open()
    const author = make(Author, { name: 'new' })
    const told: unknown[] = []
    await way.transaction(dataSource, async ({ session, save }) => {
      await save(author)
      session.onCommit(() => void told.push(listsOf(session)))
    })
    expect(seen).toEqual([{ created: [author], updated: [], deleted: [], pending: 0 }])
    expect(told).toEqual([{ created: [author], updated: [], deleted: [] }])
  })

  // D09
  it('lists the owner of a collection whose members changed, and no row of the junction', async () => {
    const dataSource = await open()
    const [article, tag] = await way.seed(dataSource, [make(Article, { title: 'a', tags: [] }), make(Tag, { name: 't' })] as const)
    const owner = await way.load(dataSource, Article, { id: article.id }, 'tags')
    owner.tags = [tag]
    await way.save(dataSource, owner)
    expect(seen).toEqual([{ created: [], updated: [owner], deleted: [], pending: 0 }])
  })

  it('lists an association entity like any other', async () => {
    const dataSource = await open()
    const link = await way.save(dataSource, make(AlbumLink, { left: 1, right: 2 }))
    expect(seen.map(({ created }) => created)).toEqual([[link]])
  })

  // D25
  it('is the same however often it is read, or the extension is listed', async () => {
    const dataSource = await openOnUsedTables({
      entities,
      subscribers: [sessionSubscriber({ extensions: [ChangeCapture, ChangeCapture, Reader] })],
    })
    await way.transaction(dataSource, async ({ session, save }) => {
      const author = await save(make(Author, { name: 'new' }))
      const first = session.info.changes!
      expect(session.info.changes).toBe(first)
      session.registerExtension(ChangeCapture)
      expect(listsOf(session)).toEqual({ created: [author], updated: [], deleted: [] })
    })
    expect(seen[0]!.created).toHaveLength(1)
  })

  it('cannot be changed, and stays what it was when something else is written', async () => {
    const dataSource = await open()
    await way.transaction(dataSource, async ({ session, save }) => {
      await save(make(Author, { name: 'one' }))
      const first = session.info.changes!
      await save(make(Author, { name: 'two' }))
      expect(first.created).toHaveLength(1)
      expect(session.info.changes!.created).toHaveLength(2)
      expect(() => (first.created as object[]).push({})).toThrow(TypeError)
    })
  })

  it('folds what is written more than once', async () => {
    const dataSource = await open()
    const [back, doomed] = await way.seed(dataSource, [make(Tag, { name: 'back' }), make(Tag, { name: 'doomed' })])
    await way.transaction(dataSource, async ({ session, save, remove }) => {
      const born = await save(make(Tag, { name: 'born' }))
      born.name = 'renamed'
      await save(born)
      const brief = await save(make(Tag, { name: 'brief' }))
      await remove(brief)
      back!.name = 'away'
      await save(back!)
      back!.name = 'back'
      await save(back!)
      doomed!.name = 'dying'
      await save(doomed!)
      await remove(doomed!)
      expect(listsOf(session)).toEqual({ created: [born], updated: [], deleted: [doomed] })
    })
  })

  it('lists what is soft-removed, or recovered, as updated', async () => {
    const dataSource = await open()
    const note = await way.seed(dataSource, make(Note, { text: 'n' }))
    await way.softRemove(dataSource, note)
    await way.recover(dataSource, note)
    expect(seen).toMatchObject([
      { created: [], updated: [note], deleted: [] },
      { created: [], updated: [note], deleted: [] },
    ])
  })

  it('loses what a savepoint takes back', async () => {
    const dataSource = await open()
    const kept = make(Author, { name: 'kept' })
    await way.transaction(dataSource, async (work) => {
      await work.save(kept)
      const lost = work.transaction(async (inner) => {
        await inner.save(make(Author, { name: 'lost' }))
        expect(work.session.info.changes!.created).toHaveLength(2)
        throw new Error('undone')
      })
      await expect(lost).rejects.toThrow('undone')
      expect(work.session.info.changes!.created).toHaveLength(1)
      await work.save(make(Author, { name: 'later' }))
    })
    expect(seen[0]!.created).toMatchObject([{ name: 'kept' }, { name: 'later' }])
  })

  it('is nothing where a flush has changed nothing', async () => {
    const dataSource = await open()
    const tag = await way.seed(dataSource, make(Tag, { name: 't' }))
    await way.transaction(dataSource, async ({ session, save }) => {
      await save(make(Author, { name: 'a' }))
      await save(tag)
      expect(listsOf(session)).toMatchObject({ created: [{ name: 'a' }], updated: [], deleted: [] })
    })
  })

  it('leaves out what is written in silence', async () => {
    const dataSource = await open()
    await way.transaction(dataSource, async ({ session, save }) => {
      await withoutExtensions(() => save(make(Author, { name: 'fixture' })))
      const author = await save(make(Author, { name: 'heard' }))
      expect(listsOf(session)).toEqual({ created: [author], updated: [], deleted: [] })
    })
  })

  // D24
  it('lists no statement by query, unless somebody asked for images of its rows', async () => {
    const dataSource = await open()
    await way.seed(dataSource, make(Tag, { name: 't' }))
    await way.transaction(dataSource, async ({ session, manager }) => {
      await manager.update(Tag, { name: 't' }, { name: 'u' })
      await manager.insert(Tag, { name: 'v' })
      expect(listsOf(session)).toEqual(NOTHING)
      session.registerExtension(sessionExtension({ beforeBulk: (statement) => statement.wantImages('both') }))
      await manager.update(Tag, { name: 'u' }, { name: 'w' })
      expect(session.info.changes!.updated).toHaveLength(1)
    })
  })
})

describe('a session that goes on', () => {
  afterEach(closeDataSources)

  it('keeps the changes of its last transaction until the next one begins', async () => {
    const dataSource = await openOnUsedTables({ entities, subscribers: [sessionSubscriber({ extensions: [ChangeCapture] })] })
    await using session = openSession(dataSource)
    const [first, second] = [make(Author, { name: '1' }), make(Author, { name: '2' })]
    session.add(first)
    await session.flush()
    expect(listsOf(session)).toEqual({ created: [first], updated: [], deleted: [] })
    await session.begin()
    expect(listsOf(session)).toEqual(NOTHING)
    session.add(second)
    await session.flush()
    expect(listsOf(session)).toEqual({ created: [second], updated: [], deleted: [] })
    await session.rollback()
    expect(listsOf(session)).toEqual(NOTHING)
  })

  it('has nothing of a transaction that was rolled back, also where nobody looked meanwhile', async () => {
    const dataSource = await openOnUsedTables({ entities, subscribers: [sessionSubscriber({ extensions: [ChangeCapture] })] })
    await using session = openSession(dataSource)
    session.add(make(Author, { name: '1' }))
    await session.flush()
    await session.begin()
    session.add(make(Author, { name: '2' }))
    await session.flush()
    await session.rollback()
    expect(listsOf(session)).toEqual(NOTHING)
  })
})
