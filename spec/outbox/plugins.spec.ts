/** Plugins of a process with a relay: when they are asked, what they are handed, and what becomes of what they have not processed. */
import { getEventListeners } from 'node:events'
import { currentContext, tryCurrentSession, withContext } from 'flushpoint'
import { enablePluginEvents, registerPlugin, triggerEvent, type PluginCall, type PluginDelivery, type PluginEvent } from 'flushpoint/events'
import { plugins } from '../../lib/events/plugin-registry.js'
import { describeDatabase } from '../support/databases.js'
import { gate, thrownBy, warnings } from '../support/events.js'
import { messagesOf } from '../support/outbox.js'
import { countRows, hearing, SOON, until } from '../support/relays.js'
import { newPart, Part, RecordingPlugin, useWorkshop } from '../support/workshop.js'

type Process = (event: PluginEvent, call: PluginCall) => void | Promise<void>

/** A plugin whose work is given. */
class Working extends RecordingPlugin {
  override readonly delivery: PluginDelivery

  constructor(
    readonly work: Process,
    { slug = 'working', ...delivery }: PluginDelivery & { readonly slug?: string } = {},
  ) {
    super(slug)
    this.delivery = { retry: SOON, ...delivery }
  }

  override async processEvent(event: PluginEvent, call?: PluginCall): Promise<void> {
    await this.work(event, call!)
    await super.processEvent(event)
  }
}

const trigger = (...ids: readonly number[]) => ids.forEach((id) => triggerEvent('test.event', { id }))
const idOf = ({ payload }: PluginEvent) => (payload as { id: number }).id

describeDatabase('a plugin behind an outbox', () => {
  const workshop = useWorkshop()
  beforeEach(() => workshop.open())
  afterEach(() => jest.restoreAllMocks())

  /** Has everything in hand that is there, until it is handled. */
  const relay = () => workshop.relay({ settleMs: 10_000 })
  /** What relays say that they have. */
  const announced = async () => {
    const rows = await workshop.dataSource.manager.find('OutboxRelay')
    return rows.flatMap(({ subscriptions }: { subscriptions?: string }) => JSON.parse(subscriptions!) as string[])
  }
  const failedOf = (failures: readonly { listener: string; kind: string; error: unknown }[]) =>
    failures.map(({ listener, kind, error }) => `${kind} ${listener}: ${(error as Error).message}`)

  describe('is asked', () => {
    it('by the relay and not by whoever triggers, once for each event, also where it does not want it', async () => {
      const asked: string[] = []
      const wants = (name: string) => asked.push(name) > 0 && name === 'test.event'
      const plugin = workshop.register(new RecordingPlugin('asked', wants))
      trigger(1)
      triggerEvent('test.some.other.event', { id: 2 })
      await until('both are kept', async () => (await messagesOf(workshop.dataSource)).length === 2)
      expect(asked).toEqual([])
      await relay()
      await workshop.emptied()
      expect([asked, plugin.ids]).toEqual([['test.event', 'test.some.other.event'], [1]])
    })

    it.each([
      [
        'throws',
        () => {
          throw new Error('no')
        },
        'no',
      ],
      ['answers with a promise', () => Promise.resolve(true), 'Cannot await whether the plugin "bad" wants "test.event"'],
      ['answers with a promise that fails', () => Promise.reject(new Error('late')), 'Cannot await whether'],
    ])('and left out where it %s, which is told once with its slug; the others go on', async (_, wants, text) => {
      const failed = workshop.failures()
      const [bad, good] = [workshop.register(new RecordingPlugin('bad', wants as never)), workshop.register(new RecordingPlugin('good'))]
      await relay()
      trigger(1)
      await workshop.emptied()
      expect([bad.ids, good.ids]).toEqual([[], [1]])
      expect(failedOf(failed)).toEqual([expect.stringContaining(`plugin bad: ${text}`)])
    })

    it('after it has come, and no more when it has gone', async () => {
      workshop.register(new RecordingPlugin('other'))
      await relay()
      trigger(1)
      await workshop.emptied()
      const plugin = workshop.register(new RecordingPlugin())
      trigger(2)
      await workshop.emptied()
      plugin.handle()
      trigger(3)
      await until('it is waited for', async () => (await countRows(workshop.dataSource, 'OutboxDelivery')) === 1)
      expect(plugin.ids).toEqual([2])
    })
  })

  describe('is handed', () => {
    it('name and payload, in the stored part of the context and outside of every session, with the same id at each attempt', async () => {
      const seen: unknown[] = []
      const plugin = new Working(({ payload }, { id, attempt, manager }) => {
        seen.push([id, attempt, payload, currentContext(), tryCurrentSession(), manager === workshop.dataSource.manager])
        if (attempt === 1) throw new Error('not yet')
      })
      workshop.failures()
      workshop.register(plugin)
      withContext({ requestId: 'r1', session: 'secret' } as never, () =>
        triggerEvent('test.event', { id: 1, at: new Date(0) } as { id: number }),
      )
      await until('it is kept', async () => (await messagesOf(workshop.dataSource)).length === 1)
      const id = (await messagesOf(workshop.dataSource))[0]!.id
      await relay()
      await workshop.emptied()
      const payload = { id: 1, at: '1970-01-01T00:00:00.000Z' }
      expect(seen).toEqual([1, 2].map((attempt) => [id, attempt, payload, { requestId: 'r1' }, undefined, true]))
    })

    it('an object of its own, which no other plugin sees changes of', async () => {
      const first = workshop.register(new Working(({ payload }) => void Object.assign(payload as object, { id: 77 }), { slug: 'first' }))
      const second = workshop.register(new RecordingPlugin('second'))
      await relay()
      trigger(1)
      await workshop.emptied()
      expect([first.ids, second.ids]).toEqual([[77], [1]])
    })

    it('undefined where nothing is told', async () => {
      const plugin = workshop.register(new RecordingPlugin())
      await relay()
      for (const nothing of [undefined, null]) triggerEvent('test.event', nothing as never)
      await workshop.emptied()
      expect(plugin.processed).toEqual([1, 2].map(() => ({ name: 'test.event', payload: undefined })))
    })

    it('one event after another of the same key, and waits for none of another', async () => {
      const hold = gate()
      const plugin = workshop.register(new Working((event) => (idOf(event) === 1 ? hold.opened : undefined)))
      await relay()
      await workshop.dataSource.transaction(async () => trigger(1, 2, 1, 3))
      await until('other keys are processed', () => plugin.ids.length === 2)
      hold.open()
      await workshop.emptied()
      expect(plugin.ids.toSorted()).toEqual([1, 1, 2, 3])
      expect(plugin.ids.slice(0, 2).toSorted()).toEqual([2, 3])
    })

    it('what its relay is told to hand to plugins: another relay hands over its subscriptions alone', async () => {
      const plugin = workshop.register(new RecordingPlugin())
      const heard: { readonly type: string }[] = []
      await workshop.relay({ plugins: false, subscriptions: [hearing(heard as never, { events: 'test.*' })] })
      trigger(1)
      await workshop.emptied()
      expect([heard.map(({ type }) => type), plugin.ids]).toEqual([['test.event'], []])
    })
  })

  describe('that fails', () => {
    it('is tried again up to its attempts, then the event is dead for it alone; each time its slug is told', async () => {
      const failed = workshop.failures()
      const attempts: number[] = []
      const bad = new Working(
        (_, { attempt }) => {
          attempts.push(attempt!)
          throw new Error(`no ${attempt}`)
        },
        { slug: 'bad', retry: { ...SOON, attempts: 3 } },
      )
      workshop.register(bad)
      const good = workshop.register(new RecordingPlugin('good'))
      await relay()
      trigger(1)
      await until('it is given up', () => failed.length === 3)
      expect([attempts, good.ids]).toEqual([[1, 2, 3], [1]])
      expect(failedOf(failed)).toEqual([1, 2, 3].map((attempt) => `plugin bad: no ${attempt}`))
      expect(await workshop.dataSource.manager.find('OutboxDelivery')).toEqual([
        expect.objectContaining({ subscription: 'plugin:bad', status: 1, attempts: 3 }),
      ])
    })

    it('is tried as often as by default where its attempts are undefined', async () => {
      const failed = workshop.failures()
      const bad = new Working(() => Promise.reject(new Error('never')), { slug: 'bad', retry: { attempts: undefined, baseMs: 0 } as never })
      workshop.register(bad)
      await relay()
      trigger(1)
      await until('it is given up', () => failed.at(-1)?.isDead === true) // told after it is written down
      expect(failed).toHaveLength(12)
    })

    it('has later events of the key wait for its retry, while another plugin goes on', async () => {
      workshop.failures()
      const order: string[] = []
      const hold = gate()
      const noting = (slug: string): Process => {
        return async (event, { attempt }) => {
          order.push(`${slug} ${(event.payload as { index: number }).index} ${attempt}`)
          if (slug !== 'patient' || order.length > 5 || attempt !== 1) return
          await hold.opened
          throw new Error('not yet')
        }
      }
      for (const slug of ['patient', 'other']) workshop.register(new Working(noting(slug), { slug }))
      await relay()
      const all = [0, 1, 2]
      await workshop.dataSource.transaction(async () =>
        all.forEach((index) => triggerEvent('test.event', { id: 1, index } as { id: number })),
      )
      await until('the other has all', () => order.filter((line) => line.startsWith('other')).length === 3)
      expect(order.filter((line) => line.startsWith('patient'))).toEqual(['patient 0 1'])
      hold.open()
      await workshop.emptied()
      expect(order.filter((line) => line.startsWith('patient'))).toEqual(['patient 0 1', 'patient 0 2', 'patient 1 1', 'patient 2 1'])
    })

    it('leaves nothing behind where it is exactlyOnce: what it has written goes with the failed attempt', async () => {
      workshop.failures()
      const plugin = new Working(
        async (_, { manager, attempt }) => {
          await manager!.save(newPart(`attempt ${attempt}`))
          if (attempt! < 3) throw new Error('not yet')
        },
        { exactlyOnce: true },
      )
      workshop.register(plugin)
      await relay()
      trigger(1)
      await workshop.emptied()
      expect((await workshop.dataSource.manager.find(Part)).map(({ name }) => name)).toEqual(['attempt 3'])
      expect(await countRows(workshop.dataSource, 'InboxMessage')).toBe(1)
    })
  })

  describe('that is switched off', () => {
    const wanted = (plugin: RecordingPlugin) => jest.spyOn(plugin, 'wantsProcessEvent')

    it('is not asked, and hears what comes later alone when it is switched on again', async () => {
      const plugin = workshop.register(new RecordingPlugin())
      await relay()
      trigger(1)
      await workshop.emptied()
      plugin.handle.active = false
      const asked = wanted(plugin)
      trigger(2)
      await workshop.emptied()
      expect(asked).not.toHaveBeenCalled()
      plugin.handle.active = true
      trigger(3)
      await workshop.emptied()
      expect(plugin.ids).toEqual([1, 3])
    })

    it('by the setting is not asked either, though the event was triggered before', async () => {
      const plugin = workshop.register(new RecordingPlugin())
      await relay()
      trigger(1)
      await workshop.emptied()
      const asked = wanted(plugin)
      await workshop.dataSource.transaction(async () => {
        trigger(2)
        enablePluginEvents(false)
      })
      await workshop.emptied()
      expect(asked).not.toHaveBeenCalled()
      enablePluginEvents(true)
      trigger(3)
      await workshop.emptied()
      expect(plugin.ids).toEqual([1, 3])
    })

    it('keeps back nothing in a process where nothing was said of the setting yet: what is there waits until it is', async () => {
      const plugin = workshop.register(new RecordingPlugin())
      await relay()
      trigger(1)
      await workshop.emptied()
      await workshop.dataSource.transaction(async () => {
        trigger(2)
        plugins.setting = undefined // as after a crash, in a program that is starting
      })
      await until('it waits', async () => (await countRows(workshop.dataSource, 'OutboxDelivery')) === 1)
      expect(plugin.ids).toEqual([1])
      enablePluginEvents(true)
      await workshop.emptied()
      expect(plugin.ids).toEqual([1, 2])
    })

    it('while events wait in hand is not handed them any more, with a warning', async () => {
      const said = warnings()
      const [begun, hold] = [gate(), gate()]
      const plugin = workshop.register(new Working(() => (begun.open(), hold.opened)))
      await relay()
      await workshop.dataSource.transaction(async () => trigger(1, 1))
      await begun.opened
      plugin.handle.active = false
      hold.open()
      await workshop.emptied()
      expect([plugin.ids, said.map(({ code }) => code)]).toEqual([[1], ['EVENT_PLUGIN_GONE']])
    })
  })

  describe('that is taken off', () => {
    it('while it processes is told by its signal; what it throws then is nobody’s, and it is not tried again', async () => {
      const [said, failed] = [warnings(), workshop.failures()]
      const begun = gate()
      const reasons: unknown[] = []
      const plugin = workshop.register(
        new Working(async (_, { abortSignal }) => {
          await new Promise<void>((resolve) => {
            abortSignal.addEventListener('abort', () => resolve())
            begun.open()
          })
          reasons.push(abortSignal.reason)
          abortSignal.throwIfAborted()
        }),
      )
      await relay()
      trigger(1)
      await begun.opened
      plugin.handle()
      await workshop.emptied()
      expect(reasons).toHaveLength(1)
      expect([failed, said]).toEqual([
        [],
        [{ code: 'EVENT_PLUGIN_GONE', message: 'The plugin "working" was taken off while it processed "test.event"' }],
      ])
    })

    it('while it processes, and ends well all the same, has processed the event', async () => {
      const said = warnings()
      const [begun, hold] = [gate(), gate()]
      const plugin = workshop.register(new Working(() => (begun.open(), hold.opened)))
      await relay()
      trigger(1)
      await begun.opened
      plugin.handle()
      hold.open()
      await workshop.emptied()
      expect([plugin.ids, said]).toEqual([[1], []])
    })

    it('in an exactlyOnce attempt leaves nothing of it behind', async () => {
      const said = warnings()
      const begun = gate()
      const plugin = workshop.register(
        new Working(
          async (_, { manager, abortSignal }) => {
            await manager!.save(newPart('half'))
            await new Promise<void>((resolve) => {
              abortSignal.addEventListener('abort', () => resolve())
              begun.open()
            })
            abortSignal.throwIfAborted()
          },
          { exactlyOnce: true },
        ),
      )
      await relay()
      trigger(1)
      await begun.opened
      plugin.handle()
      await workshop.emptied()
      expect(said.map(({ code }) => code)).toEqual(['EVENT_PLUGIN_GONE'])
      expect(await workshop.dataSource.manager.count(Part)).toBe(0)
      expect(await countRows(workshop.dataSource, 'InboxMessage')).toBe(0)
    })

    it('and put on anew is another one of that name, which goes on with what waits', async () => {
      const said = warnings()
      const [begun, hold] = [gate(), gate()]
      const first = workshop.register(new Working(() => (begun.open(), hold.opened)))
      await relay()
      await workshop.dataSource.transaction(async () => trigger(1, 1))
      await begun.opened
      first.handle()
      const second = workshop.register(new RecordingPlugin('working'))
      hold.open()
      await workshop.emptied()
      expect([first.ids, second.ids, said]).toEqual([[1], [1], []])
    })

    it('leaves its retries where they are, until it is there again', async () => {
      workshop.failures()
      const plugin = new Working((_, { attempt }) => {
        if (attempt === 1) throw new Error('not yet')
      })
      const { handle } = workshop.register(Object.assign(plugin, { delivery: { retry: { baseMs: 3_600_000, maxMs: 3_600_000 } } }))
      await relay()
      trigger(1)
      await until('it waits', async () => (await countRows(workshop.dataSource, 'OutboxDelivery')) === 1)
      handle()
      await until('the relay has it no more', async () => !(await announced()).includes('plugin:working'))
      await workshop.dataSource.query('UPDATE outbox_delivery SET available_at = 0')
      trigger(2)
      await until('both wait', async () => (await countRows(workshop.dataSource, 'OutboxDelivery')) === 2)
      expect(plugin.ids).toEqual([])
      const second = workshop.register(new RecordingPlugin('working'))
      await workshop.emptied()
      expect(second.ids.toSorted()).toEqual([1, 2])
    })
  })

  describe('has an abortSignal', () => {
    it('that aborts when the time of an attempt is over; the event is tried again', async () => {
      const failed = workshop.failures()
      const reasons: unknown[] = []
      const plugin = workshop.register(
        new Working(
          async (_, { abortSignal, attempt }) => {
            if (attempt! > 1) return
            await new Promise<void>((resolve) => abortSignal.addEventListener('abort', () => resolve()))
            reasons.push(abortSignal.reason)
            abortSignal.throwIfAborted()
          },
          { timeoutMs: 30 },
        ),
      )
      await relay()
      trigger(1)
      await workshop.emptied()
      expect(plugin.ids).toEqual([1])
      expect(reasons).toEqual([expect.objectContaining({ code: 'HANDLER_TIMEOUT' })])
      expect(failed.map(({ listener, error }) => [listener, (error as { code: string }).code])).toEqual([['working', 'HANDLER_TIMEOUT']])
    })

    it('that is the same at each look, is aborted at once where the plugin was taken off before, and is no more than that afterwards', async () => {
      const begun = gate()
      const calls: PluginCall[] = []
      const seen: unknown[] = []
      const hold = gate()
      const plugin = workshop.register(
        new Working(async (_, call) => {
          calls.push(call)
          begun.open()
          await hold.opened
          seen.push(call.abortSignal === call.abortSignal, call.abortSignal.aborted)
        }),
      )
      await relay()
      trigger(1)
      await begun.opened
      const { signal } = plugins.withSlug('working')!.controller
      plugin.handle()
      hold.open()
      await workshop.emptied()
      expect(seen).toEqual([true, true])
      expect(calls[0]!.abortSignal.aborted).toBe(true)
      expect(getEventListeners(signal, 'abort')).toEqual([])
    })

    it('that leaves nothing behind on the plugin, however often it is read, also after its attempt', async () => {
      const calls: PluginCall[] = []
      const listening: number[] = []
      const { signal } = (() => {
        workshop.register(
          new Working((_, call) => {
            calls.push(call)
            if (calls.length % 2 === 0) expect(call.abortSignal.aborted).toBe(false)
            listening.push(getEventListeners(signal, 'abort').length)
          }),
        )
        return plugins.withSlug('working')!.controller
      })()
      await relay()
      await workshop.dataSource.transaction(async () => trigger(...Array.from({ length: 1_000 }, (_, id) => id)))
      await workshop.emptied()
      expect(listening).toHaveLength(1_000)
      expect(Math.max(...listening)).toBeLessThanOrEqual(10) // as many as run side by side
      expect(listening.filter((count) => count > 0).length).toBeGreaterThan(0)
      expect(calls.map(({ abortSignal }) => abortSignal.aborted)).not.toContain(true)
      expect(getEventListeners(signal, 'abort')).toEqual([])
    })

    it('that is not made where nobody reads it', async () => {
      const plugin = workshop.register(new RecordingPlugin())
      await relay()
      trigger(0)
      await workshop.emptied()
      const { AbortController: Native } = globalThis
      const made = jest.spyOn(globalThis, 'AbortController').mockImplementation(() => new Native())
      const joined = jest.spyOn(AbortSignal, 'any')
      trigger(...Array.from({ length: 100 }, (_, id) => id))
      await workshop.emptied()
      expect(plugin.ids).toHaveLength(101)
      expect([made.mock.calls.length, joined.mock.calls.length]).toEqual([0, 0])
    })
  })
})

describe('a plugin for relays', () => {
  it.each([
    [{ timeoutMs: 0 }, 'OPTION_INVALID'],
    [{ timeoutMs: '30' }, 'OPTION_INVALID'],
    [{ concurrency: 0 }, 'OPTION_INVALID'],
    [{ retry: { attempts: 0 } }, 'OPTION_INVALID'],
    [{ retry: { tries: 3 } }, 'OPTION_UNKNOWN'],
    [{ retry: { baseMs: -1 } }, 'OPTION_INVALID'],
    [{ onDead: 'stop' }, 'OPTION_INVALID'],
    [{ exactlyOnce: 1 }, 'OPTION_INVALID'],
    [{ attempts: 3 }, 'OPTION_UNKNOWN'],
    [5, 'OPTION_INVALID'],
  ])('is refused where its delivery is %j', (delivery, code) => {
    const error = thrownBy(() => registerPlugin(Object.assign(new RecordingPlugin('bad'), { delivery }) as never))
    expect(error).toMatchObject({ code })
    expect(error.message).toContain('plugin "bad"')
    registerPlugin(new RecordingPlugin('bad'))()
  })

  it.each(['', ' a', 'a ', 'a'.repeat(94)])('is refused where its slug is %j, which the tables of an outbox could not keep', (slug) => {
    expect(thrownBy(() => registerPlugin(new RecordingPlugin(slug)))).toMatchObject({ code: 'EVENT_PLUGIN_INVALID' })
  })

  it('may have a slug of 93 characters', () => {
    registerPlugin(new RecordingPlugin('a'.repeat(93)))()
  })
})
