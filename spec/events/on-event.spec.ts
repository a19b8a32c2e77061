/** Listeners: which events they hear, in which order, how many at once, and that none can hurt another. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import { currentContext, withContext } from 'flushpoint'
import { defineEvent, DomainEvent, eventsSettled, onEvent, track } from 'flushpoint/events'
import { errorOf } from '../support/chains.js'
import { gate, noted, Noted, thrownBy, tick, useEvents } from '../support/events.js'

const Published = defineEvent<{ articleId: number }>()('article.published')
const Withdrawn = defineEvent<{ articleId: number }>()('article.withdrawn')
const ArticleDotted = defineEvent<object>()('articlexpublished')
class PublishedAgain extends Published {}

const events = useEvents()
const hear = (matcher: string) => events.keep(onEvent(matcher)(({ name }) => void events.heard.push(name)))
const trackAll = async () => {
  track(new Published({ articleId: 1 }))
  track(new Withdrawn({ articleId: 2 }))
  track(new ArticleDotted())
  await eventsSettled()
  return events.heard
}

describe('a listener', () => {
  it('of a class hears its events and those of its subclasses', async () => {
    events.keep(onEvent(Published)((event) => void events.heard.push(`${event.constructor.name} ${event.articleId}`)))
    track(new PublishedAgain({ articleId: 3 }))
    expect(await trackAll()).toEqual(['PublishedAgain 3', 'article.published 1'])
  })

  it('of the base class hears all', async () => {
    events.keep(onEvent(DomainEvent)(({ name }) => void events.heard.push(name)))
    expect(await trackAll()).toEqual(['article.published', 'article.withdrawn', 'articlexpublished'])
  })

  it.each([
    ['article.published', ['article.published']],
    ['article.*', ['article.published', 'article.withdrawn']],
    ['*.published', ['article.published']],
    ['a*ed', ['article.published', 'articlexpublished']],
    ['*', ['article.published', 'article.withdrawn', 'articlexpublished']],
    ['article', []],
    ['(article|x)*', []],
  ])('of the pattern %s hears events whose whole name fits', async (pattern, expected) => {
    hear(pattern)
    expect(await trackAll()).toEqual(expected)
  })

  it('hears nothing any more when it is taken off, which may be done twice', async () => {
    const off = hear('*')
    await trackAll()
    off()
    off()
    await trackAll()
    {
      using _own = hear('*')
    }
    expect(await trackAll()).toHaveLength(3)
  })

  it('that is taken off while an event waits does not get it', async () => {
    const off = hear('*')
    track(noted('a'))
    off()
    await eventsSettled()
    expect(events.heard).toEqual([])
  })

  it('hears what is let go from then on, not what waits already', async () => {
    const hold = gate()
    events.keep(onEvent('*')(() => hold.opened))
    track(noted('before'))
    events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text)))
    track(noted('after'))
    hold.open()
    await eventsSettled()
    expect(events.heard).toEqual(['after'])
  })

  it('hears one event alone when asked to', async () => {
    events.keep(onEvent('article.*')(({ name }) => void events.heard.push(name), { once: true }))
    await trackAll()
    expect(await trackAll()).toEqual(['article.published'])
  })

  it('that hears one event alone gets no other while it takes that one', async () => {
    events.keep(onEvent('*')(async ({ name }) => tick().then(() => void events.heard.push(name)), { once: true, concurrency: 3 }))
    expect(await trackAll()).toEqual(['article.published'])
  })

  it('is taken off by its signal, and never put on where that has aborted', async () => {
    const [abort, aborted] = [new AbortController(), AbortSignal.abort()]
    events.keep(onEvent('*')(({ name }) => void events.heard.push(name), { abortSignal: abort.signal }))
    events.keep(onEvent('*')(({ name }) => void events.heard.push(name), { abortSignal: aborted }))
    await trackAll()
    abort.abort()
    expect(await trackAll()).toHaveLength(3)
  })

  it('is told by its signal to stop what it does', async () => {
    const abort = new AbortController()
    const [begun, stopped] = [gate(), gate()]
    events.keep(
      onEvent(Noted)(
        async ({ text }, { abortSignal }) => {
          begun.open()
          await new Promise<void>((resolve) => abortSignal.addEventListener('abort', () => resolve()))
          events.heard.push(`${text} stopped`)
          stopped.open()
        },
        { abortSignal: abort.signal },
      ),
    )
    track(noted('a'))
    await begun.opened
    abort.abort()
    await stopped.opened
    expect(events.heard).toEqual(['a stopped'])
  })

  it.each([undefined, null, 3, '', ' ', class Sold extends Event {}, {}])('cannot be one of %p', (given) => {
    expect(thrownBy(() => onEvent(given as never))).toMatchObject({ code: 'EVENT_MATCHER_INVALID' })
  })

  it.each([undefined, 'send', {}, class Sender {}])('cannot be %p', (given) => {
    expect(thrownBy(() => onEvent('*')(given as never))).toMatchObject({ code: 'EVENT_LISTENER_INVALID' })
  })

  it.each([
    [{ concurency: 2 }, 'OPTION_UNKNOWN', 'did you mean "concurrency"?'],
    [{ concurrency: 0 }, 'OPTION_INVALID', 'current value is 0'],
    [{ concurrency: 1.5 }, 'OPTION_INVALID', 'current value is 1.5'],
    [{ concurrency: '2' }, 'OPTION_INVALID', 'current value is a string'],
    [{ timeoutMs: 0 }, 'OPTION_INVALID', 'timeoutMs'],
    [{ timeoutMs: Infinity }, 'OPTION_INVALID', 'timeoutMs'],
    [{ once: 1 }, 'OPTION_INVALID', 'once'],
    [null, 'OPTION_INVALID', 'options'],
  ])('refuses the options %j', async (options, code, text) => {
    const error = thrownBy(() => onEvent('*')(() => void events.heard.push('heard'), options as never))
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(text)])
    expect(await trackAll()).toEqual([])
  })
})

describe('listeners', () => {
  // B33
  it('are begun in the order they were registered; each is awaited before its next event, and by no other', async () => {
    for (const name of ['a', 'b', 'c'])
      events.keep(
        onEvent(Noted)(async ({ text }) => {
          events.heard.push(`${name} begins ${text}`)
          await tick()
          events.heard.push(`${name} ends ${text}`)
        }),
      )
    track(noted('1'))
    track(noted('2'))
    await eventsSettled()
    expect(events.heard.slice(0, 3)).toEqual(['a begins 1', 'b begins 1', 'c begins 1'])
    for (const name of ['a', 'b', 'c']) {
      const own = events.heard.filter((line) => line.startsWith(name))
      expect(own).toEqual([`${name} begins 1`, `${name} ends 1`, `${name} begins 2`, `${name} ends 2`])
    }
  })

  it('go on though one of them never settles, which keeps back its own events alone', async () => {
    const never = gate()
    const hung = onEvent(Noted)(({ text }) => {
      events.heard.push(`hung ${text}`)
      return never.opened
    })
    events.keep(onEvent(Noted)(async ({ text }) => tick().then(() => void events.heard.push(`other ${text}`))))
    track(noted('1'))
    track(noted('2'))
    await tick()
    track(noted('3'))
    let isSettled = false
    const settled = eventsSettled().then(() => (isSettled = true))
    for (let turns = 0; turns < 5; turns++) await tick()
    expect(events.heard).toEqual(['hung 1', 'other 1', 'other 2', 'other 3'])
    expect(isSettled).toBe(false)
    hung()
    await settled
    never.open()
    await tick()
    expect(events.heard).toEqual(['hung 1', 'other 1', 'other 2', 'other 3'])
  })

  it("may return anything: what is no promise is nobody's", async () => {
    events.keep(onEvent(Noted)(({ text }) => events.heard.push(text)))
    track(noted('1'))
    await eventsSettled()
    expect(events.heard).toEqual(['1'])
  })

  it('leave nothing on their signal once they are off, nor do their calls', async () => {
    const abort = new AbortController()
    const { signal } = abort
    const options = { abortSignal: signal }
    onEvent(Noted)(() => undefined, { ...options, once: true })
    const off = onEvent(Noted)(async (_event, { abortSignal }) => tick().then(() => abortSignal.throwIfAborted()), options)
    onEvent(Noted)((_event, { abortSignal }) => void abortSignal.aborted, options)()
    for (const text of ['1', '2', '3']) track(noted(text))
    await eventsSettled()
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    off()
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  // B34
  it.each(['throws', 'rejects', 'throws no error'])(
    'are called though one before them %s, which is reported with both names',
    async (how) => {
      const failed = events.failures()
      const error = how === 'throws no error' ? Object.create(null) : new Error('no')
      const sendMail = () => {
        if (how === 'rejects') return Promise.reject(error as Error)
        throw error as Error
      }
      events.keep(onEvent(Noted)(sendMail))
      events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text)))
      const [first, second] = [noted('1'), noted('2')]
      track(first)
      track(second)
      await eventsSettled()
      expect(events.heard).toEqual(['1', '2'])
      expect(failed).toEqual([first, second].map((event) => ({ event, listener: 'sendMail', kind: 'listener', error })))
    },
  )

  it('are asked without harm, also where a class decides by itself what its events are', async () => {
    const failed = events.failures()
    class Odd extends DomainEvent {
      static override readonly eventName = 'test.odd'
      static override [Symbol.hasInstance](): boolean {
        throw new Error('odd')
      }
    }
    events.keep(onEvent(Odd)(() => void events.heard.push('odd')))
    events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text)))
    track(noted('1'))
    await eventsSettled()
    expect([events.heard, failed.map(({ error }) => (error as Error).message)]).toEqual([['1'], ['odd']])
  })

  it('that track events get them delivered after those that wait already', async () => {
    events.keep(
      onEvent(Noted)(({ text }) => {
        events.heard.push(`first ${text}`)
        if (text.length === 1) track(noted(`${text}+`))
      }),
    )
    events.keep(onEvent(Noted)(({ text }) => void events.heard.push(`second ${text}`)))
    track(noted('a'))
    track(noted('b'))
    await eventsSettled()
    expect(events.heard).toEqual(['a', 'b', 'a+', 'b+'].flatMap((text) => [`first ${text}`, `second ${text}`]))
  })

  it('each run in the context of the call that tracked, never in that of another', async () => {
    events.keep(
      onEvent(Noted)(async ({ text }) => {
        await tick()
        events.heard.push(`${text} ${String(currentContext().requestId)}`)
      }),
    )
    for (const requestId of ['r1', 'r2', 'r3']) withContext({ requestId }, () => track(noted(requestId)))
    track(noted('none'))
    await eventsSettled()
    expect(events.heard).toEqual(['r1 r1', 'r2 r2', 'r3 r3', 'none undefined'])
  })
})

describe('a listener', () => {
  it("runs outside of the request that tracked: what others keep with that one's calls is not around it", async () => {
    const request = new AsyncLocalStorage<string>()
    events.keep(
      onEvent(Noted)(async ({ text }) => {
        await tick()
        events.heard.push(`${text} ${String(request.getStore())}`)
      }),
    )
    request.run('r1', () => track(noted('a')))
    await eventsSettled()
    expect(events.heard).toEqual(['a undefined'])
  })
})

describe('a listener with a concurrency', () => {
  const slow = (concurrency: number) => {
    const doors = new Map(['1', '2', '3', '4', '5'].map((text) => [text, gate()]))
    events.keep(
      onEvent(Noted)(
        async ({ text }) => {
          events.heard.push(`begins ${text}`)
          await doors.get(text)!.opened
          events.heard.push(`ends ${text}`)
        },
        { concurrency },
      ),
    )
    return (text: string) => doors.get(text)!.open()
  }
  const trackFive = async () => {
    for (const text of ['1', '2', '3', '4', '5']) track(noted(text))
    await tick()
  }

  it('takes that many at once, in order, and no other waits for it', async () => {
    const open = slow(2)
    events.keep(onEvent(Noted)(({ text }) => void events.heard.push(`other ${text}`)))
    await trackFive()
    expect(events.heard).toEqual(['begins 1', 'other 1', 'begins 2', 'other 2', 'other 3', 'other 4', 'other 5'])
    open('2')
    await tick()
    expect(events.heard.slice(7)).toEqual(['ends 2', 'begins 3'])
    for (const text of ['1', '3', '4', '5']) open(text)
    await eventsSettled()
    expect(events.heard.filter((line) => line.startsWith('begins'))).toEqual([1, 2, 3, 4, 5].map((text) => `begins ${text}`))
    expect(events.heard.filter((line) => line.startsWith('ends'))).toHaveLength(5)
  })

  it('of Infinity is never waited for, except by eventsSettled', async () => {
    const open = slow(Infinity)
    await trackFive()
    expect(events.heard).toEqual([1, 2, 3, 4, 5].map((text) => `begins ${text}`))
    let isSettled = false
    const settled = eventsSettled().then(() => (isSettled = true))
    await tick()
    expect(isSettled).toBe(false)
    for (const text of ['5', '4', '3', '2', '1']) open(text)
    await settled
    expect(events.heard.slice(5)).toEqual([5, 4, 3, 2, 1].map((text) => `ends ${text}`))
  })

  it('has its failures reported one by one', async () => {
    const failed = events.failures()
    events.keep(onEvent(Noted)(async ({ text }) => tick().then(() => Promise.reject(new Error(text))), { concurrency: 3 }))
    await trackFive()
    await eventsSettled()
    expect(failed.map(({ error }) => (error as Error).message)).toEqual(['1', '2', '3', '4', '5'])
  })
})

describe('a listener with a timeout', () => {
  it('is given up when its time is over: its signal aborts, the failure is reported, the others go on', async () => {
    const failed = events.failures()
    events.keep(
      onEvent(Noted)(
        function sendMail({ text }, { abortSignal }) {
          return new Promise<void>((_resolve, reject) =>
            abortSignal.addEventListener('abort', () => {
              events.heard.push(`${text} told: ${(abortSignal.reason as { code: string }).code}`)
              reject(new Error('stopped'))
            }),
          )
        },
        { timeoutMs: 5 },
      ),
    )
    events.keep(onEvent(Noted)(({ text }) => void events.heard.push(`other ${text}`)))
    track(noted('a'))
    await eventsSettled()
    expect(events.heard).toEqual(['other a', 'a told: EVENT_LISTENER_TIMEOUT'])
    expect(failed.map(({ error }) => error)).toEqual([expect.objectContaining({ code: 'EVENT_LISTENER_TIMEOUT' })])
    expect((failed[0]!.error as Error).message).toContain('sendMail')
  })

  it('is given up though it hears no signal, and may ask for it later', async () => {
    const failed = events.failures()
    const hold = gate()
    const asked = gate()
    events.keep(
      onEvent(Noted)(
        async (_event, call) => {
          await hold.opened
          events.heard.push(String(call.abortSignal.aborted))
          asked.open()
        },
        { timeoutMs: 5 },
      ),
    )
    track(noted('a'))
    await eventsSettled()
    hold.open()
    await asked.opened
    expect([failed.length, events.heard]).toEqual([1, ['true']])
  })

  it('that is done in time is left alone', async () => {
    const failed = events.failures()
    events.keep(
      onEvent(Noted)(
        async ({ text }, { abortSignal }) => {
          await tick()
          events.heard.push(`${text} ${abortSignal.aborted}`)
        },
        { timeoutMs: 10_000 },
      ),
    )
    track(noted('a'))
    await eventsSettled()
    expect([events.heard, failed]).toEqual([['a false'], []])
  })
})

describe('eventsSettled', () => {
  it('is there at once when nothing is delivered', async () => {
    expect(await eventsSettled()).toBeUndefined()
  })

  it('waits for events that listeners track meanwhile, too', async () => {
    events.keep(
      onEvent(Noted)(async ({ text }) => {
        await tick()
        events.heard.push(text)
        if (text.length < 4) track(noted(`${text}!`))
      }),
    )
    track(noted('a'))
    await Promise.all([eventsSettled(), eventsSettled()])
    expect(events.heard).toEqual(['a', 'a!', 'a!!', 'a!!!'])
  })

  it('is refused inside a listener, where it would wait for itself', async () => {
    const failed = events.failures()
    events.keep(onEvent(Noted)(() => eventsSettled()))
    track(noted('a'))
    await eventsSettled()
    expect(failed.map(({ error }) => error)).toEqual([expect.objectContaining({ code: 'EVENTS_AWAIT_THEMSELVES' })])
    expect(await errorOf(Promise.reject(failed[0]!.error as Error))).toHaveProperty('fix')
  })
})
