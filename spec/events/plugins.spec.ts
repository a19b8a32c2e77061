/** Handlers of events by name: who is asked, who is told, and that none can hurt another. */
import { currentContext, tryCurrentSession, withContext, withoutExtensions } from 'flushpoint'
import {
  enablePluginEvents,
  EventPlugin,
  eventsSettled,
  registerPlugin,
  setPluginDispatcher,
  triggerEvent,
  type PluginEvent,
} from 'flushpoint/events'
import { triggerNamed } from '../../lib/events/trigger-event.js'
import { gate, SamplePlugin, thrownBy, tick, useEvents, warnings } from '../support/events.js'

const events = useEvents()
beforeEach(() => enablePluginEvents(true))
afterEach(() => {
  enablePluginEvents(false)
  jest.restoreAllMocks()
})

const sample = (slug = 'sample', wanted?: (name: string) => boolean, active = true) => {
  const plugin = new SamplePlugin(slug, wanted)
  return Object.assign(plugin, { handle: events.keep(registerPlugin(plugin, { active })) })
}

describe('a plugin', () => {
  // C01 C07
  it('processes every event that is triggered, with its payload', async () => {
    const plugin = sample()
    triggerEvent('test.event', { id: 3 })
    triggerEvent('test.some.other.event', {})
    await eventsSettled()
    expect(plugin.processed).toEqual([
      { name: 'test.event', payload: { id: 3 } },
      { name: 'test.some.other.event', payload: {} },
    ])
  })

  // C03 C04
  it('processes those it wants, and nothing is dispatched for the others', async () => {
    const dispatched: string[] = []
    events.keep(setPluginDispatcher({ dispatch: ({ slug }, { name }) => void dispatched.push(`${slug} ${name}`) }))
    sample('filtered', (name) => name === 'test.event')
    triggerEvent('test.event', {})
    triggerEvent('test.some.other.event', {})
    await eventsSettled()
    expect(dispatched).toEqual(['filtered test.event'])
  })

  // C05
  it('is neither asked nor told while plugin events are off, which they are at first', async () => {
    enablePluginEvents(false)
    const wanted = jest.fn(() => true)
    const plugin = sample('sample', wanted)
    triggerEvent('test.event', {})
    await eventsSettled()
    expect([plugin.processed, wanted.mock.calls]).toEqual([[], []])
  })

  // C06
  it('that is not active is neither asked nor told', async () => {
    const wanted = jest.fn(() => true)
    const plugin = sample('sample', wanted, false)
    triggerEvent('test.event', {})
    await eventsSettled()
    expect([plugin.processed, wanted.mock.calls]).toEqual([[], []])
  })

  // C02
  it.each([
    [
      'without processEvent',
      new (class extends (EventPlugin as unknown as new () => object) {
        slug = 'a'
      })(),
      'processEvent',
    ],
    ['without a slug', Object.assign(new SamplePlugin('')), 'slug'],
    ['that is a class', SamplePlugin, 'processEvent'],
    ['that is nothing', undefined, 'processEvent'],
    ['that extends nothing', { slug: 'a', processEvent: () => undefined }, 'extends EventPlugin'],
  ])('%s is refused', (_, plugin, text) => {
    const error = thrownBy(() => registerPlugin(plugin as never))
    expect(error).toMatchObject({ code: 'EVENT_PLUGIN_INVALID' })
    expect(error.message).toContain(text)
  })

  it('is refused where another has its slug, and where its options cannot be', () => {
    sample('sample')
    expect(thrownBy(() => registerPlugin(new SamplePlugin('sample')))).toMatchObject({ code: 'EVENT_PLUGIN_SLUG_TAKEN' })
    expect(thrownBy(() => registerPlugin(new SamplePlugin('b'), { activ: true } as never))).toMatchObject({ code: 'OPTION_UNKNOWN' })
    expect(thrownBy(() => registerPlugin(new SamplePlugin('b'), { active: 1 } as never))).toMatchObject({ code: 'OPTION_INVALID' })
    events.keep(registerPlugin(new SamplePlugin('b')))
  })

  // C08
  it('is dispatched for on its own: two active ones get the event twice, in the order they were registered', async () => {
    const dispatched: string[] = []
    events.keep(setPluginDispatcher({ dispatch: ({ slug }, { name }) => void dispatched.push(`${slug} ${name}`) }))
    sample('first')
    sample('second')
    triggerEvent('test.event', {})
    await eventsSettled()
    expect(dispatched).toEqual(['first test.event', 'second test.event'])
  })

  it('processes one event after another, and waits for no other plugin', async () => {
    const hold = gate()
    class Slow extends SamplePlugin {
      override async processEvent(event: PluginEvent) {
        await hold.opened
        await super.processEvent(event)
        events.heard.push(`${this.slug} ${String(this.ids.at(-1))}`)
        await tick()
      }
    }
    events.keep(registerPlugin(new Slow('slow')))
    const quick = sample('quick')
    for (const id of [1, 2, 3]) triggerEvent('test.event', { id })
    await tick()
    expect([quick.ids, events.heard]).toEqual([[1, 2, 3], []])
    hold.open()
    await eventsSettled()
    expect(events.heard).toEqual(['slow 1', 'slow 2', 'slow 3'])
  })

  // C09
  it.each(['throws', 'rejects'])('that %s is reported with its slug, once for each event; others are not affected', async (how) => {
    const failed = events.failures()
    class Bad extends SamplePlugin {
      override processEvent(): Promise<void> {
        if (how === 'rejects') return Promise.reject(new Error('no'))
        throw new Error('no')
      }
    }
    events.keep(registerPlugin(new Bad('bad')))
    const good = sample('good')
    triggerEvent('test.event', { id: 1 })
    triggerEvent('test.event', { id: 2 })
    await eventsSettled()
    expect(good.ids).toEqual([1, 2])
    expect(failed).toEqual(
      [1, 2].map((id) => ({ event: { name: 'test.event', payload: { id } }, listener: 'bad', kind: 'plugin', error: new Error('no') })),
    )
  })

  it('that fails is a warning with its slug and without the payload, where nobody hears failures', async () => {
    const said = warnings()
    class Bad extends SamplePlugin {
      override processEvent(): void {
        throw new Error('no')
      }
    }
    events.keep(registerPlugin(new Bad('bad')))
    triggerEvent('test.event', { id: 77 })
    await eventsSettled()
    expect(said).toEqual([{ code: 'EVENT_LISTENER_FAILED', message: 'The plugin "bad" failed at "test.event": no' }])
  })

  // C10
  it('that is taken off between trigger and processing is left out, with a warning and no error', async () => {
    const said = warnings()
    const failed = events.failures()
    const plugin = sample('gone')
    triggerEvent('test.event', {})
    plugin.handle()
    await eventsSettled()
    expect([plugin.processed, failed]).toEqual([[], []])
    expect(said).toEqual([{ code: 'EVENT_PLUGIN_GONE', message: 'The plugin "gone" was taken off before it could process "test.event"' }])
  })

  it('that never settles keeps back its own events alone, until it is taken off', async () => {
    const said = warnings()
    class Hung extends SamplePlugin {
      override processEvent(event: PluginEvent): Promise<void> {
        void super.processEvent(event)
        return new Promise(() => {})
      }
    }
    const [hung, other] = [new Hung('hung'), new SamplePlugin('other')]
    const off = events.keep(registerPlugin(hung))
    events.keep(registerPlugin(other))
    for (const id of [1, 2]) triggerEvent('test.event', { id })
    await tick()
    expect([hung.ids, other.ids]).toEqual([[1], [1, 2]])
    off()
    await eventsSettled()
    expect([hung.ids, said.map(({ code }) => code)]).toEqual([[1], ['EVENT_PLUGIN_GONE']])
  })

  it('that is taken off while it processes is told by its signal', async () => {
    const begun = gate()
    class Waiting extends SamplePlugin {
      override async processEvent(_event: PluginEvent, { abortSignal }: { abortSignal: AbortSignal } = {} as never) {
        begun.open()
        await new Promise<void>((resolve) => abortSignal.addEventListener('abort', () => resolve()))
        events.heard.push('stopped')
      }
    }
    const handle = registerPlugin(new Waiting('waiting'))
    triggerEvent('test.event', {})
    await begun.opened
    handle[Symbol.dispose]()
    await eventsSettled()
    expect(events.heard).toEqual(['stopped'])
  })

  // C11
  it.each([
    [
      'throws',
      () => {
        throw new Error('no')
      },
      'no',
    ],
    ['answers with a promise', () => Promise.resolve(true), 'EVENT_FILTER_ASYNC'],
    ['answers with a promise that fails', () => Promise.reject(new Error('late')), 'EVENT_FILTER_ASYNC'],
  ])('whose wantsProcessEvent %s is left out and reported; the others get the event', async (_, wants, text) => {
    const failed = events.failures()
    const bad = sample('bad', wants as never)
    const good = sample('good')
    triggerEvent('test.event', { id: 1 })
    await eventsSettled()
    expect([bad.ids, good.ids]).toEqual([[], [1]])
    expect(failed.map(({ listener, kind }) => [listener, kind])).toEqual([['bad', 'plugin']])
    expect((failed[0]!.error as Error).message).toContain(text)
  })

  // C20
  it('is told an enumeration member as its text, with blanks at the ends cut off', async () => {
    enum Names {
      Tested = ' test.event\n',
    }
    const plugin = sample()
    triggerNamed(Names.Tested, { id: 1 })
    triggerNamed({ toString: () => 'test.event' }, { id: 2 })
    triggerEvent('  test.event ' as 'test.event', { id: 3 })
    await eventsSettled()
    expect(plugin.names).toEqual(['test.event', 'test.event', 'test.event'])
    for (const name of [undefined, ' ', 3]) expect(thrownBy(() => triggerNamed(name, {}))).toMatchObject({ code: 'EVENT_NAME_INVALID' })
  })

  it('runs in the context of the call that triggered, outside of every session', async () => {
    class Looking extends SamplePlugin {
      override async processEvent() {
        await tick()
        events.heard.push(`${String(currentContext().requestId)} ${String(tryCurrentSession())}`)
      }
    }
    events.keep(registerPlugin(new Looking('looking')))
    withContext({ requestId: 'r1' }, () => triggerEvent('test.event', {}))
    triggerEvent('test.event', {})
    await eventsSettled()
    expect(events.heard).toEqual(['r1 undefined', 'undefined undefined'])
  })

  // C31
  it('that is switched on or off is told of as plugin_activated, only where that changes something', async () => {
    const watcher = sample('watcher')
    const { handle } = sample('switched', () => false)
    handle.active = true
    await eventsSettled()
    expect(watcher.processed).toEqual([])
    handle.active = false
    handle.active = false
    handle.active = true
    await eventsSettled()
    expect(watcher.processed).toEqual([
      { name: 'plugin_activated', payload: { slug: 'switched', active: false } },
      { name: 'plugin_activated', payload: { slug: 'switched', active: true } },
    ])
    expect([handle.slug, handle.active]).toEqual(['switched', true])
  })

  it('hears events from then on when it is switched on, and none when it is switched off', async () => {
    const plugin = sample('sample', (name) => name === 'test.event', false)
    triggerEvent('test.event', { id: 1 })
    plugin.handle.active = true
    triggerEvent('test.event', { id: 2 })
    await eventsSettled()
    plugin.handle.active = false
    triggerEvent('test.event', { id: 3 })
    await eventsSettled()
    expect(plugin.ids).toEqual([2])
  })

  it('cannot be switched any more when it is taken off, nor to anything but on and off', () => {
    const { handle } = sample()
    expect(thrownBy(() => (handle.active = 1 as never))).toMatchObject({ code: 'OPTION_INVALID' })
    handle()
    expect(thrownBy(() => (handle.active = false))).toMatchObject({ code: 'EVENT_PLUGIN_GONE' })
    sample()
  })
})

describe('plugin events', () => {
  // C32
  it('tell plugins_loaded, without a payload, when they are switched on, once', async () => {
    enablePluginEvents(false)
    const plugin = sample()
    enablePluginEvents(true)
    enablePluginEvents(true)
    await eventsSettled()
    expect(plugin.processed).toEqual([{ name: 'plugins_loaded', payload: undefined }])
  })

  // C32 C33
  it('are ignored inside withoutExtensions, and there alone', async () => {
    const plugin = sample()
    await withoutExtensions(async () => {
      triggerEvent('test.event', { id: 1 })
      await tick()
      triggerEvent('test.event', { id: 2 })
      enablePluginEvents(false)
      enablePluginEvents(true)
    })
    triggerEvent('test.event', { id: 3 })
    await eventsSettled()
    expect(plugin.processed).toEqual([{ name: 'test.event', payload: { id: 3 } }])
  })

  it('are on or off, nothing else', () => {
    for (const given of [1, 'on', null, undefined])
      expect(thrownBy(() => enablePluginEvents(given as never))).toMatchObject({ code: 'OPTION_INVALID' })
  })
})

describe('a dispatcher', () => {
  it('may hand events to others; what it throws is reported with the slug of the plugin', async () => {
    const failed = events.failures()
    const queue: string[] = []
    const dispatch = async ({ slug }: { slug: string }, { payload }: PluginEvent) => {
      const { id } = payload as { id: number }
      if (id === 1) throw new Error('queue is down')
      await tick()
      queue.push(`${slug} ${id}`)
    }
    events.keep(setPluginDispatcher({ dispatch }))
    const plugin = sample()
    for (const id of [1, 2]) triggerEvent('test.event', { id })
    await eventsSettled()
    expect([queue, plugin.processed]).toEqual([['sample 2'], []])
    expect(failed.map(({ listener, error }) => `${listener}: ${(error as Error).message}`)).toEqual(['sample: queue is down'])
  })

  it('that throws is reported, and the next plugin is dispatched for', async () => {
    const failed = events.failures()
    const queue: string[] = []
    const dispatch = ({ slug }: { slug: string }) => {
      if (slug === 'first') throw new Error('no')
      queue.push(slug)
    }
    events.keep(setPluginDispatcher({ dispatch }))
    sample('first')
    sample('second')
    triggerEvent('test.event', {})
    await eventsSettled()
    expect([queue, failed.map(({ listener }) => listener)]).toEqual([['second'], ['first']])
  })

  it('is replaced until its undo is called', async () => {
    const off = setPluginDispatcher({ dispatch: () => undefined })
    const plugin = sample()
    triggerEvent('test.event', { id: 1 })
    off()
    triggerEvent('test.event', { id: 2 })
    await eventsSettled()
    expect(plugin.ids).toEqual([2])
    expect(thrownBy(() => setPluginDispatcher({} as never))).toMatchObject({ code: 'EVENT_PLUGIN_INVALID' })
  })
})
