/** The ways to send a signal: one after another, together, and whatever happens. */
import { Signal, type Outcome } from 'flushpoint/signals'

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
const failing =
  (error: unknown) =>
  ({ seen }: Note) => {
    seen.push('fails')
    throw error
  }

/** What a send has called. */
async function told(one: Signal<Note>): Promise<string[]> {
  const payload = note()
  await one.send(payload)
  return payload.seen
}

describe('send', () => {
  it('awaits each receiver before the next, sync or async', async () => {
    const one = signal()
    one.connect(slowly('first'))
    one.connect(receiver('second'))
    one.connect(slowly('third'))
    expect(await told(one)).toEqual(['first begins', 'first ends', 'second', 'third begins', 'third ends'])
  })

  it('awaits promises of any kind', async () => {
    const one = signal()
    one.connect(({ seen }) => ({ then: (done: () => void) => setImmediate(() => (seen.push('waited'), done())) }))
    one.connect(receiver('after'))
    expect(await told(one)).toEqual(['waited', 'after'])
  })

  it('passes on the error of a receiver as it is, and calls none of those after it', async () => {
    const one = signal()
    const error = new Error('no')
    one.connect(receiver('first'))
    one.connect(failing(error))
    one.connect(receiver('never'))
    const payload = note()
    await expect(one.send(payload)).rejects.toBe(error)
    expect(payload.seen).toEqual(['first', 'fails'])
  }) // A36, which gathers: see sendConcurrent

  it('passes on what an async receiver rejects with', async () => {
    const one = signal()
    one.connect(slowly('first'))
    one.connect(() => Promise.reject('no error at all'))
    one.connect(receiver('never'))
    const payload = note()
    await expect(one.send(payload)).rejects.toBe('no error at all')
    expect(payload.seen).toEqual(['first begins', 'first ends'])
  })

  it('calls what is connected meanwhile from the next send on', async () => {
    const one = signal()
    one.connect(({ seen }) => {
      seen.push('first')
      one.connect(late)
    })
    const late = receiver('late')
    expect(await told(one)).toEqual(['first'])
    expect(await told(one)).toEqual(['first', 'late'])
  }) // A40

  it('still calls what is taken out meanwhile, the next time no more', async () => {
    const one = signal()
    const last = receiver('last')
    const itself = ({ seen }: Note) => {
      seen.push('itself')
      one.disconnect(itself)
      one.disconnect(last)
    }
    one.connect(itself)
    one.connect(last)
    expect(await told(one)).toEqual(['itself', 'last'])
    expect(await told(one)).toEqual([])
  }) // A40

  it('lets receivers share what they do to the payload', async () => {
    const one = new Signal<{ count: number }>('counter')
    one.connect((payload) => void payload.count++)
    one.connect(async (payload) => {
      await tick()
      payload.count *= 10
    })
    const payload = { count: 1 }
    await one.send(payload)
    expect(payload.count).toBe(20)
  })

  it('may be sent again by a receiver', async () => {
    const one = signal()
    one.connect(async ({ seen }) => {
      seen.push('again')
      if (seen.length < 5) await one.send({ text: 'again', seen })
    })
    expect(await told(one)).toHaveLength(5)
  })
})

describe('sendConcurrent', () => {
  it('begins all in order and awaits them together', async () => {
    const one = signal()
    one.connect(slowly('first'))
    one.connect(slowly('second'))
    const payload = note()
    await one.sendConcurrent(payload)
    expect(payload.seen).toEqual(['first begins', 'second begins', 'first ends', 'second ends'])
  })

  it('throws the error of one receiver once all the others have finished', async () => {
    const one = signal()
    const error = new Error('no')
    one.connect(slowly('first'))
    one.connect(failing(error))
    one.connect(slowly('third'))
    const payload = note()
    await expect(one.sendConcurrent(payload)).rejects.toBe(error)
    expect(payload.seen).toEqual(['first begins', 'fails', 'third begins', 'first ends', 'third ends'])
  }) // A36

  it('throws the error of the receiver that was connected first, where several fail', async () => {
    const one = signal()
    one.connect(() => tick().then(() => Promise.reject(new Error('first'))))
    one.connect(failing(new Error('second')))
    await expect(one.sendConcurrent(note())).rejects.toThrow('first')
  })
})

describe('sendRobust', () => {
  it('tells for each receiver what it returned or threw, in order', async () => {
    const one = signal()
    const error = new Error('no')
    const receivers = [() => 1, failing(error), async () => Promise.resolve('two'), failing(undefined)]
    for (const each of receivers) one.connect(each)
    const outcomes: readonly Outcome[] = await one.sendRobust(note())
    expect(outcomes).toStrictEqual([
      { receiver: receivers[0], value: 1 },
      { receiver: receivers[1], error },
      { receiver: receivers[2], value: 'two' },
      { receiver: receivers[3], error: undefined },
    ])
  })

  it('calls one after another', async () => {
    const one = signal()
    one.connect(slowly('first'))
    one.connect(slowly('second'))
    const payload = note()
    await one.sendRobust(payload)
    expect(payload.seen).toEqual(['first begins', 'first ends', 'second begins', 'second ends'])
  })
})
