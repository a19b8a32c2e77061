/**
 * TableEvents: what flushes write is told as insert-rows, update-row and delete-row, after the commit, by both ways in.
 *
 * @module
 */
import { openSession, sessionSubscriber, withContext, withoutExtensions } from 'flushpoint'
import { DeleteRowEvent, InsertRowsEvent, onEvent, UpdateRowEvent } from 'flushpoint/events'
import { TableEvents, type TableEventsOptions } from 'flushpoint/extensions'
import { Column, Entity, PrimaryColumn } from 'typeorm'
import { closeDataSources, openDataSource, openOnUsedTables } from '../support/databases.js'
import { hooks, type Hooks } from '../support/hooks.js'
import { Article, Author, ENTITIES, make, Note, Tag } from '../support/models.js'
import { databaseOf } from '../support/schema-log.js'
import { errorOf } from '../support/sessions.js'
import { useEvents } from '../support/tracked-events.js'
import { describeWays } from '../support/ways-in.js'

@Entity()
class Stay {
  @PrimaryColumn() room: number
  @PrimaryColumn() guest: string
  @PrimaryColumn() night: string
  @Column() price: number
}

const entities = [...ENTITIES, Stay]

describeWays('what a flush writes', (way) => {
  const tracked = useEvents()
  afterEach(closeDataSources)

  async function open(options?: TableEventsOptions, ...own: Hooks[]) {
    const extensions = [options === undefined ? TableEvents : TableEvents.with(options), ...own.map(hooks)]
    const dataSource = await openOnUsedTables({ entities, subscribers: [sessionSubscriber({ extensions })] })
    await tracked.events()
    return dataSource
  }

  const author = (name: string) => make(Author, { name })

  // B10
  it('is one insert-rows for one row', async () => {
    const dataSource = await open()
    await way.save(dataSource, author('Ann'))
    const [event, ...others] = await tracked.events()
    expect(others).toEqual([])
    expect(event).toBeInstanceOf(InsertRowsEvent)
    expect(event!.name).toBe('insert-rows')
    const rows = { num_rows: 1, ignore: false, replace: false }
    expect(event!.properties()).toEqual({ database: databaseOf(dataSource), table: 'author', ...rows })
    expect([event!.actor, event!.created]).toEqual([null, expect.any(Date)])
  })

  // B11
  it('is one insert-rows for twenty rows', async () => {
    const dataSource = await open()
    await way.save(dataSource, Array.from({ length: 20 }, (_none, index) => author(`a${index}`))) // prettier-ignore
    expect(await tracked.told()).toEqual(['insert-rows author 20'])
  })

  it('is one insert-rows for each table, in the order they were written', async () => {
    const dataSource = await open()
    const articles = ['a', 'b'].map((title) => make(Article, { title, tags: [make(Tag, { name: title })], author: author(title) }))
    await way.save(dataSource, articles)
    expect(await tracked.told()).toEqual(['insert-rows author 2', 'insert-rows article 2', 'insert-rows tag 2'])
  })

  // B16
  it('is one update-row for each row that was changed, with its key as texts and the actor of the call', async () => {
    const dataSource = await open()
    const authors = [author('Ann'), author('Bea'), author('Cid')]
    await way.seed(dataSource, authors)
    const [ann, bea] = await way.loadAll(dataSource, Author)
    Object.assign(ann!, { name: 'Anna' })
    Object.assign(bea!, { name: 'Beate' })
    await withContext({ actor: { id: 'root', token: 'dstok' } }, () => way.save(dataSource, [ann!, bea!]))
    const events = await tracked.events()
    expect(events.map(({ actor }) => actor)).toEqual([
      { id: 'root', token: 'dstok' },
      { id: 'root', token: 'dstok' },
    ])
    expect(events[0]).toBeInstanceOf(UpdateRowEvent)
    expect(events.map((event) => event.properties())).toEqual(
      [ann, bea].map((one) => ({ database: databaseOf(dataSource), table: 'author', pks: [String(one!.id)] })),
    )
  })

  // B18
  it('is one delete-row for each row, with all parts of its key in the order of its columns', async () => {
    const dataSource = await open()
    const stay = make(Stay, { room: 12, guest: 'Ann', night: '2024-02-29', price: 80 })
    const note = make(Note, { text: 'n' })
    await way.seed(dataSource, [stay, note])
    const { id } = note
    await way.remove(dataSource, await way.load(dataSource, Stay, { room: 12 }))
    await way.remove(dataSource, await way.load(dataSource, Note, { text: 'n' }))
    const events = await tracked.events()
    expect(events[0]).toBeInstanceOf(DeleteRowEvent)
    expect(events.map((event) => event.properties())).toEqual([
      { database: databaseOf(dataSource), table: 'stay', pks: ['12', 'Ann', '2024-02-29'] },
      { database: databaseOf(dataSource), table: 'note', pks: [String(id)] },
    ])
  })

  it('is an update-row where a row is removed softly or recovered', async () => {
    const dataSource = await open()
    await way.seed(dataSource, make(Note, { text: 'n' }))
    const note = await way.load(dataSource, Note, { text: 'n' })
    await way.softRemove(dataSource, note)
    await way.recover(dataSource, note)
    expect(await tracked.told()).toEqual([`update-row note [${note.id}]`, `update-row note [${note.id}]`])
  })

  it('is an update-row of the owner where members of a many-to-many alone have changed', async () => {
    const dataSource = await open()
    await way.seed(dataSource, make(Article, { title: 'a', tags: [make(Tag, { name: 't' })] }))
    const article = await way.load(dataSource, Article, { title: 'a' }, 'tags')
    article.tags = []
    await way.save(dataSource, article)
    expect(await tracked.told()).toEqual([`update-row article [${article.id}]`])
  })

  it('is nothing where nothing changes', async () => {
    const dataSource = await open()
    await way.seed(dataSource, author('Ann'))
    await way.save(dataSource, await way.load(dataSource, Author, { name: 'Ann' }))
    await way.transaction(dataSource, () => Promise.resolve())
    expect(await tracked.told()).toEqual([])
  })

  // B17
  it('is nothing where the write fails', async () => {
    const dataSource = await open()
    await way.seed(dataSource, make(Tag, { name: 't' }))
    await errorOf(way.save(dataSource, [make(Tag, { name: 'u' }), make(Tag, { name: 't' })]))
    expect(await tracked.told()).toEqual([])
  })

  it('comes after the outermost commit, in the order it was done', async () => {
    const dataSource = await open()
    const early: string[] = []
    const off = onEvent('*')(({ name }) => void early.push(name))
    await way.transaction(dataSource, async ({ save, remove, transaction }) => {
      const ann = await save(author('Ann'))
      await transaction(async (inner) => void (await inner.save(make(Tag, { name: 't' }))))
      Object.assign(ann, { name: 'Anna' })
      await save(ann)
      await remove(await save(make(Note, { text: 'n' })))
      await new Promise(setImmediate) // what is not held back is delivered by then
      off()
    })
    expect(early).toEqual([])
    const ids = expect.stringMatching(/\[\d+\]$/) as unknown
    const told = await tracked.told()
    expect(told.map((line) => line.replace(/\d+\]$/, 'n]'))).toEqual([
      'insert-rows author 1',
      'insert-rows tag 1',
      'update-row author [n]',
      'insert-rows note 1',
      'delete-row note [n]',
    ])
    expect([told[2], told[4]]).toEqual([ids, ids])
  })

  it('is nothing after a rollback, and without what a savepoint took back', async () => {
    const dataSource = await open()
    const failing = way.transaction(dataSource, async ({ save }) => {
      await save(author('Ann'))
      throw new Error('no')
    })
    await errorOf(failing)
    expect(await tracked.told()).toEqual([])
    await way.transaction(dataSource, async ({ save, transaction }) => {
      await save(author('Bea'))
      const inner = transaction(async (nested) => {
        await nested.save([make(Note, { text: 'n' }), make(Note, { text: 'm' })])
        throw new Error('no')
      })
      await errorOf(inner)
      await save(make(Tag, { name: 't' }))
    })
    expect(await tracked.told()).toEqual(['insert-rows author 1', 'insert-rows tag 1'])
  })

  it('is nothing of a flush that was undone to a savepoint of its own, nor of those that its hooks have made', async () => {
    const veto = hooks({
      async afterInsert(entity) {
        if (!(entity instanceof Author)) return
        await this.session.manager.save(make(Note, { text: 'n' }))
        throw new Error('veto')
      },
    })
    const subscriber = sessionSubscriber({ savepoints: true, extensions: [TableEvents, veto] })
    const dataSource = await openDataSource({ entities, subscribers: [subscriber] })
    await tracked.events()
    await way.transaction(dataSource, async ({ save, giveUp }) => {
      const ann = author('Ann')
      await errorOf(save(ann))
      giveUp(ann)
      await save(make(Tag, { name: 't' }))
    })
    expect([await dataSource.manager.count(Author), await dataSource.manager.count(Note)]).toEqual([0, 0])
    expect(await tracked.told()).toEqual(['insert-rows tag 1'])
  })

  it('tells the actor of the time of the write, not of the commit', async () => {
    const dataSource = await open()
    await withContext({ actor: 'committer' }, () =>
      way.transaction(dataSource, async ({ save }) => {
        await withContext({ actor: 'writer' }, () => save(author('Ann')))
        await save(make(Tag, { name: 't' }))
      }),
    )
    expect((await tracked.events()).map(({ actor }) => actor)).toEqual(['writer', 'committer'])
  })

  it('has been committed when a listener hears of it', async () => {
    const dataSource = await open()
    const names: string[] = []
    const off = onEvent(InsertRowsEvent)(async () => {
      names.push(...(await dataSource.manager.find(Author)).map(({ name }) => name))
    })
    await way.save(dataSource, author('Ann'))
    expect(await tracked.told()).toEqual(['insert-rows author 1'])
    off()
    expect(names).toEqual(['Ann'])
  })

  it('is told for what hooks add, too', async () => {
    const dataSource = await open(undefined, {
      afterInsert(entity) {
        if (entity instanceof Author) this.session.add(make(Note, { text: entity.name }))
      },
    })
    await way.transaction(dataSource, async ({ save }) => void (await save([author('Ann'), author('Bea')])))
    expect(await tracked.told()).toEqual(['insert-rows author 2', 'insert-rows note 2'])
  })

  it('is not told of tables that are excluded, by name or by its beginning, in any letter case and padded', async () => {
    const dataSource = await open({ exclude: [' AUTHOR ', 'No*'] })
    await way.save(dataSource, [author('Ann'), make(Note, { text: 'n' }), make(Tag, { name: 't' })])
    expect(await tracked.told()).toEqual(['insert-rows tag 1'])
  })

  it('carries no values unless they were asked for', async () => {
    const dataSource = await open()
    await way.save(dataSource, author('Ann'))
    expect((await tracked.events())[0]!.properties()).not.toHaveProperty('changes')
  })

  it('carries old and new values where they were asked for', async () => {
    const dataSource = await open({ changes: true })
    const [ann, bea] = await way.save(dataSource, [author('Ann'), author('Bea')])
    Object.assign(ann!, { name: 'Anna' })
    const { id } = bea!
    await way.save(dataSource, ann!)
    await way.remove(dataSource, bea!)
    const changes = (await tracked.events()).map((event) => event.properties()['changes'])
    const row = (one: number, name: string) => ({ id: one, name })
    expect(changes).toEqual([
      [
        { key: { id: ann!.id }, before: null, after: row(ann!.id, 'Ann') },
        { key: { id }, before: null, after: row(id, 'Bea') },
      ],
      [{ key: { id: ann!.id }, before: row(ann!.id, 'Ann'), after: row(ann!.id, 'Anna') }],
      [{ key: { id }, before: row(id, 'Bea'), after: null }],
    ])
  })

  it('carries the keys of members that came and went, where old and new values were asked for', async () => {
    const dataSource = await open({ changes: true })
    const [old, kept, fresh] = ['old', 'kept', 'fresh'].map((name) => make(Tag, { name }))
    await way.seed(dataSource, make(Article, { title: 'a', tags: [old!, kept!] }))
    const article = await way.load(dataSource, Article, { title: 'a' }, 'tags')
    const gone = article.tags!.find(({ name }) => name === 'old')!.id
    article.tags = [...article.tags!.filter(({ name }) => name === 'kept'), fresh!]
    await way.save(dataSource, article)
    const events = await tracked.events()
    const [change, ...others] = events.find(({ name }) => name === 'update-row')!.properties()['changes'] as readonly object[]
    expect(others).toEqual([])
    expect(change).toMatchObject({ key: { id: article.id }, relations: { tags: { added: [{ id: fresh!.id }], removed: [{ id: gone }] } } })
  })

  it('is told once where the extension is listed twice', async () => {
    const dataSource = await openDataSource({
      entities,
      subscribers: [sessionSubscriber({ extensions: [TableEvents.with({ exclude: ['tag'] }), TableEvents] })],
    })
    await tracked.events()
    await way.save(dataSource, [author('Ann'), make(Tag, { name: 't' })])
    expect((await tracked.told()).sort()).toEqual(['insert-rows author 1', 'insert-rows tag 1'])
  })

  it('before the extension was added to the transaction is not told', async () => {
    const dataSource = await openDataSource({ entities, subscribers: [sessionSubscriber({})] })
    await tracked.events()
    await way.transaction(dataSource, async ({ session, save, transaction }) => {
      await save([author('Ann'), make(Tag, { name: 't' })])
      session.registerExtension(TableEvents)
      await save(make(Note, { text: 'n' }))
      const inner = transaction(async (nested) => {
        await nested.save(author('Cid'))
        throw new Error('no')
      })
      await errorOf(inner)
      await save(author('Dan'))
    })
    expect(await tracked.told()).toEqual(['insert-rows note 1', 'insert-rows author 1'])
  })

  it('while others are heard instead is told by them alone', async () => {
    const dataSource = await open()
    await using session = openSession(dataSource)
    await session.transaction(async () => {
      session.add(author('Ann'))
      await session.flush()
      await session.withExtensions([TableEvents], async () => {
        session.add(author('Bea'), author('Cid'))
        await session.flush()
      })
      session.add(make(Tag, { name: 't' }))
      await session.flush()
    })
    expect(await tracked.told()).toEqual(['insert-rows author 1', 'insert-rows author 2', 'insert-rows tag 1'])
  })

  it('is not told inside withoutExtensions, unless the journal is kept', async () => {
    const dataSource = await open()
    await way.transaction(dataSource, async ({ save }) => {
      await withoutExtensions(() => save(author('untold')))
      await withoutExtensions({ journal: true }, () => save(make(Tag, { name: 'told' })))
    })
    expect(await tracked.told()).toEqual(['insert-rows tag 1'])
  })

  it('refuses a list of tables that is none', async () => {
    const extensions = [TableEvents.with({ exclude: ['author', 7 as never] })]
    const opening = openDataSource({ entities, subscribers: [sessionSubscriber({ extensions })] })
    expect(await errorOf(opening)).toMatchObject({ code: 'OPTION_INVALID' })
    expect(() => TableEvents.with({ excluded: ['author'] } as never)).toThrow(/excluded/)
  })
})
