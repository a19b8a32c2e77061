/** An event: a name, who, when, and what it tells; all of it fixed when it is made. */
import { withContext } from 'flushpoint'
import { DomainEvent } from 'flushpoint/events'
import { thrownBy } from '../support/events.js'

class Sold extends DomainEvent {
  static override readonly eventName: string = 'test.sold'
  readonly discount?: number
  describe = () => `${this.count} sold`

  constructor(
    readonly count: number,
    readonly tags: readonly { name: string }[] = [],
    options?: { actor?: unknown },
  ) {
    super(options)
  }
}
class SoldAbroad extends Sold {}

describe('an event', () => {
  // B04
  it('without a name cannot be made, nor can one of the base class', () => {
    class Nameless extends DomainEvent {}
    expect(thrownBy(() => new Nameless())).toMatchObject({ name: 'EventError', code: 'EVENT_NAME_MISSING' })
    expect(thrownBy(() => new Nameless()).message).toContain('Nameless')
    expect(thrownBy(() => new (DomainEvent as unknown as new () => DomainEvent)())).toMatchObject({ code: 'EVENT_NAME_MISSING' })
  })

  it.each(['article.*', ' article', 'article\n'])('cannot be named %j', (name) => {
    class Named extends DomainEvent {
      static override readonly eventName = name
    }
    expect(thrownBy(() => new Named())).toMatchObject({ code: 'EVENT_NAME_INVALID' })
  })

  it('has the name of its class, inherited by subclasses', () => {
    expect([new Sold(1).name, new SoldAbroad(1).name]).toEqual(['test.sold', 'test.sold'])
  })

  // B01
  it('has the time of its construction, in UTC, that nobody can change', () => {
    const before = Date.now()
    const sold = new Sold(1)
    const after = Date.now()
    expect(sold.created).toBeInstanceOf(Date)
    expect(sold.created.getTime()).toBeGreaterThanOrEqual(before)
    expect(sold.created.getTime()).toBeLessThanOrEqual(after)
    expect(sold.created.toISOString()).toMatch(/Z$/)
    const first = sold.created.getTime()
    sold.created.setFullYear(1999)
    expect(sold.created.getTime()).toBe(first)
    expect(() => Object.assign(sold, { created: new Date(0) })).toThrow(TypeError)
  })

  it('has the actor of the context it is made in', () => {
    const sold = withContext({ actor: { id: 'root' } }, () => new Sold(1))
    expect(sold.actor).toEqual({ id: 'root' })
    expect(() => Object.assign(sold, { actor: 'somebody else' })).toThrow(TypeError)
  })

  // B05
  it('has no actor outside of a context, and the one that is given before that of the context', () => {
    expect(new Sold(1).actor).toBeNull()
    expect(withContext({ actor: 'ann' }, () => new Sold(1, [], { actor: 'bob' })).actor).toBe('bob')
    expect(withContext({ actor: 'ann' }, () => new Sold(1, [], { actor: null })).actor).toBeNull()
  })

  // B06
  it('tells its properties without name, actor, created and functions', () => {
    const sold = withContext({ actor: 'ann' }, () => new Sold(2, [{ name: 'new' }]))
    expect(sold.properties()).toEqual({ count: 2, tags: [{ name: 'new' }] })
  })

  // B06
  it('tells a deep copy of them, a new one each time', () => {
    const tags = [{ name: 'new' }]
    const sold = new Sold(2, tags)
    const told = sold.properties() as { tags: { name: string }[] }
    told.tags[0]!.name = 'changed'
    told.tags.push({ name: 'more' })
    expect([sold.tags, sold.properties()['tags']]).toEqual([[{ name: 'new' }], [{ name: 'new' }]])
    expect(told.tags).not.toBe(tags)
  })

  it('copies dates, maps and bytes as they are', () => {
    const at = new Date(5)
    class Measured extends DomainEvent {
      static override readonly eventName = 'test.measured'
      readonly at = at
      readonly counts = new Map([['a', 1]])
      readonly bytes = new Uint8Array([1, 2])
    }
    const told = new Measured().properties()
    expect(told).toEqual({ at: new Date(5), counts: new Map([['a', 1]]), bytes: new Uint8Array([1, 2]) })
    expect(told['at']).not.toBe(at)
  })

  it('names the property that cannot be copied, never its value', () => {
    class Leaking extends DomainEvent {
      static override readonly eventName = 'test.leaking'
      readonly later = { secret: 'hunter2', promise: Promise.resolve() }
    }
    const error = thrownBy(() => new Leaking().properties())
    expect(error).toMatchObject({ code: 'EVENT_PROPERTY_NOT_COPYABLE' })
    expect(error.message).toContain('"later"')
    expect(error.message).not.toContain('hunter2')
  })

  it('prints as its name', () => {
    expect(String(new Sold(1))).toBe('test.sold')
  })
})
