/** Keys that the database generates are in the messages, whether told after the INSERT or, by ref, before it. */
import { mapper, withSession } from 'flushpoint'
import {
  defineEvent,
  DomainEvent,
  enablePluginEvents,
  onEvent,
  registerEvents,
  registerPlugin,
  track,
  triggerEvent,
} from 'flushpoint/events'
import { ref, type OutboxOptions } from 'flushpoint/outbox'
import { errorOf, extend, mapperExtension } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { delivered, SamplePlugin, useEvents } from '../support/events.js'
import { Article, Author, ENTITIES, make, Note, Tag } from '../support/models.js'
import { messagesOf, openOutbox } from '../support/outbox.js'
import { describeWays } from '../support/ways-in.js'

interface Told {
  readonly id?: unknown
  readonly lines?: readonly unknown[]
  readonly of?: { readonly id?: unknown; readonly list?: readonly (readonly unknown[])[] }
  readonly at?: unknown
}
const Placed = defineEvent<Told>()('order.placed')

const article = (title = 'A') => make(Article, { title })
const open = (options?: OutboxOptions) => openOutbox(options, { entities: ENTITIES })
const events = useEvents()
afterEach(() => mapper(Article, { extensions: [] }))

describeWays('a key made by the INSERT', (way) => {
  it('is in what is told behind it, in hooks as in code', async () => {
    extend(Article, mapperExtension({ afterInsert: ({ id }: Article) => track(new Placed({ id, at: 'hook' })) }))
    const dataSource = await open()
    const entities = [article('a'), article('b')]
    await way.transaction(dataSource, async (work) => {
      await work.save(entities)
      for (const { id } of entities) track(new Placed({ id, at: 'code' }))
    })
    const ids = (await dataSource.manager.find(Article, { order: { id: 'ASC' } })).map(({ id }) => id)
    expect((await messagesOf(dataSource)).map(({ payload }) => payload)).toEqual([
      ...ids.map((id) => ({ id, at: 'hook' })),
      ...ids.map((id) => ({ id, at: 'code' })),
    ])
  })

  it('is in what was told before by ref, and so are subject, aggregate and key', async () => {
    const dataSource = await open()
    const entity = article()
    await way.transaction(dataSource, async (work) => {
      track(new Placed({ id: ref(entity).id }))
      await work.save(entity)
    })
    const { id } = await dataSource.manager.findOneByOrFail(Article, {})
    expect(await messagesOf(dataSource)).toMatchObject([
      { payload: { id }, subject: `order:${id}`, aggregate_type: 'order', aggregate_id: `${id}`, partition_key: `order:${id}` },
    ])
  })

  it('is in the slot that a message which knew it from the start goes to', async () => {
    const dataSource = await open()
    const entity = article()
    await way.transaction(dataSource, async (work) => {
      track(new Placed({ id: ref(entity).id }))
      await work.save(entity)
      track(new Placed({ id: entity.id }))
    })
    const [one, other] = await messagesOf(dataSource)
    expect([one!.slot, one!.partition_key]).toEqual([other!.slot, other!.partition_key])
  })

  it('is in lists and objects of what was told, of several rows, beside values that were known', async () => {
    const dataSource = await open()
    const [one, two] = [article('one'), article('two')]
    const owner = make(Author, { name: 'Ann', articles: [one, two] })
    await way.transaction(dataSource, async (work) => {
      track(
        new Placed({
          id: 'known',
          lines: [one, two].map((entity) => ({ id: ref(entity).id, title: ref(entity).title })),
          of: { id: ref(owner).id, list: [[ref(one).id, 7], [ref(two).id]] },
        }),
      )
      await work.save(owner)
    })
    expect((await messagesOf(dataSource)).map(({ payload }) => payload)).toEqual([
      {
        id: 'known',
        lines: [
          { id: one.id, title: 'one' },
          { id: two.id, title: 'two' },
        ],
        of: { id: owner.id, list: [[one.id, 7], [two.id]] },
      },
    ])
    expect(one.id).not.toBe(two.id)
  })

  it('is in what was triggered by ref, whose other data are those of the call', async () => {
    enablePluginEvents(true)
    events.keep(registerPlugin(new SamplePlugin('sample')))
    const dataSource = await open()
    const entity = article()
    const payload = { id: ref(entity).id, list: ['as told'] }
    await way
      .transaction(dataSource, async (work) => {
        triggerEvent('test.event', payload)
        payload.list.push('later')
        await work.save(entity)
      })
      .finally(() => enablePluginEvents(false))
    expect((await messagesOf(dataSource)).map((message) => message.payload)).toEqual([{ id: entity.id, list: ['as told'] }])
  })

  it('keeps its place in the order of the calls', async () => {
    const dataSource = await open()
    const entity = article()
    await way.transaction(dataSource, async (work) => {
      track(new Placed({ at: 1 }))
      track(new Placed({ at: 2, id: ref(entity).id }))
      track(new Placed({ at: 3 }))
      await work.save(entity)
    })
    expect((await messagesOf(dataSource)).map((message) => (message.payload as Told).at)).toEqual([1, 2, 3])
  })

  it('is that of the row which stays, where a savepoint is tried twice', async () => {
    const dataSource = await open()
    const entity = article()
    await way.transaction(dataSource, async (work) => {
      for (const fails of [true, false])
        await work
          .transaction(async (inner) => {
            track(new Placed({ id: ref(entity).id }))
            await inner.save(entity)
            if (fails) throw new Error('again')
          })
          .catch(() => Object.assign(entity, { id: undefined }))
    })
    const { id } = await dataSource.manager.findOneByOrFail(Article, {})
    expect((await messagesOf(dataSource)).map((message) => message.payload)).toEqual([{ id }])
  })

  it.each([
    ['at the top', (id: unknown) => new Placed({ id }), '$.id'],
    ['deep in it', (id: unknown) => new Placed({ id: 1, of: { list: [[1, id]] } }), '$.of.list[0][1]'],
  ] as const)('that never comes vetoes the commit: %s', async (_, make_, path) => {
    const dataSource = await open()
    events.keep(onEvent(Placed)(() => void events.heard.push('heard')))
    const never = article('never saved')
    const running = way.transaction(dataSource, async (work) => {
      track(make_(ref(never).id))
      await work.save(article('saved'))
    })
    const error = await errorOf(running)
    expect(error).toMatchObject({ code: 'OUTBOX_REF_UNRESOLVED' })
    expect(error.message).toContain(`"order.placed": ${path} is <id of Article>`)
    await delivered()
    expect([events.heard, await messagesOf(dataSource), await dataSource.manager.count(Article)]).toEqual([[], [], 0])
  })

  it('that never comes vetoes no commit where its level was rolled back', async () => {
    const dataSource = await open()
    await way.transaction(dataSource, async (work) => {
      await work.save(article())
      await errorOf(
        work.transaction(async () => {
          track(new Placed({ id: ref(article('never saved')).id }))
          throw new Error('no')
        }),
      )
    })
    expect([await messagesOf(dataSource), await dataSource.manager.count(Article)]).toEqual([[], 1])
  })
})

describeDatabase('what the database fills in besides', () => {
  it('is told by ref as well: dates, versions', async () => {
    const dataSource = await open()
    const note = make(Note, { text: 'a' })
    await withSession(dataSource, async (session) => {
      track(new Placed({ id: ref(note).id, at: ref(note).createdAt, lines: [ref(note).version] }))
      session.add(note)
    })
    expect((await messagesOf(dataSource)).map(({ payload }) => payload)).toEqual([
      { id: note.id, at: note.createdAt.toISOString(), lines: [1] },
    ])
  })

  it('is told by classes of events, too', async () => {
    class Tagged extends DomainEvent {
      static override readonly eventName = 'tag.made'
      constructor(readonly id: unknown) {
        super()
      }
    }
    events.keep(registerEvents(Tagged))
    const dataSource = await open()
    const tag = make(Tag, { name: 'red' })
    await withSession(dataSource, async (session) => {
      track(new Tagged(ref(tag).id))
      session.add(tag)
    })
    expect(await messagesOf(dataSource)).toMatchObject([{ type: 'tag.made', subject: `tag:${tag.id}`, payload: { id: tag.id } }])
  })

  it('is not waited for outside of transactions, where a reference that says nothing is told to onEventError', async () => {
    const dataSource = await open()
    const failures = events.failures()
    track(new Placed({ id: ref(article()).id }))
    await delivered()
    expect(failures).toMatchObject([{ kind: 'outbox', error: { code: 'OUTBOX_REF_UNRESOLVED' } }])
    expect(await messagesOf(dataSource)).toEqual([])
  })
})
