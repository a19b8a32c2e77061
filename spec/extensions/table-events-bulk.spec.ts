/**
 * TableEvents: statements by query, by both ways in.
 *
 * @module
 */
import { sessionSubscriber, withContext, withoutExtensions, type SessionExtensionInput } from 'flushpoint'
import { UpsertRowsEvent } from 'flushpoint/events'
import { TableEvents, type TableEventsOptions } from 'flushpoint/extensions'
import { In } from 'typeorm'
import { Animal, bulkLog, BULK_ENTITIES, Dog, Item, Shelf } from '../support/bulk-log.js'
import { closeDataSources, openOnUsedTables, recordStatements } from '../support/databases.js'
import { make } from '../support/models.js'
import { databaseOf } from '../support/schema-log.js'
import { errorOf } from '../support/sessions.js'
import { useEvents } from '../support/tracked-events.js'
import { describeWays } from '../support/ways-in.js'

describeWays('a statement by query', (way) => {
  const tracked = useEvents()
  afterEach(closeDataSources)

  async function open(options?: TableEventsOptions, ...others: readonly SessionExtensionInput[]) {
    const extensions = [...others, options === undefined ? TableEvents : TableEvents.with(options)]
    const dataSource = await openOnUsedTables({ entities: BULK_ENTITIES, subscribers: [sessionSubscriber({ extensions })] })
    const items = ['apple', 'pear', 'plum'].map((name) => make(Item, { name }))
    await withoutExtensions(() => dataSource.manager.save(items))
    await tracked.events()
    return { dataSource, ids: items.map(({ id }) => id) }
  }

  // B10, B11
  it('that inserts rows is one insert-rows, with their number', async () => {
    const { dataSource } = await open()
    await way.manager(dataSource, (manager) => manager.insert(Item, { name: 'fig' }))
    await way.manager(dataSource, (manager) =>
      manager.insert(
        Item,
        Array.from({ length: 20 }, (_none, index) => ({ name: `n${index}` })),
      ),
    )
    const events = await tracked.events()
    expect(events.map((event) => event.properties())).toEqual(
      [1, 20].map((num_rows) => ({ database: databaseOf(dataSource), table: 'item', num_rows, ignore: false, replace: false })),
    )
  })

  // B12
  it('that ignores or replaces rows which exist already says so, and counts what was asked for', async () => {
    const { dataSource, ids } = await open()
    const apple = () => [{ id: ids[0]!, name: 'apple', stock: 9 }]
    await way.manager(dataSource, (manager) => manager.createQueryBuilder().insert().into(Item).values(apple()).orIgnore().execute())
    await way.manager(dataSource, (manager) =>
      manager.createQueryBuilder().insert().into(Item).values(apple()).orUpdate(['stock'], ['name']).execute(),
    )
    expect(await tracked.told()).toEqual(['insert-rows item 1 ignore', 'insert-rows item 1 replace'])
    expect(await dataSource.manager.countBy(Item, { name: 'apple', stock: 9 })).toBe(1)
  })

  // B15
  it('that upserts rows is one upsert-rows', async () => {
    const { dataSource } = await open()
    await way.manager(dataSource, (manager) => manager.upsert(Item, [{ name: 'apple', stock: 1 }, { name: 'fig' }], ['name']))
    const [event, ...others] = await tracked.events()
    expect(others).toEqual([])
    expect(event).toBeInstanceOf(UpsertRowsEvent)
    expect(event!.properties()).toEqual({ database: databaseOf(dataSource), table: 'item', num_rows: 2 })
  })

  // B16
  it('that updates rows by their keys is one update-row for each, by the actor of the call', async () => {
    const { dataSource, ids } = await open()
    await withContext({ actor: { id: 'root' } }, () => way.manager(dataSource, (manager) => manager.update(Item, ids[0]!, { stock: 7 })))
    await way.manager(dataSource, (manager) => manager.update(Item, [ids[1]!, ids[2]!] as never, { stock: 8 }))
    const events = await tracked.events()
    expect(events.map(({ actor }) => actor)).toEqual([{ id: 'root' }, null, null])
    expect(events.map((event) => event.properties()['pks'])).toEqual(ids.map((id) => [String(id)]))
  })

  // B18
  it('that deletes a row by its key is one delete-row; softDelete and restore are updates', async () => {
    const { dataSource, ids } = await open()
    await way.manager(dataSource, (manager) => manager.softDelete(Item, ids[0]!))
    await way.manager(dataSource, (manager) => manager.restore(Item, ids[0]!))
    await way.manager(dataSource, (manager) => manager.delete(Item, ids[0]!))
    expect(await tracked.told()).toEqual(['update-row', 'update-row', 'delete-row'].map((name) => `${name} item [${ids[0]}]`))
  })

  it('that meets no row tells nothing', async () => {
    const { dataSource } = await open()
    await way.manager(dataSource, (manager) => manager.delete(Item, 4711))
    await way.manager(dataSource, (manager) => manager.update(Item, { name: 'kiwi' }, { stock: 1 }))
    expect(await tracked.told()).toEqual([])
  })

  it('that inserts an empty list tells nothing', async () => {
    const { dataSource } = await open()
    await way.manager(dataSource, (manager) => manager.insert(Item, []))
    await way.manager(dataSource, (manager) => manager.upsert(Item, [], ['name']))
    expect(await tracked.told()).toEqual([])
    expect(await dataSource.manager.count(Item)).toBe(3)
  })

  it('whose rows are not known is told once, without keys', async () => {
    const { dataSource, ids } = await open()
    await way.manager(dataSource, (manager) => manager.update(Item, { name: In(['apple', 'pear']) }, { stock: 7 }))
    await way.manager(dataSource, (manager) => manager.delete(Item, [ids[0]!, 4711]))
    expect(await tracked.told()).toEqual(['update-row item []', 'delete-row item []'])
  })

  it('whose images are asked for is told once for each row, and reads their keys', async () => {
    const { dataSource, ids } = await open({ images: true })
    await way.manager(dataSource, (manager) => manager.update(Item, { name: In(['apple', 'pear']) }, { stock: 7 }))
    await way.manager(dataSource, (manager) => manager.delete(Item, { stock: 7 }))
    const [apple, pear] = ids
    expect(await tracked.told()).toEqual([
      ...[`update-row item [${apple}]`, `update-row item [${pear}]`],
      ...[`delete-row item [${apple}]`, `delete-row item [${pear}]`],
    ])
  })

  it('whose images somebody else asked for is told once for each row, and not again by the flush after it', async () => {
    const { dataSource, ids } = await open(undefined, bulkLog('keys').extension)
    await way.transaction(dataSource, async ({ manager, save }) => {
      await manager.update(Item, { name: In(['apple', 'pear']) }, { stock: 7 })
      await save(make(Shelf, { name: 'top' }))
    })
    const [apple, pear] = ids
    expect(await tracked.told()).toEqual([`update-row item [${apple}]`, `update-row item [${pear}]`, 'insert-rows shelf 1'])
  })

  it('carries old and new values where they were asked for', async () => {
    const { dataSource, ids } = await open({ changes: true })
    await way.manager(dataSource, (manager) => manager.update(Item, { name: 'apple' }, { stock: 7 }))
    await way.manager(dataSource, (manager) => manager.insert(Item, { name: 'fig', stock: 2 }))
    const [updated, inserted] = await tracked.events()
    const key = { id: ids[0] }
    const apple = { ...key, name: 'apple', deletedAt: null }
    expect(updated!.properties()['changes']).toEqual([{ key, before: { ...apple, stock: 0 }, after: { ...apple, stock: 7 } }])
    expect(inserted!.properties()).toMatchObject({ num_rows: 1, changes: [{ before: null, after: { name: 'fig', stock: 2 } }] })
  })

  it('whose images cannot be had is told without them', async () => {
    const { dataSource, ids } = await open({ changes: true })
    const inserted = { id: ids[0]!, name: 'apple' }
    await way.manager(dataSource, (manager) => manager.createQueryBuilder().insert().into(Item).values(inserted).orIgnore().execute())
    const [event] = await tracked.events()
    expect(event!.properties()).toMatchObject({ num_rows: 1, ignore: true })
    expect(event!.properties()).not.toHaveProperty('changes')
  })

  it('of a junction tells its table, and of an inheritance the one table', async () => {
    const { dataSource, ids } = await open()
    const shelf = await withoutExtensions(() => dataSource.manager.save(make(Shelf, { name: 'top' })))
    await way.manager(dataSource, (manager) => manager.createQueryBuilder().relation(Item, 'shelves').of(ids[0]).add(shelf.id))
    await way.manager(dataSource, (manager) => manager.insert(Dog, { name: 'Rex' }))
    await way.manager(dataSource, (manager) => manager.delete(Animal, { name: 'Rex' }))
    expect(await tracked.told()).toEqual(['insert-rows item_shelves_shelf 1', 'insert-rows animal 1', 'delete-row animal []'])
  })

  it('is told once where the extension is listed twice', async () => {
    const { dataSource, ids } = await open({ changes: true }, TableEvents)
    await way.transaction(dataSource, async ({ manager, save }) => {
      await manager.update(Item, { name: In(['apple', 'pear']) }, { stock: 7 })
      await save(make(Shelf, { name: 'top' }))
    })
    const [apple, pear] = ids
    expect(await tracked.told()).toEqual([`update-row item [${apple}]`, `update-row item [${pear}]`, 'insert-rows shelf 1'])
  })

  // B17
  it('that fails tells nothing, and neither does one that is rolled back', async () => {
    const { dataSource, ids } = await open()
    await errorOf(way.manager(dataSource, (manager) => manager.insert(Item, { name: 'apple' })))
    const failing = way.transaction(dataSource, async ({ manager }) => {
      await manager.delete(Item, ids[0]!)
      throw new Error('no')
    })
    await errorOf(failing)
    expect(await tracked.told()).toEqual([])
  })

  it('takes its place among flushes', async () => {
    const { dataSource, ids } = await open()
    await way.transaction(dataSource, async ({ manager, save }) => {
      await save(make(Shelf, { name: 'top' }))
      await manager.update(Item, ids[0]!, { stock: 1 })
      await save(make(Shelf, { name: 'low' }))
    })
    expect(await tracked.told()).toEqual(['insert-rows shelf 1', `update-row item [${ids[0]}]`, 'insert-rows shelf 1'])
  })

  it('on an excluded table tells nothing and reads nothing', async () => {
    const { dataSource } = await open({ exclude: ['item'], changes: true })
    const recording = recordStatements(dataSource)
    await way.manager(dataSource, (manager) => manager.update(Item, { name: 'apple' }, { stock: 7 }))
    recording.stop()
    expect(await tracked.told()).toEqual([])
    expect(recording.sql().filter((sql) => sql.startsWith('SELECT'))).toEqual([])
  })
})
