/** Which events there are, and that nothing else is tracked. */
import { catalogue, defineEvent, DomainEvent, eventsSettled, onEvent, registerEvents, track } from 'flushpoint/events'
import { errorOf } from '../support/chains.js'
import { thrownBy, useEvents } from '../support/events.js'

class One extends DomainEvent {
  static override readonly eventName: string = 'one'

  constructor(readonly extra: string) {
    super()
  }
}
class OneMore extends One {}
class OneOther extends One {}
class Other extends DomainEvent {
  static override readonly eventName = 'other'
  static override readonly fields = ['id', 'title']
}
const entryOf = (name: string) => [...catalogue].find((entry) => entry.name === name)

describe('registerEvents', () => {
  const events = useEvents()

  // B01
  it('takes classes from an asynchronous function; the listener gets exactly the event that was tracked', async () => {
    events.keep(await registerEvents(async () => Promise.resolve([One])))
    const seen: DomainEvent[] = []
    events.keep(onEvent('*')((event) => void seen.push(event)))
    const event = new One('extra extra')
    track(event)
    await eventsSettled()
    expect(seen).toHaveLength(1)
    expect(seen[0]).toBe(event)
    expect([event.name, event.properties()]).toEqual(['one', { extra: 'extra extra' }])
  })

  // B02
  it('lists classes in the catalogue until they are taken off', async () => {
    const off = registerEvents(One, Other)
    const later = await registerEvents(
      () => [OneMore],
      () => null,
      () => undefined,
      () => [],
    )
    expect([catalogue.has('one'), catalogue.has('other')]).toEqual([true, true])
    off()
    off()
    expect([catalogue.has('one'), catalogue.has('other')]).toEqual([true, false])
    later[Symbol.dispose]()
    expect(catalogue.has('one')).toBe(false)
  })

  // B03
  it('is what tracking asks for: an event of an unregistered class is refused by name, and nobody hears of it', async () => {
    events.keep(onEvent('*')(() => void events.heard.push('heard')))
    const error = thrownBy(() => track(new One('x')))
    expect(error).toMatchObject({ name: 'EventError', code: 'EVENT_NOT_REGISTERED' })
    expect(error.message).toContain('the class One')
    expect(error.fix).toContain('registerEvents')
    await eventsSettled()
    expect(events.heard).toEqual([])
  })

  it('names the nearest event that is registered', () => {
    class Typo extends DomainEvent {
      static override readonly eventName = 'inser-rows'
    }
    expect(thrownBy(() => track(new Typo())).message).toContain('did you mean "insert-rows"?')
  })

  it('admits subclasses that inherit the name, and no class that has a name of its own', () => {
    class Renamed extends One {
      static override readonly eventName = 'one.renamed'
    }
    events.keep(registerEvents(One))
    track(new OneMore('x'))
    expect(thrownBy(() => track(new Renamed('x')))).toMatchObject({ code: 'EVENT_NOT_REGISTERED' })
  })

  it.each([
    ['the base first', [One, OneMore, OneOther]],
    ['the base last', [OneMore, OneOther, One]],
    ['the base in between', [OneOther, One, OneMore]],
  ])('takes classes that share an inherited name in any order: %s', (_, types) => {
    const offs = types.map((type) => registerEvents(type))
    for (const type of types) track(new type('x'))
    expect(entryOf('one')).toEqual({ name: 'one', fields: ['extra'], isBuiltIn: false })
    offs[types.indexOf(One)]!()
    track(new OneMore('x'))
    expect(thrownBy(() => track(new One('x')))).toMatchObject({ code: 'EVENT_NOT_REGISTERED' })
    offs.forEach((off) => off())
    expect(catalogue.has('one')).toBe(false)
  })

  it('lists what the base declares, whichever came first', () => {
    class More extends Other {
      static override readonly fields = ['id', 'title', 'more']
    }
    for (const types of [
      [More, Other],
      [Other, More],
    ] as const) {
      using _off = registerEvents(...types)
      expect(entryOf('other')?.fields).toEqual(['id', 'title'])
    }
  })

  it('refuses a class without a name, alone or in a list', async () => {
    class Nameless extends DomainEvent {}
    expect(thrownBy(() => registerEvents(Nameless))).toMatchObject({ code: 'EVENT_NAME_MISSING' })
    expect(await errorOf(registerEvents(() => [Nameless]))).toMatchObject({ code: 'EVENT_NAME_MISSING' })
  })

  it('admits no other class under a name that is registered', () => {
    class Pretender extends DomainEvent {
      static override readonly eventName = 'one'
    }
    events.keep(registerEvents(One))
    expect(thrownBy(() => track(new Pretender()))).toMatchObject({ code: 'EVENT_NOT_REGISTERED' })
    const error = thrownBy(() => registerEvents(Pretender))
    expect(error).toMatchObject({ code: 'EVENT_NAME_TAKEN' })
    expect(error.message).toContain('the class Pretender as "one": the class One')
  })

  it('registers all or none', () => {
    class Nameless extends DomainEvent {}
    expect(thrownBy(() => registerEvents(Other, Nameless))).toMatchObject({ code: 'EVENT_NAME_MISSING' })
    expect(catalogue.has('other')).toBe(false)
  })

  it.each([
    ['a class that is no event', class Sold extends Event {}],
    ['an instance', new One('x')],
    ['nothing', undefined],
  ])('refuses %s', (_, given) => {
    expect(thrownBy(() => registerEvents(given as never))).toMatchObject({ code: 'EVENT_TYPE_INVALID' })
  })

  it('refuses functions that answer with anything but a list of classes', async () => {
    const answers = [[Event], One, 'One'] as unknown[]
    for (const answer of answers) expect(await errorOf(registerEvents(() => answer as never))).toMatchObject({ code: 'EVENT_TYPE_INVALID' })
  })

  it("is not needed for what is no event: the DOM's Event is refused as such", () => {
    class Sold extends Event {
      constructor(readonly price: number) {
        super('sold')
      }
    }
    const error = thrownBy(() => track(new Sold(3) as never))
    expect(error).toMatchObject({ code: 'EVENT_INVALID' })
    expect(error.message).toContain('an instance of Sold')
    expect(error.fix).toContain('DOM')
    expect(thrownBy(() => track(undefined as never))).toMatchObject({ code: 'EVENT_INVALID' })
  })
})

describe('the catalogue', () => {
  const events = useEvents()

  it('lists name, fields and whether an event is built in', () => {
    events.keep(registerEvents(Other))
    expect(entryOf('other')).toEqual({ name: 'other', fields: ['id', 'title'], isBuiltIn: false })
    expect(entryOf('drop-table')).toEqual({ name: 'drop-table', fields: ['database', 'table'], isBuiltIn: true })
    expect(catalogue.size).toBe([...catalogue].length)
  })

  it('learns fields nobody declared from the events that are tracked', () => {
    const Seen = defineEvent<{ a?: number; b?: number }>()('test.seen')
    expect(entryOf('test.seen')?.fields).toEqual([])
    track(new Seen({ a: 1 }))
    track(new Seen({ b: 1 }))
    expect(entryOf('test.seen')?.fields).toEqual(['a', 'b'])
  })

  it('prints a line for each event, with its fields', () => {
    events.keep(registerEvents(Other))
    defineEvent<{ a: number }>()('test.printed')
    const lines = String(catalogue).split('\n')
    expect(lines).toHaveLength(catalogue.size)
    expect(lines).toContain('other (id, title)')
    expect(lines).toContain('login (no fields), built in')
    expect(lines).toContain('insert-rows (database, table, num_rows, ignore, replace), built in')
    expect(lines).toContain('test.printed (fields not known before one is tracked)')
  })
})
