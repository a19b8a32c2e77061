/** Generic events where an outbox keeps them: in the transaction of the change, from what is net at its commit, by both ways in. */
import type { SessionExtensionInput } from 'flushpoint'
import { enablePluginEvents, registerPlugin, triggerEvent } from 'flushpoint/events'
import { GenericEvents, type GenericEventsOptions } from 'flushpoint/extensions'
import { Column, DeleteDateColumn, Entity, JoinTable, ManyToMany, PrimaryGeneratedColumn } from 'typeorm'
import { errorOf, sessionExtension } from '../support/chains.js'
import { recordStatements } from '../support/databases.js'
import { delivered, useEvents } from '../support/events.js'
import { make } from '../support/models.js'
import { dropMessages, isStoring, messagesOf, openOutbox } from '../support/outbox.js'
import { startRelay, until } from '../support/relays.js'
import { describeWays } from '../support/ways-in.js'
import { Category, newCategory, RecordingPlugin } from '../support/workshop.js'

@Entity('build_tag')
class Tag {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@Entity('build_order')
class Order {
  @PrimaryGeneratedColumn() id: number
  @Column({ default: 'open' }) state: string
  @DeleteDateColumn() deletedAt?: Date | null
  @ManyToMany(() => Tag) @JoinTable() tags?: Tag[]
}

const entities = [Order, Tag, Category]
const newOrder = () => make(Order, {})

describeWays('generic events in an outbox', (way) => {
  const events = useEvents()
  beforeEach(() => enablePluginEvents(true))
  afterEach(async () => {
    await delivered()
    enablePluginEvents(false)
  })

  const open = (options: GenericEventsOptions = {}, others: readonly SessionExtensionInput[] = []) =>
    openOutbox({}, { entities, around: (outbox) => [GenericEvents.with(options), ...others, outbox] })
  const linesOf = async (dataSource: Parameters<typeof messagesOf>[0]) => {
    await delivered()
    const stored = await messagesOf(dataSource)
    return stored.map(({ type, payload }) => `${type} ${String((payload as { id: unknown }).id)}`)
  }
  const clear = (dataSource: Parameters<typeof messagesOf>[0]) => dataSource.query('DELETE FROM outbox_message')

  // C12
  it('are there with the change, before any relay, told what row and about it', async () => {
    const dataSource = await open()
    const order = await way.save(dataSource, newOrder())
    expect(await messagesOf(dataSource)).toEqual([
      expect.objectContaining({
        kind: 'triggered',
        type: 'build_order.created',
        payload: { id: order.id, model: 'Order' },
        subject: `build_order:${order.id}`,
        partition_key: `build_order:${order.id}`,
      }),
    ])
  })

  it('are written in the transaction of the change, by one statement for all', async () => {
    const dataSource = await open()
    const { statements, stop } = recordStatements(dataSource)
    await way.transaction(dataSource, async ({ save }) => {
      await save([newOrder(), newOrder()])
      expect(statements.filter((statement) => isStoring(statement))).toEqual([])
    })
    stop()
    const place = (pattern: RegExp) => statements.findIndex(({ sql }) => pattern.test(sql))
    const stores = statements.filter((statement) => isStoring(statement))
    expect(stores).toHaveLength(1)
    expect(place(/INSERT INTO .?\w*.*build_order/)).toBeLessThan(statements.indexOf(stores[0]!))
    expect(statements.indexOf(stores[0]!)).toBeLessThan(place(/^COMMIT/))
    expect(statements.filter(({ sql }) => /^COMMIT/.test(sql))).toHaveLength(1)
  })

  it('go with a rollback, also where they are what fails', async () => {
    const dataSource = await openOutbox({}, { entities, hasOwnDatabase: true, around: (outbox) => [GenericEvents, outbox] })
    await errorOf(
      way.transaction(dataSource, async ({ save }) => {
        await save(newOrder())
        throw new Error('no')
      }),
    )
    expect(await linesOf(dataSource)).toEqual([])
    await dropMessages(dataSource)
    expect((await errorOf(way.save(dataSource, newOrder()))).message).toContain('outbox_message')
    expect(await dataSource.manager.count(Order)).toBe(0)
  })

  it('tell nothing of a savepoint that was rolled back', async () => {
    const dataSource = await open()
    const ids: number[] = []
    await way.transaction(dataSource, async (work) => {
      ids.push((await work.save(newOrder())).id)
      await errorOf(
        work.transaction(async (inner) => {
          const undone = await inner.save(newOrder())
          inner.giveUp(undone)
          throw new Error('no')
        }),
      )
      ids.push((await work.save(newOrder())).id)
    })
    expect(await linesOf(dataSource)).toEqual(ids.map((id) => `build_order.created ${id}`))
  })

  it('tell each row once, by what is net at the commit', async () => {
    const dataSource = await open()
    const [changed, removed] = await way.save(dataSource, [newOrder(), newOrder()])
    const removedId = removed!.id
    await clear(dataSource)
    const made = await way.transaction(dataSource, async ({ save, remove, softRemove }) => {
      const order = await save(newOrder())
      order.state = 'issued'
      await save(order)
      await remove(await save(newOrder()))
      changed!.state = 'issued'
      await save(changed!)
      await softRemove(changed!)
      await remove(removed!)
      return order
    })
    expect((await linesOf(dataSource)).toSorted()).toEqual(
      [`build_order.created ${made.id}`, `build_order.deleted ${removedId}`, `build_order.saved ${changed!.id}`].toSorted(),
    )
  })

  it('tell of rows that a hook before the commit writes, and of no row twice for it', async () => {
    class Late extends sessionExtension({}) {
      #isOver = false
      override beforeCommit() {
        const [first] = this.session.journal
        if (this.#isOver || first === undefined) return
        this.#isOver = true
        this.session.add(Object.assign(first.entity, { state: 'late' }), make(Tag, { name: 'late' }))
      }
    }
    const dataSource = await open({}, [Late])
    const order = await way.transaction(dataSource, ({ save }) => save(newOrder()))
    expect(await dataSource.manager.find(Order, { select: { id: true, state: true } })).toEqual([
      expect.objectContaining({ id: order.id, state: 'late' }),
    ])
    const [tag] = await dataSource.manager.find(Tag)
    expect((await linesOf(dataSource)).toSorted()).toEqual([`build_order.created ${order.id}`, `build_tag.created ${tag!.id}`])
  })

  // C17
  it('leave out tables by the beginning of their names and by whole names, and these alone', async () => {
    const dataSource = await open({ exclude: [' BUILD_* '] })
    await way.transaction(dataSource, async ({ save }) => {
      await save([newOrder(), make(Tag, { name: 't' })])
      triggerEvent('test.event', { id: 1 })
    })
    expect(await linesOf(dataSource)).toEqual(['test.event 1'])
    const other = await open({ exclude: ['Build_Tag'] })
    await way.save(other, [newOrder(), make(Tag, { name: 't' })])
    expect((await linesOf(other)).map((line) => line.split(' ')[0])).toEqual(['build_order.created'])
  })

  it('are told once where the extension is listed twice, by whichever does not leave the table out', async () => {
    const extensions = [GenericEvents.with({ exclude: ['build_tag'] }), GenericEvents]
    const dataSource = await openOutbox({}, { entities, around: (outbox) => [...extensions, outbox] })
    const names = async () => (await linesOf(dataSource)).map((line) => line.split(' ')[0]).toSorted()
    await way.save(dataSource, [newOrder(), make(Tag, { name: 't' })])
    expect(await names()).toEqual(['build_order.created', 'build_tag.created'])
    await clear(dataSource)
    await way.save(dataSource, [newOrder(), make(Tag, { name: 't' })])
    expect(await names()).toEqual(['build_order.created', 'build_tag.created'])
  })

  // C19
  it('leave out rows without an id, but tell that they are deleted, with null', async () => {
    const dataSource = await open()
    const category = await way.save(dataSource, newCategory('c'))
    expect(await linesOf(dataSource)).toEqual([])
    await way.remove(dataSource, category)
    expect(await messagesOf(dataSource)).toEqual([
      expect.objectContaining({ type: 'part_category.deleted', payload: { id: null, model: 'Category' }, partition_key: null }),
    ])
  })

  // C16
  it('tell rows of statements by query in the transaction of these, where they were asked to', async () => {
    const dataSource = await open({ bulk: true })
    const { statements, stop } = recordStatements(dataSource)
    await way.manager(dataSource, (manager) => manager.insert(Order, [{ state: 'a' }, { state: 'a' }]))
    stop()
    const stored = statements.findIndex((statement) => isStoring(statement))
    expect(statements.slice(stored).filter(({ sql }) => /^COMMIT/.test(sql))).toHaveLength(1)
    expect(statements.slice(0, stored).filter(({ sql }) => /^COMMIT/.test(sql))).toEqual([])
    const ids = (await dataSource.manager.find(Order, { order: { id: 'ASC' } })).map(({ id }) => id)
    expect(await linesOf(dataSource)).toEqual(ids.map((id) => `build_order.created ${id}`))
    await clear(dataSource)
    await way.manager(dataSource, (manager) => manager.update(Order, { state: 'a' }, { state: 'b' }))
    await way.manager(dataSource, (manager) => manager.delete(Order, ids[0]!))
    expect(await linesOf(dataSource)).toEqual([...ids.map((id) => `build_order.saved ${id}`), `build_order.deleted ${ids[0]}`])
  })

  it('leave out rows of junctions: their owner is saved', async () => {
    const dataSource = await open()
    const tag = await way.save(dataSource, make(Tag, { name: 't' }))
    const order = await way.save(dataSource, newOrder())
    await clear(dataSource)
    const loaded = await way.load(dataSource, Order, { id: order.id }, 'tags')
    loaded.tags = [await way.load(dataSource, Tag, { id: tag.id })]
    await way.save(dataSource, loaded)
    expect(await linesOf(dataSource)).toEqual([`build_order.saved ${order.id}`])
  })

  it('are not kept while plugin events are off', async () => {
    const dataSource = await open()
    enablePluginEvents(false)
    await way.save(dataSource, newOrder())
    expect(await linesOf(dataSource)).toEqual([])
  })

  it('are delivered in this process where the outbox does not keep their names', async () => {
    const plugin = new RecordingPlugin('here')
    events.keep(registerPlugin(plugin))
    const dataSource = await openOutbox({ events: ['other.*'] }, { entities, around: (outbox) => [GenericEvents, outbox] })
    const order = await way.transaction(dataSource, async ({ save }) => {
      const saved = await save(newOrder())
      await delivered()
      expect(plugin.lines).toEqual([])
      return saved
    })
    await delivered()
    expect(plugin.lines).toEqual([`build_order.created ${order.id}`])
    expect(await messagesOf(dataSource)).toEqual([])
  })

  it('come to plugins in the order of each row, whatever the session', async () => {
    const plugin = new RecordingPlugin('here')
    events.keep(registerPlugin(plugin))
    const dataSource = await open()
    const order = await way.save(dataSource, newOrder())
    const { id } = order
    for (const state of ['a', 'b', 'c']) {
      order.state = state
      await way.save(dataSource, order)
    }
    await way.remove(dataSource, order)
    await startRelay(dataSource)
    await until('all are processed', () => plugin.lines.length === 5)
    expect(plugin.lines).toEqual(['created', 'saved', 'saved', 'saved', 'deleted'].map((what) => `build_order.${what} ${id}`))
  })
})

describeWays('generic events of work that waits for the commit', (way) => {
  beforeEach(() => enablePluginEvents(true))
  afterEach(() => enablePluginEvents(false))

  it('are what is net with it: neither a second event for a row, nor any for one that comes and goes', async () => {
    const dataSource = await openOutbox({}, { entities, around: (outbox) => [GenericEvents, outbox] })
    const made = await way.transaction(dataSource, async ({ save, session }) => {
      const [order, gone] = await save([newOrder(), newOrder()])
      order!.state = 'issued' // left to the commit
      if (way.isSession) session.delete(gone!)
      return order!
    })
    const stored = await messagesOf(dataSource)
    const ids = stored.map(({ type, payload }) => [type, (payload as { id: number }).id] as const)
    expect(ids.filter(([, id]) => id === made.id)).toEqual([['build_order.created', made.id]])
    expect(ids).toHaveLength(way.isSession ? 1 : 2)
  })
})
