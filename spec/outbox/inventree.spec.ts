/** What InvenTree promises its plugins, kept by an outbox and a relay; the rows of `reference/events.md`, part C. */
import { withoutExtensions } from 'flushpoint'
import { batchEvents, enablePluginEvents, EventPlugin, triggerEvent, type PluginEvent } from 'flushpoint/events'
import { GenericEvents } from 'flushpoint/extensions'
import { triggerNamed } from '../../lib/events/trigger-event.js'
import { errorOf } from '../support/chains.js'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { gate, thrownBy, warnings } from '../support/events.js'
import { isStoring, messagesOf } from '../support/outbox.js'
import { countRows, SOON, until } from '../support/relays.js'
import { describeWays } from '../support/ways-in.js'
import * as shop from '../support/workshop.js'

const { Build, Part, RecordingPlugin } = shop
type RecordingPlugin = shop.RecordingPlugin
const TEN = Array.from({ length: 10 }, (_, index) => index)
const trigger = (...ids: readonly number[]) => ids.forEach((id) => triggerEvent('test.event', { id }))

describeDatabase('a plugin, told by a relay,', () => {
  const workshop = shop.useWorkshop()
  beforeEach(async () => {
    await workshop.open()
    await workshop.relay({ settleMs: 10_000 }) // what is read stays in hand
  })
  afterEach(() => jest.restoreAllMocks())

  // C01 C07
  it('processes every event, whatever its name', async () => {
    const plugin = workshop.register(new RecordingPlugin())
    expect(EventPlugin.prototype.wantsProcessEvent('whatever')).toBe(true)
    triggerEvent('test.event', {})
    triggerEvent('test.some.other.event', { id: 2 })
    await workshop.emptied()
    expect(plugin.processed).toEqual([
      { name: 'test.event', payload: {} },
      { name: 'test.some.other.event', payload: { id: 2 } },
    ])
  })

  // C02
  it('is refused without processEvent, and the others go on', async () => {
    const plugin = workshop.register(new RecordingPlugin())
    class Without extends (EventPlugin as unknown as new () => object) {
      readonly slug = 'without'
    }
    expect(thrownBy(() => workshop.register(new Without() as RecordingPlugin))).toMatchObject({ code: 'EVENT_PLUGIN_INVALID' })
    trigger(1)
    await workshop.emptied()
    expect(plugin.ids).toEqual([1])
  })

  // C03 C04
  it('processes what it wants, and nothing is kept for it of the rest', async () => {
    const plugin = workshop.register(new RecordingPlugin('filtered', (name) => name === 'test.event'))
    const { statements, clear, stop } = recordStatements(workshop.dataSource)
    triggerEvent('test.event', { id: 1 })
    await workshop.emptied()
    clear()
    triggerEvent('test.some.other.event', { id: 2 })
    await workshop.emptied()
    stop()
    expect(plugin.lines).toEqual(['test.event 1'])
    expect(statements.filter(({ sql }) => /INSERT.*outbox_delivery/s.test(sql))).toEqual([])
  })

  // C05
  it('hears nothing while plugin events are off, and nothing is kept', async () => {
    const plugin = workshop.register(new RecordingPlugin())
    enablePluginEvents(false)
    trigger(1)
    await workshop.emptied()
    enablePluginEvents(true)
    trigger(2)
    await workshop.emptied()
    expect(plugin.ids).toEqual([2])
  })

  // C06
  it('that is not active hears nothing, also of what is told before it is switched on', async () => {
    const plugin = workshop.register(new RecordingPlugin(), { active: false })
    trigger(1)
    await workshop.emptied()
    plugin.handle.active = true
    trigger(2)
    await workshop.emptied()
    expect(plugin.ids).toEqual([2])
  })

  // C08
  it('is one of two: each gets a delivery of its own', async () => {
    const [first, second] = ['first', 'second'].map((slug) => workshop.register(new RecordingPlugin(slug)))
    const hold = gate()
    jest.spyOn(first!, 'processEvent').mockImplementation(() => hold.opened)
    trigger(1)
    await until('the second has it', () => second!.ids.length === 1)
    expect(first!.processEvent).toHaveBeenCalledTimes(1)
    hold.open()
    await workshop.emptied()
    expect(second!.ids).toEqual([1])
    expect(first!.processEvent).toHaveBeenCalledTimes(1)
  })

  // C09
  it('that throws is told of with its slug, and tried again up to its attempts; another plugin is not affected', async () => {
    const failed = workshop.failures()
    class Bad extends RecordingPlugin {
      override readonly delivery = { retry: { ...SOON, attempts: 3 } }
      override processEvent(event: PluginEvent): void {
        void super.processEvent(event)
        throw new Error('no')
      }
    }
    const [bad, good] = [workshop.register(new Bad('bad')), workshop.register(new RecordingPlugin('good'))]
    trigger(1)
    await until('it is given up', () => failed.length === 3)
    expect([bad.ids, good.ids]).toEqual([[1, 1, 1], [1]])
    expect(failed.map(({ listener, kind, error }) => [listener, kind, error])).toEqual(failed.map(() => ['bad', 'plugin', new Error('no')]))
    expect(await countRows(workshop.dataSource, 'OutboxDelivery')).toBe(1)
  })

  // C10
  it('that is taken off between is left out: a warning, no error, no further attempt', async () => {
    const [said, failed] = [warnings(), workshop.failures()]
    const plugin = workshop.register(new RecordingPlugin('gone'))
    const [begun, hold] = [gate(), gate()]
    jest.spyOn(plugin, 'processEvent').mockImplementation(async () => {
      begun.open()
      await hold.opened
    })
    await workshop.dataSource.transaction(async () => trigger(7, 7)) // of one key: the second waits for the first
    await begun.opened
    plugin.handle()
    hold.open()
    await workshop.emptied()
    expect(plugin.processEvent).toHaveBeenCalledTimes(1)
    expect(failed).toEqual([])
    expect(said).toEqual([{ code: 'EVENT_PLUGIN_GONE', message: 'The plugin "gone" was taken off before it could process "test.event"' }])
  })

  // C11: there the whole registration fails and is tried again; here the plugin alone is left out
  it('whose filter throws is left out and told of; the others get the event', async () => {
    const failed = workshop.failures()
    const filter = () => {
      throw new Error('no')
    }
    const [bad, good] = [workshop.register(new RecordingPlugin('bad', filter)), workshop.register(new RecordingPlugin('good'))]
    trigger(1)
    await workshop.emptied()
    expect([bad.ids, good.ids]).toEqual([[], [1]])
    expect(failed.map(({ listener, kind, error }) => [listener, kind, error])).toEqual([['bad', 'plugin', new Error('no')]])
  })

  // C20
  it('is told the member of an enumeration as its text, with blanks at the ends cut off', async () => {
    enum Names {
      Tested = 'test.event',
    }
    const plugin = workshop.register(new RecordingPlugin())
    triggerEvent(Names.Tested, { id: 1 })
    triggerNamed({ toString: () => ' test.event\n' }, { id: 2 })
    await workshop.emptied()
    expect(plugin.lines).toEqual(['test.event 1', 'test.event 2'])
  })

  // C21 C22
  it('gets ten events of a batch in their order, all kept by one statement; an empty batch keeps nothing', async () => {
    const plugin = workshop.register(new RecordingPlugin())
    const { statements, stop } = recordStatements(workshop.dataSource)
    batchEvents(() => trigger(...TEN))
    await workshop.emptied()
    batchEvents(() => undefined)
    await workshop.emptied()
    stop()
    expect(plugin.lines.toSorted()).toEqual(TEN.map((id) => `test.event ${id}`))
    expect(statements.filter((statement) => isStoring(statement))).toHaveLength(1)
  })

  // C26
  it('is told at once what is triggered outside of a batch', async () => {
    const plugin = workshop.register(new RecordingPlugin())
    await batchEvents(async () => {
      trigger(1)
      await Promise.resolve()
      expect(await messagesOf(workshop.dataSource)).toEqual([])
    })
    trigger(2)
    await workshop.emptied()
    expect(plugin.ids.toSorted()).toEqual([1, 2])
  })

  // C31
  it('that is switched off is told of as plugin_activated, where that changes something', async () => {
    const watcher = workshop.register(new RecordingPlugin('watcher', () => true))
    const { handle } = workshop.register(new RecordingPlugin('switched', () => false))
    handle.active = true
    await workshop.emptied()
    expect(watcher.names).not.toContain('plugin_activated')
    handle.active = false
    handle.active = false
    await workshop.emptied()
    expect(watcher.processed.at(-1)).toEqual({ name: 'plugin_activated', payload: { slug: 'switched', active: false } })
    expect(watcher.names.filter((name) => name === 'plugin_activated')).toHaveLength(1)
  })

  // C32
  it('is told that plugins are loaded, without a payload', async () => {
    enablePluginEvents(false)
    const plugin = workshop.register(new RecordingPlugin('sample', () => true))
    enablePluginEvents(true)
    await workshop.emptied()
    expect(plugin.processed).toEqual([{ name: 'plugins_loaded', payload: undefined }])
  })

  // C33
  it('is told nothing of what a migration does, or a backup', async () => {
    const plugin = workshop.register(new RecordingPlugin())
    await withoutExtensions(() => workshop.dataSource.transaction(async () => trigger(1)))
    withoutExtensions(() => trigger(2))
    trigger(3)
    await workshop.emptied()
    expect(plugin.ids).toEqual([3])
  })
})

describeWays('the workshop tells plugins, by a relay,', (way) => {
  const workshop = shop.useWorkshop()
  const { save, transaction, load, remove } = way
  let plugin: RecordingPlugin

  beforeEach(async () => {
    await workshop.open({}, [GenericEvents.with({ exclude: [' STOCK_* '] })])
    await workshop.relay()
    plugin = workshop.register(new RecordingPlugin())
  })

  const told = async () => {
    await workshop.emptied()
    return plugin.processed.splice(0)
  }
  const lines = async () => {
    await workshop.emptied()
    const { lines } = plugin
    plugin.processed.length = 0
    return lines
  }

  // C12
  it('that a build is created, with its id and model', async () => {
    const build = await save(workshop.dataSource, shop.newBuild())
    expect(await told()).toEqual([{ name: 'build_build.created', payload: { id: build.id, model: 'Build' } }])
  })

  // C13
  it('that a build is issued, with its id', async () => {
    const { dataSource } = workshop
    await save(dataSource, shop.newBuild())
    await told()
    const build = await load(dataSource, Build, { state: 'pending' })
    await transaction(dataSource, (work) => shop.issueBuild(work, build))
    const events = await told()
    expect(events).toContainEqual({ name: 'build.issued', payload: { id: build.id } })
    expect(events).toContainEqual({ name: 'build_build.saved', payload: { id: build.id, model: 'Build' } })
    expect(events).toHaveLength(2)
  })

  // C14 C15
  it('that a part is changed, not created; and that it is deleted, once it is gone', async () => {
    const { dataSource } = workshop
    const { id } = await save(dataSource, shop.newPart('bolt'))
    expect(await lines()).toEqual([`part_part.created ${id}`])
    const part = await load(dataSource, Part, { name: 'bolt' })
    part.name = 'nut'
    await save(dataSource, part)
    expect(await told()).toEqual([{ name: 'part_part.saved', payload: { id, model: 'Part' } }])
    let left: number | undefined
    jest.spyOn(plugin, 'processEvent').mockImplementationOnce(async (event) => {
      left = await dataSource.manager.count(Part)
      plugin.processed.push(event)
    })
    await remove(dataSource, part)
    expect(await told()).toEqual([{ name: 'part_part.deleted', payload: { id, model: 'Part' } }])
    expect(left).toBe(0)
  })

  // C16
  it('that fifty rows are created, each for itself, and none as saved', async () => {
    const builds = await save(
      workshop.dataSource,
      Array.from({ length: 50 }, () => shop.newBuild()),
    )
    expect((await lines()).toSorted()).toEqual(builds.map(({ id }) => `build_build.created ${id}`).toSorted())
  })

  // C17
  it('nothing generic of tables that are excluded, in any letter case and padded', async () => {
    const { dataSource } = workshop
    const [item] = await save(dataSource, [shop.newItem(1, 3), shop.newBuild()] as const)
    expect((await told()).map(({ name }) => name)).toEqual(['build_build.created'])
    await transaction(dataSource, (work) => shop.splitItem(work, item, [1]))
    expect((await told()).map(({ name }) => name)).toEqual(['stockitem.split'])
  })

  // C19
  it('nothing of rows without an id, but that they are deleted, with null', async () => {
    const { dataSource } = workshop
    await save(dataSource, shop.newCategory('c'))
    const category = await load(dataSource, shop.Category, { code: 'c' })
    category.title = 'some'
    await save(dataSource, category)
    expect(await told()).toEqual([])
    await remove(dataSource, category)
    expect(await told()).toEqual([{ name: 'part_category.deleted', payload: { id: null, model: 'Category' } }])
  })

  // C18 C33
  it('nothing of what is imported', async () => {
    await withoutExtensions(() => save(workshop.dataSource, shop.newBuild()))
    await save(workshop.dataSource, shop.newPart())
    expect((await told()).map(({ name }) => name)).toEqual(['part_part.created'])
  })

  // C23 C24
  it('what a batch has triggered in a transaction, after its commit and in its order', async () => {
    const { dataSource } = workshop
    const calls = ['a', 'b', 'a', 'a', 'b', 'a', 'b', 'a'] as const
    const { statements, stop } = recordStatements(dataSource)
    await transaction(dataSource, async (work) => {
      await work.save(shop.newItem(1))
      await batchEvents(async () => {
        await Promise.resolve()
        calls.forEach((name, id) => triggerEvent(`event.${name}`, { id, partitionKey: 'batch' } as { id: number }))
      })
      expect(statements.filter((statement) => isStoring(statement))).toEqual([])
    })
    expect(statements.filter((statement) => isStoring(statement))).toHaveLength(1)
    stop()
    expect(await lines()).toEqual(calls.map((name, id) => `event.${name} ${id}`))
  })

  // C25 C28
  it('nothing of a transaction that is rolled back, with a batch or without', async () => {
    const { dataSource } = workshop
    const failing = (fn: () => unknown) =>
      errorOf(
        transaction(dataSource, async (work) => {
          await work.save(shop.newPart())
          await fn()
          throw new Error('no')
        }),
      )
    await failing(() => trigger(1))
    await failing(() => batchEvents(() => trigger(2)))
    await failing(() =>
      batchEvents(() => {
        trigger(3)
        throw new Error('no')
      }),
    )
    trigger(4)
    expect(await lines()).toEqual(['test.event 4'])
    expect(await dataSource.manager.count(Part)).toBe(0)
  })

  // C27
  it('both events of a batch inside another one, kept by one statement', async () => {
    const { dataSource } = workshop
    const { statements, stop } = recordStatements(dataSource)
    await batchEvents(async () => {
      await batchEvents(async () => {
        trigger(1)
        await Promise.resolve()
      })
      trigger(2)
      expect(await messagesOf(dataSource)).toEqual([])
    })
    expect((await lines()).toSorted()).toEqual(['test.event 1', 'test.event 2'])
    stop()
    expect(statements.filter((statement) => isStoring(statement))).toHaveLength(1)
  })

  // C29
  it('each item that is split off, and each that is installed, one by one', async () => {
    const { dataSource } = workshop
    const [item, build] = await save(dataSource, [shop.newItem(3, 10), shop.newBuild()] as const)
    await told()
    const children = await transaction(dataSource, (work) => shop.splitItem(work, item, [2, 3]))
    expect((await told()).toSorted(byId)).toEqual(
      children.map(({ id }) => ({ name: 'stockitem.split', payload: { id, parent: item.id } })).toSorted(byId),
    )
    await transaction(dataSource, (work) => shop.completeBuild(work, build, children))
    const events = await told()
    expect(events.filter(({ name }) => name === 'stockitem.installed').map(idOf)).toEqual(children.map(({ id }) => id))
    expect(events.map(({ name }) => name).toSorted()).toEqual([
      'build.completed',
      'build_build.saved',
      'stockitem.installed',
      'stockitem.installed',
    ])
  })
})

describeWays('serialised items', (way) => {
  const workshop = shop.useWorkshop()

  // C30
  it('that are created by one statement are told as one event with their ids, and none by itself', async () => {
    await workshop.open({}, [GenericEvents])
    await workshop.relay()
    const plugin = workshop.register(new RecordingPlugin())
    const serials = TEN.map((number) => `SN${number}`)
    const ids = await way.transaction(workshop.dataSource, (work) => shop.createSerialised(work, 3, serials))
    await workshop.emptied()
    const rows = await workshop.dataSource.manager.find(shop.StockItem, { order: { id: 'ASC' } })
    expect(rows.map(({ serial }) => serial)).toEqual(serials)
    expect(ids).toEqual(rows.map(({ id }) => id))
    expect(plugin.processed).toEqual([{ name: 'stockitem.created_items', payload: { ids } }])
  })
})

const idOf = ({ payload }: PluginEvent) => (payload as { id: number }).id
const byId = (a: PluginEvent, b: PluginEvent) => idOf(a) - idOf(b)
