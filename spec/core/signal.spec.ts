/** A list of receivers and the ways to call them, without any model. */
import { getEventListeners } from 'node:events'
import { Signal, SignalDefinitionError } from 'flushpoint/signals'

interface Note {
  readonly text: string
  readonly seen: string[]
}

const tick = () => new Promise<void>((resolve) => setImmediate(resolve))
const note = (text = 'hello'): Note => ({ text, seen: [] })
const signal = () => new Signal<Note>('test')
const receiver =
  (name: string) =>
  ({ seen }: Note) =>
    void seen.push(name)
const slowly =
  (name: string) =>
  async ({ seen }: Note) => {
    seen.push(`${name} begins`)
    await tick()
    seen.push(`${name} ends`)
  }
/** What a send has called. */
async function told(one: Signal<Note>): Promise<string[]> {
  const payload = note()
  await one.send(payload)
  return payload.seen
}

class Listener {
  static readonly heard: string[] = []
  readonly heard: string[] = []
  constructor(readonly name: string) {}
  listen({ text, seen }: Note) {
    this.heard.push(text)
    seen.push(this.name)
  }
  static listen({ text, seen }: Note) {
    this.heard.push(text)
    seen.push('static')
  }
}

describe('a signal', () => {
  it('calls its receivers in the order they were connected, each with the payload itself', async () => {
    const one = signal()
    const given: Note[] = []
    one.connect((payload) => void given.push(payload))
    one.connect((payload) => void given.push(payload))
    const payload = note()
    await one.send(payload)
    expect(given.every((each) => each === payload)).toBe(true)
    expect(given).toHaveLength(2)
  })

  it('may have none', async () => {
    expect(await told(signal())).toEqual([])
    expect(await signal().sendRobust(note())).toEqual([])
    await expect(signal().sendConcurrent(note())).resolves.toBeUndefined()
  })

  it('calls a receiver once that was connected twice, at its first place', async () => {
    const one = signal()
    const first = receiver('first')
    one.connect(first)
    one.connect(receiver('second'))
    one.connect(first)
    expect(await told(one)).toEqual(['first', 'second'])
  }) // A31

  it('takes a receiver out, and says whether it was there', async () => {
    const one = signal()
    const first = receiver('first')
    one.connect(first)
    expect([one.disconnect(first), one.disconnect(first)]).toEqual([true, false])
    expect(await told(one)).toEqual([])
  })

  it('says false of a receiver it never had, and throws nothing', () => {
    const one = signal()
    expect([one.disconnect(receiver('unknown')), one.disconnect({ uid: 'unknown' })]).toEqual([false, false])
    expect(one.disconnect(new Listener('a'), 'listen')).toBe(false)
    expect(one.disconnect(undefined as never)).toBe(false)
  }) // A32

  it('stays as its first connection says, when it is connected again', async () => {
    const one = signal()
    const controller = new AbortController()
    const first = receiver('first')
    const undo = one.connect(first)
    {
      using _again = one.connect(first)
    }
    one.connect(first, { abortSignal: controller.signal, once: true })()
    controller.abort()
    expect([await told(one), await told(one)]).toEqual([['first'], ['first']])
    undo()
    expect(await told(one)).toEqual([])
  })

  it('gives an undo that may be called twice, and that leaves a later connection alone', async () => {
    const one = signal()
    const first = receiver('first')
    const undo = one.connect(first)
    undo()
    undo()
    expect(await told(one)).toEqual([])
    one.connect(first)
    undo()
    expect(await told(one)).toEqual(['first'])
  })

  it('gives an undo that ends with a block', async () => {
    const one = signal()
    {
      using _connection = one.connect(receiver('inside'))
      expect(await told(one)).toEqual(['inside'])
    }
    expect(await told(one)).toEqual([])
  })

  it('tells its name and how many it has', () => {
    const one = signal()
    one.connect(receiver('first'))
    expect(String(one)).toBe('test (1 receiver)')
    one.connect(receiver('second'))
    expect(String(one)).toBe('test (2 receivers)')
    expect(one.receivers.map(({ length }) => length)).toEqual([1, 1])
  })
})

describe('a receiver that is a method', () => {
  it('has the state of its owner, and is found again by owner and name', async () => {
    const one = signal()
    const ann = new Listener('Ann')
    one.connect(ann, 'listen')
    expect(await told(one)).toEqual(['Ann'])
    expect(ann.heard).toEqual(['hello'])
    expect([one.disconnect(ann, 'listen'), one.disconnect(ann, 'listen')]).toEqual([true, false])
    expect(await told(one)).toEqual([])
  }) // A12

  it('is found again by owner and name when another function has come to its place', async () => {
    const one = signal()
    const ann = new Listener('Ann')
    const spy = jest.spyOn(ann, 'listen')
    one.connect(ann, 'listen')
    spy.mockRestore()
    one.connect(ann, 'listen')
    expect(one.connected).toHaveLength(1)
    expect(one.disconnect(ann, 'listen')).toBe(true)
    expect(await told(one)).toEqual([])
  })

  it('is another one for each owner', async () => {
    const one = signal()
    const [ann, bob] = [new Listener('Ann'), new Listener('Bob')]
    one.connect(ann, 'listen')
    one.connect(bob, 'listen')
    one.connect(ann, 'listen')
    expect(await told(one)).toEqual(['Ann', 'Bob'])
    one.disconnect(ann, 'listen')
    expect(await told(one)).toEqual(['Bob'])
  }) // A33

  it('is found again through the class where it is static', async () => {
    const one = signal()
    one.connect(Listener, 'listen')
    expect(await told(one)).toEqual(['static'])

    expect([one.disconnect(Listener.listen), one.disconnect(Listener, 'listen')]).toEqual([true, false])
  }) // A11

  it('is not found by its function alone, since that is the same for every owner', async () => {
    const one = signal()
    const ann = new Listener('Ann')
    one.connect(ann, 'listen')

    expect(one.disconnect(ann.listen)).toBe(false)
    expect(await told(one)).toEqual(['Ann'])
  })

  it('is bound anew each time, so a uid makes bound ones known', async () => {
    const one = signal()
    const ann = new Listener('Ann')
    one.connect(ann.listen.bind(ann), { uid: 'ann' })
    one.connect(ann.listen.bind(ann), { uid: 'ann' })
    expect(await told(one)).toEqual(['Ann'])
    expect([one.disconnect({ uid: 'ann' }), one.disconnect({ uid: 'ann' })]).toEqual([true, false])
    expect(await told(one)).toEqual([])
  })
})

describe('a uid', () => {
  it('keeps the first of two functions', async () => {
    const one = signal()
    one.connect(receiver('first'), { uid: 'same' })
    one.connect(receiver('second'), { uid: 'same' })
    expect(await told(one)).toEqual(['first'])
  })

  it('tells apart what is the same function', async () => {
    const one = signal()
    const same = receiver('same')
    one.connect(same, { uid: 'one' })
    one.connect(same, { uid: 'other' })
    expect(await told(one)).toEqual(['same', 'same'])
    one.disconnect({ uid: 'one' })
    expect(await told(one)).toEqual(['same'])
  })
})

describe('options of a connection', () => {
  it('once takes it out before its only call', async () => {
    const one = signal()
    const connected: number[] = []
    one.connect(() => void connected.push(one.connected.length), { once: true })
    await one.send(note())
    await one.send(note())
    expect(connected).toEqual([0])
  })

  it('once is once, whichever way it is sent, and in sends that overlap', async () => {
    for (const send of ['send', 'sendConcurrent', 'sendRobust'] as const) {
      const one = signal()
      const payload = note()
      one.connect(slowly('before'))
      one.connect(receiver('once'), { once: true })
      await Promise.all([one[send](payload), one[send](payload)])
      expect(payload.seen.filter((line) => line === 'once')).toEqual(['once'])
    }
  })

  it('abortSignal takes it out when it aborts', async () => {
    const one = signal()
    const controller = new AbortController()
    one.connect(receiver('aborted'), { abortSignal: controller.signal })
    one.connect(receiver('other'))
    controller.abort()
    expect(await told(one)).toEqual(['other'])
  })

  it('abortSignal that has aborted already connects nothing', async () => {
    const one = signal()
    const undo = one.connect(receiver('aborted'), { abortSignal: AbortSignal.abort() })
    expect(await told(one)).toEqual([])
    undo()
  })

  it('abortSignal keeps nothing of receivers that were taken out', async () => {
    const one = signal()
    const { signal: abortSignal } = new AbortController()
    const first = receiver('first')
    one.connect(first, { abortSignal })
    one.connect(receiver('second'), { abortSignal })()
    one.connect(receiver('third'), { abortSignal, once: true })
    await one.send(note())
    expect(getEventListeners(abortSignal, 'abort')).toHaveLength(1)
    one.disconnect(first)
    expect(getEventListeners(abortSignal, 'abort')).toHaveLength(0)
  })
})

describe('options that are not understood', () => {
  it.each<[string, object, string]>([
    ['misspelt', { onec: true }, 'OPTION_UNKNOWN'],
    ['of another kind', { once: 'yes' }, 'OPTION_INVALID'],
    ['a uid that is no text', { uid: 7 }, 'OPTION_INVALID'],
    ['an abort signal that is none', { abortSignal: {} }, 'OPTION_INVALID'],
  ])('are refused, and nothing is connected: %s', (_what, options, code) => {
    const one = signal()
    expect(() => one.connect(receiver('first'), options)).toThrow(expect.objectContaining({ code }))
    expect(one.receivers).toEqual([])
  })
})

describe('what is no receiver', () => {
  const two = (first: Note, second: Note) => [first, second]
  it.each<[string, unknown, string]>([
    ['a text', 'receiver', 'a string'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a number', 7, 'a number'],
    ['an object', {}, 'a plain object'],
    ['a class', Listener, 'the class Listener'],
    ['a function of two parameters', two, 'the function two with 2 parameters'],
  ])('%s is refused, and nothing is connected', async (_what, given, described) => {
    const one = signal()
    const connect = () => one.connect(given as never)
    expect(connect).toThrow(SignalDefinitionError)
    expect(connect).toThrow(
      expect.objectContaining({ code: 'SIGNAL_RECEIVER_INVALID', message: expect.stringContaining(`is ${described}`) }),
    )
    expect(one.receivers).toEqual([])
    expect(await told(one)).toEqual([])
  }) // A01, A02: a second parameter would never be given

  it('is a method that is not there', () => {
    const one = signal()
    const connect = () => one.connect(new Listener('Ann'), 'lissen' as never)
    expect(connect).toThrow(expect.objectContaining({ code: 'SIGNAL_RECEIVER_INVALID', message: expect.stringContaining('is undefined') }))
    expect(() => one.connect(undefined as never, 'listen' as never)).toThrow(SignalDefinitionError)
  })

  it('is not a function of one parameter, of none, or of as many as there are', async () => {
    const one = signal()
    one.connect(() => undefined)
    one.connect((...all: Note[]) => void all[0]!.seen.push(`${all.length} argument`))
    one.connect(({ seen }, _other = 1) => void seen.push('with a default'))
    const mock = jest.fn()
    one.connect(mock)
    expect(await told(one)).toEqual(['1 argument', 'with a default'])
    expect(mock).toHaveBeenCalledTimes(1)
  })
})
