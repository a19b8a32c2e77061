/** ref: the properties of an entity that are not known yet, in events that are told before they are. */
import {
  defineEvent,
  DomainEvent,
  enablePluginEvents,
  onEvent,
  registerEvents,
  registerPlugin,
  track,
  triggerEvent,
  type StandardSchemaV1,
} from 'flushpoint/events'
import { ref } from 'flushpoint/outbox'
import { errorOf, extend, mapperExtension, useDatabase } from '../support/chains.js'
import { delivered, gate, SamplePlugin, useEvents } from '../support/events.js'
import { Article, Author, Comment, make } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

interface Line {
  readonly id: unknown
  readonly title?: string
}
const Placed = defineEvent<{ id: unknown; lines?: readonly Line[]; by?: { readonly deep?: unknown } }>()('test.placed')

const article = (title = 'A') => make(Article, { title })
const events = useEvents()

describe('a reference to an entity', () => {
  it('answers what is known, methods and symbols included', () => {
    class Order {
      id = 7
      note = ''
      lines = [1]
      get total() {
        return this.lines.length
      }
      double() {
        return this.total * 2
      }
      *[Symbol.iterator]() {
        yield* this.lines
      }
    }
    const order = new Order()
    const { id, note, lines, total } = ref(order)
    expect([id, note, lines, total, ref(order).double(), [...ref(order)], ref(order) instanceof Order]).toEqual([
      7,
      '',
      [1],
      1,
      2,
      [1],
      true,
    ])
    expect(lines).toBe(order.lines)
  })

  it.each([undefined, null])('stands for what is %s, and names it, until it is known', (value) => {
    const entity = make(Article, { id: value as never })
    const id: unknown = ref(entity).id
    expect([String(id), JSON.stringify({ id })]).toEqual(['<id of Article>', '{}'])
    entity.id = 7
    expect(JSON.stringify({ id })).toBe('{"id":7}')
  })

  it('knows 0, false and the empty text for values', () => {
    const { id, title, slug } = ref({ id: 0, title: '', slug: false })
    expect([id, title, slug]).toEqual([0, '', false])
  })
})

describe('an event with a reference', () => {
  it('tells undefined while nothing is known, and the value from then on', () => {
    const entity = article()
    const event = new Placed({ id: ref(entity).id, lines: [{ id: ref(entity).id, title: 'first' }] })
    expect([event.id, event.lines, event.properties()]).toEqual([undefined, [{ title: 'first' }], { lines: [{ title: 'first' }] }])
    entity.id = 7
    expect([event.id, event.lines]).toEqual([7, [{ id: 7, title: 'first' }]])
    expect(event.properties()).toEqual({ id: 7, lines: [{ id: 7, title: 'first' }] })
  })

  it('cannot be changed', () => {
    const event = new Placed({ id: 1, lines: [{ id: ref(article()).id }] })
    expect(() => ((event as { id: unknown }).id = 2)).toThrow(TypeError)
    expect(() => (event.lines as Line[]).push({ id: 1 })).toThrow(TypeError)
  })

  it('keeps the rest of its data as they were', () => {
    const entity = article()
    const lines = [{ id: ref(entity).id, title: 'before' }]
    const event = new Placed({ id: 1, lines })
    lines[0]!.title = 'after'
    lines.push({ id: 1 as never, title: 'more' })
    entity.id = 7
    expect(event.lines).toEqual([{ id: 7, title: 'before' }])
  })

  it('may be a class of its own, whose references count from when it is tracked', async () => {
    class Sold extends DomainEvent {
      static override readonly eventName = 'test.sold-later'
      constructor(readonly ids: readonly unknown[]) {
        super()
      }
    }
    events.keep(registerEvents(Sold))
    const heard: unknown[] = []
    events.keep(onEvent(Sold)(({ ids }) => void heard.push(ids)))
    const entity = article()
    track(new Sold([ref(entity).id, 2]))
    entity.id = 7
    await delivered()
    expect(heard).toEqual([[7, 2]])
  })

  it('may tell a circle around it', () => {
    const entity = article()
    const deep: { self?: unknown; id: unknown } = { id: ref(entity).id }
    deep.self = deep
    const event = new Placed({ id: 1, by: { deep } })
    entity.id = 7
    const told = event.by!.deep as typeof deep
    expect([told.id, told.self === told]).toEqual([7, true])
  })

  it('is refused by a schema, which cannot check what is not known', () => {
    const validate = (value: unknown) =>
      typeof (value as { id: unknown }).id === 'number' ? { value } : { issues: [{ message: 'must be a number', path: ['id'] }] }
    const schema: StandardSchemaV1<{ id: number }> = { '~standard': { version: 1, vendor: 'spec', validate } }
    const Checked = defineEvent('test.checked', schema)
    expect(() => new Checked({ id: ref(article()).id })).toThrow(/id: must be a number/)
    expect(new Checked({ id: ref(make(Article, { id: 7 })).id }).id).toBe(7)
  })
})

describeWays('an event with a reference, told before the flush,', (way) => {
  const db = useDatabase()
  const heard: unknown[] = []
  beforeEach(() => {
    heard.length = 0
    events.keep(onEvent(Placed)(({ id, lines }) => void heard.push(id, lines)))
  })

  it('tells listeners the key that came with the INSERT', async () => {
    const entity = article()
    await way.transaction(db.use(), async (work) => {
      track(new Placed({ id: ref(entity).id, lines: [{ id: ref(entity).id }] }))
      await work.save(entity)
    })
    await delivered()
    expect(heard).toEqual([entity.id, [{ id: entity.id }]])
    expect(entity.id).toEqual(expect.any(Number))
  })

  it('tells listeners the keys of several rows, also of rows that a cascade inserts', async () => {
    const [one, two] = [article('one'), article('two')]
    const owner = make(Author, { name: 'Ann', articles: [one, two] })
    await way.transaction(db.use(), async (work) => {
      track(new Placed({ id: ref(owner).id, lines: [one, two].map((entity) => ({ id: ref(entity).id, title: entity.title })) }))
      await work.save(owner)
    })
    await delivered()
    expect(heard).toEqual([
      owner.id,
      [
        { id: one.id, title: 'one' },
        { id: two.id, title: 'two' },
      ],
    ])
  })

  it('tells the key still to a listener that comes to it when the entity has lost it', async () => {
    const isBusy = gate()
    const late: unknown[] = []
    events.keep(
      onEvent(Placed)(async ({ id }) => {
        await isBusy.opened
        late.push(id)
      }),
    )
    const entity = article()
    await way.transaction(db.use(), async (work) => {
      track(new Placed({ id: 'first' }))
      track(new Placed({ id: ref(entity).id }))
      await work.save(entity)
    })
    const { id } = entity
    await way.remove(db.ds, entity)
    Object.assign(entity, { id: undefined })
    isBusy.open()
    await delivered()
    expect([late, id]).toEqual([['first', id], expect.any(Number)])
  })

  it('is not heard where the row is rolled back', async () => {
    const entity = article()
    await errorOf(
      way.transaction(db.use(), async (work) => {
        track(new Placed({ id: ref(entity).id }))
        await work.save(entity)
        throw new Error('no')
      }),
    )
    await delivered()
    expect(heard).toEqual([])
  })

  it('tells plugins the key, too', async () => {
    enablePluginEvents(true)
    const plugin = new SamplePlugin('sample', (name) => name === 'test.event')
    events.keep(registerPlugin(plugin))
    const entity = article()
    await way.transaction(db.use(), async (work) => {
      triggerEvent('test.event', { id: ref(entity).id })
      await work.save(entity)
    })
    await delivered()
    enablePluginEvents(false)
    expect(plugin.ids).toEqual([entity.id])
  })

  it('may come from a hook before the INSERT', async () => {
    extend(Comment, mapperExtension({ beforeInsert: (entity: Comment) => track(new Placed({ id: ref(entity).id })) }))
    const comment = make(Comment, { text: 'first!' })
    await way.save(db.use(), comment)
    await delivered()
    expect(heard[0]).toBe(comment.id)
    expect(comment.id).toEqual(expect.any(Number))
  })
})
