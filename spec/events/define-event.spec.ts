/** Classes of events made from a name and a payload, checked by the compiler or by a schema. */
import { catalogue, defineEvent, defineEvents, DomainEvent, eventsSettled, onEvent, track, type StandardSchemaV1 } from 'flushpoint/events'
import { thrownBy, useEvents } from '../support/events.js'

interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[]
}

/** A validator as zod, valibot and arktype make them. */
function schema<I, O>(check: (value: I) => { value: O } | { issues: Issue[] } | Promise<{ value: O }>, extra: object = {}) {
  return { ...extra, '~standard': { version: 1, vendor: 'spec', validate: check } } as unknown as StandardSchemaV1<I, O>
}

const Priced = defineEvent(
  'test.priced',
  schema<{ articleId: number; price: string }, { articleId: number; price: number }>((value) =>
    typeof value.articleId === 'number' && Number(value.price) > 0
      ? { value: { articleId: value.articleId, price: Number(value.price) } }
      : {
          issues: [
            { message: 'Expected a number', path: ['articleId'] },
            { message: 'Too low.', path: ['lines', { key: 0 }, 'price'] },
            { message: 'Nothing fits' },
          ],
        },
  ),
)
const Published = defineEvent<{ articleId: number; tags?: string[] }>()('test.published')
const Restarted = defineEvent<object>()('test.restarted')

describe('defineEvent', () => {
  const events = useEvents()

  it('makes a class of events with that name, which can be tracked at once', async () => {
    events.keep(onEvent(Published)(({ name, articleId }) => void events.heard.push(`${name} ${articleId}`)))
    expect(Published.eventName).toBe('test.published')
    expect(new Published({ articleId: 3 })).toBeInstanceOf(DomainEvent)
    track(new Published({ articleId: 3 }))
    await eventsSettled()
    expect(events.heard).toEqual(['test.published 3'])
  })

  it('makes events whose properties can only be read', () => {
    const event = new Published({ articleId: 3, tags: ['new'] })
    expect(() => Object.assign(event, { articleId: 4 })).toThrow(TypeError)
    expect(event.articleId).toBe(3)
    expect(event.properties()).toEqual({ articleId: 3, tags: ['new'] })
  })

  it('takes an actor beside the payload, and no payload where nothing is told', () => {
    expect(new Published({ articleId: 3 }, { actor: 'ann' }).actor).toBe('ann')
    expect(new Restarted().properties()).toEqual({})
  })

  it('leaves out what has no value', () => {
    expect(Object.keys(new Published({ articleId: 3, ...({ tags: undefined } as object) }))).toEqual(['articleId'])
  })

  it('makes classes that can be extended', () => {
    class PublishedTwice extends Published {
      readonly times = 2
    }
    const event = new PublishedTwice({ articleId: 3 })
    expect([event.name, event.properties()]).toEqual(['test.published', { articleId: 3, times: 2 }])
  })

  it('tells what the schema makes of the payload', () => {
    const event = new Priced({ articleId: 3, price: '2.5' })
    expect([event.price, event.properties()]).toEqual([2.5, { articleId: 3, price: 2.5 }])
  })

  // B05
  it('lists every issue of the schema with its path, and no value', () => {
    const error = thrownBy(() => new Priced({ articleId: 'hunter2' as never, price: '2' }))
    expect(error).toMatchObject({ code: 'EVENT_PAYLOAD_INVALID' })
    expect(error.message).toContain('articleId: Expected a number; lines.0.price: Too low; the payload: Nothing fits')
    expect(error.message).toContain('"test.priced"')
    expect(error.message).not.toContain('hunter2')
  })

  it('refuses a schema that answers with a promise, also one that fails later', async () => {
    const Later = defineEvent(
      'test.later',
      schema<{ a: number }, { a: number }>(() => Promise.reject(new Error('late'))),
    )
    expect(thrownBy(() => new Later({ a: 1 }))).toMatchObject({ code: 'EVENT_SCHEMA_ASYNC' })
    await new Promise(setImmediate)
  })

  it.each([
    ['nothing', undefined],
    ['a plain object', {}],
    ['a text', 'z.object'],
  ])('refuses %s instead of a schema', (_, given) => {
    expect(thrownBy(() => defineEvent('test.no-schema', given as never))).toMatchObject({ code: 'EVENT_SCHEMA_INVALID' })
    expect(catalogue.has('test.no-schema')).toBe(false)
  })

  // B05
  it.each(['actor', 'created', 'name', 'properties'])('refuses a payload with the property %s', (property) => {
    const payload = { articleId: 3, [property]: new Date(0) }
    const error = thrownBy(() => new Published(payload))
    expect(error).toMatchObject({ code: 'EVENT_PROPERTY_RESERVED' })
    expect(error.message).toContain(`"${property}"`)
  })

  it('keeps its prototype whatever the payload says', () => {
    const payload = JSON.parse('{"articleId": 3, "__proto__": {"admin": true}}') as { articleId: number }
    expect(thrownBy(() => new Published(payload))).toMatchObject({ code: 'EVENT_PROPERTY_RESERVED' })
  })

  it.each([[3], [null], [['a']]])('refuses the payload %j, which is no object', (payload) => {
    expect(thrownBy(() => new Published(payload as never))).toMatchObject({ code: 'EVENT_PAYLOAD_INVALID' })
  })

  // B05
  it('refuses properties that are not among the fields it was given', () => {
    const Listed = defineEvent<{ price: number; count?: number }>()('test.listed', { fields: ['price', 'count'] })
    expect(new Listed({ price: 1 }).properties()).toEqual({ price: 1 })
    const error = thrownBy(() => new Listed({ price: 1, ...({ cuont: 2 } as object) }))
    expect(error).toMatchObject({ code: 'EVENT_PAYLOAD_INVALID' })
    expect(error.message).toContain('cuont: is no property of it (did you mean "count"?)')
  })

  it('refuses a name that is taken, one that cannot be, and unknown options', () => {
    const define = defineEvent<{ a: number }>()
    expect(thrownBy(() => define('test.published'))).toMatchObject({ code: 'EVENT_NAME_TAKEN' })
    expect(thrownBy(() => define('test.*'))).toMatchObject({ code: 'EVENT_NAME_INVALID' })
    expect(thrownBy(() => define('test.options', { field: ['a'] } as never))).toMatchObject({ code: 'OPTION_UNKNOWN' })
    expect(catalogue.has('test.options')).toBe(false)
  })

  it.each([
    ['shape, as zod has', { shape: { articleId: {}, price: {} } }],
    ['entries, as valibot has', { entries: { articleId: {}, price: {} } }],
  ])('knows the fields of a schema with %s', (how, extra) => {
    const name = `test.fields of ${how.split(',')[0]}`
    defineEvent(
      name,
      schema<{ price: number }, { price: number }>((value) => ({ value }), extra),
    )
    expect([...catalogue].find((entry) => entry.name === name)?.fields).toEqual(['articleId', 'price'])
  })
})

describe('defineEvents', () => {
  it('names events of one scope', () => {
    const Build = defineEvents('build', ['issued', 'completed'])
    expect(Build).toEqual({ issued: 'build.issued', completed: 'build.completed' })
    expect(() => Object.assign(Build, { issued: 'x' })).toThrow(TypeError)
  })

  it('refuses names that cannot be', () => {
    expect(thrownBy(() => defineEvents('build', ['*']))).toMatchObject({ code: 'EVENT_NAME_INVALID' })
    expect(thrownBy(() => defineEvents('', ['issued']))).toMatchObject({ code: 'EVENT_NAME_INVALID' })
    expect(thrownBy(() => defineEvents('build', 'issued' as never))).toMatchObject({ code: 'EVENT_NAME_INVALID' })
  })
})
