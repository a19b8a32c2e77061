/**
 * Writes by query: beforeBulk and afterBulk run once with what the statement says and how many rows it changed.
 *
 * @module
 */
import { MapperExtension, mapper, SessionExtension, sessionOf, withoutExtensions, type BulkStatement } from 'flushpoint'
import { Brackets, In } from 'typeorm'
import { BULK_ENTITIES, bulkLog, Dog, Animal, Cat, factsOf, Item, Shelf } from '../support/bulk-log.js'
import { closeAll, describeDatabase, recordStatements } from '../support/databases.js'
import { make } from '../support/models.js'
import { errorOf, openLogged } from '../support/transaction-log.js'

const heardByMapper: string[] = []
class Watch extends MapperExtension<object> {
  override beforeBulk({ kind }: BulkStatement) {
    heardByMapper.push(`${(this.mapper.target as { name: string }).name} before ${kind}`)
  }
  override afterBulk({ kind, affected }: BulkStatement) {
    heardByMapper.push(`${(this.mapper.target as { name: string }).name} after ${kind} ${affected}`)
  }
}
mapper(Animal, { extensions: [Watch] })

async function openShop() {
  const log = bulkLog()
  const { dataSource, lines } = await openLogged({ extensions: [log.extension] }, { entities: BULK_ENTITIES })
  await withoutExtensions(() => dataSource.manager.insert(Item, [{ name: 'apple' }, { name: 'pear' }, { name: 'plum' }]))
  lines.length = heardByMapper.length = 0
  return { dataSource, lines, ...log }
}

describeDatabase('a statement of manager or repository', () => {
  afterEach(closeAll)

  it('update tells its criteria, values and affected rows', async () => {
    const { dataSource, before, after } = await openShop()
    const where = { name: In(['apple', 'pear']) }
    await dataSource.manager.update(Item, where, { stock: 7 })
    const facts = { kind: 'update', target: 'Item', where, values: { stock: 7 } }
    expect(before).toEqual([{ ...facts, affected: undefined }])
    expect(after).toEqual([{ ...facts, affected: 2 }])
    expect(await dataSource.manager.countBy(Item, { stock: 7 })).toBe(2)
  })

  it('delete by ids tells them as criteria', async () => {
    const { dataSource, after } = await openShop()
    const { id } = await dataSource.manager.findOneByOrFail(Item, { name: 'plum' })
    await dataSource.manager.delete(Item, id)
    await dataSource.getRepository(Item).delete([id, id + 1000])
    expect(after).toEqual([
      { kind: 'delete', target: 'Item', where: { id }, values: undefined, affected: 1 },
      { kind: 'delete', target: 'Item', where: [{ id }, { id: id + 1000 }], values: undefined, affected: 0 },
    ])
  })

  it('insert tells its values and how many rows it made', async () => {
    const { dataSource, after } = await openShop()
    await dataSource.manager.insert(Item, [{ name: 'fig' }, { name: 'kiwi' }])
    await dataSource.getRepository(Item).insert({ name: 'lime' })
    expect(after.map(({ kind, where, affected }) => [kind, where, affected])).toEqual([
      ['insert', undefined, 2],
      ['insert', undefined, 1],
    ])
    expect(after[0]!['values']).toMatchObject([{ name: 'fig' }, { name: 'kiwi' }])
  })

  it('upsert is one statement of its own kind', async () => {
    const { dataSource, before, after } = await openShop()
    const values = [
      { name: 'apple', stock: 5 },
      { name: 'fig', stock: 6 },
    ]
    await dataSource.manager.upsert(Item, values, ['name'])
    expect(before.map(({ kind, where }) => [kind, where])).toEqual([['upsert', undefined]])
    expect(before[0]!['values']).toMatchObject(values)
    expect(after[0]!['affected']).toBe(2)
  })

  it('softDelete and restore', async () => {
    const { dataSource, after } = await openShop()
    await dataSource.manager.softDelete(Item, { name: 'apple' })
    await dataSource.getRepository(Item).restore({ name: 'apple' })
    expect(after).toMatchObject([
      { kind: 'softDelete', target: 'Item', where: { name: 'apple' }, affected: 1 },
      { kind: 'restore', target: 'Item', where: { name: 'apple' }, affected: 1 },
    ])
  })

  it('increment is an update whose value is an expression', async () => {
    const { dataSource, after } = await openShop()
    await dataSource.manager.increment(Item, { name: 'apple' }, 'stock', 3)
    await dataSource.getRepository(Item).decrement({ name: 'apple' }, 'stock', 1)
    expect(after.map(({ kind, affected }) => [kind, affected])).toEqual([
      ['update', 1],
      ['update', 1],
    ])
    expect((after[0]!['values'] as { stock: () => string }).stock()).toContain('+ 3')
    expect(await dataSource.manager.countBy(Item, { stock: 2 })).toBe(1)
  })
})

describeDatabase('a statement of a query builder', () => {
  afterEach(closeAll)

  it('tells a condition in SQL with its parameters', async () => {
    const { dataSource, after } = await openShop()
    const builder = dataSource.createQueryBuilder().update(Item).set({ stock: 1 })
    await builder.where('name > :from', { from: 'b' }).andWhere('name <> :name', { name: 'banana' }).execute()
    const { sql, parameters } = after[0]!['where'] as { sql: string; parameters: unknown[] }
    expect(sql.replace(/["`]/g, '').replace(/\$\d/g, '?')).toBe('name > ? AND name <> ?')
    expect(parameters).toEqual(['b', 'banana'])
    expect(after[0]!['affected']).toBe(2)
  })

  it('tells criteria as they were given, unless they were refined', async () => {
    const { dataSource, after } = await openShop()
    const where = { name: 'apple' }
    await dataSource.createQueryBuilder().delete().from(Item).where(where).execute()
    await dataSource.createQueryBuilder().delete().from(Item).where(where).orWhere({ name: 'pear' }).execute()
    await dataSource
      .createQueryBuilder()
      .delete()
      .from(Item)
      .where(new Brackets((some) => some.where(where)))
      .execute()
    expect(after[0]!['where']).toBe(where)
    expect(after.slice(1).map((facts) => (facts['where'] as { parameters: unknown[] }).parameters)).toEqual([['apple', 'pear'], ['apple']])
  })

  it('has no condition where none was given', async () => {
    const { dataSource, after } = await openShop()
    await dataSource.createQueryBuilder().softDelete().from(Item).execute()
    expect(after).toMatchObject([{ kind: 'softDelete', where: undefined, affected: 3 }])
  })

  it('tells whereInIds as criteria', async () => {
    const { dataSource, after } = await openShop()
    const [one, two] = await dataSource.manager.find(Item, { order: { id: 'ASC' } })
    await dataSource.createQueryBuilder().update(Item).set({ stock: 1 }).whereInIds([one!.id, two!.id]).execute()
    expect(after).toMatchObject([{ where: [{ id: one!.id }, { id: two!.id }], affected: 2 }])
  })

  it('is silent with callListeners(false)', async () => {
    const { dataSource, before } = await openShop()
    await dataSource.createQueryBuilder().delete().from(Item).callListeners(false).execute()
    expect(before).toEqual([])
  })

  it('names the junction table when relation() adds or removes', async () => {
    const { dataSource, after } = await openShop()
    const apple = await dataSource.manager.findOneByOrFail(Item, { name: 'apple' })
    const shelf = await withoutExtensions(() => dataSource.manager.save(make(Shelf, { name: 'top' })))
    const relation = dataSource.createQueryBuilder().relation(Item, 'shelves')
    await relation.of(apple).add(shelf)
    await dataSource.createQueryBuilder().relation(Item, 'shelves').of(apple).remove(shelf)
    expect(after.map(({ kind, target, affected }) => [kind, target, affected])).toEqual([
      ['insert', 'item_shelves_shelf', 1],
      ['delete', 'item_shelves_shelf', 1],
    ])
    expect(after[0]!['values']).toEqual([{ itemId: apple.id, shelfId: shelf.id }])
  })
})

describeDatabase('the hooks of a bulk statement', () => {
  afterEach(closeAll)

  it('run session before mapper, and mapper before session afterwards', async () => {
    const order: string[] = []
    const Outer = class extends SessionExtension {
      override beforeBulk(statement: BulkStatement) {
        order.push(`session before, mapper heard ${heardByMapper.length}, affected ${statement.affected}`)
      }
      override afterBulk(statement: BulkStatement) {
        order.push(`session after, mapper heard ${heardByMapper.length}, affected ${statement.affected}`)
      }
    }
    const { dataSource } = await openLogged({ extensions: [Outer] }, { entities: BULK_ENTITIES })
    heardByMapper.length = 0
    await dataSource.manager.update(Animal, { name: 'Rex' }, { name: 'Max' })
    expect(order).toEqual(['session before, mapper heard 0, affected undefined', 'session after, mapper heard 2, affected 0'])
  })

  it('are those of the class that the statement names, in single-table inheritance', async () => {
    const { dataSource, after } = await openShop()
    await withoutExtensions(() => dataSource.manager.save([make(Dog, { name: 'Rex' }), make(Cat, { name: 'Tom' })]))
    await dataSource.manager.update(Dog, { name: In(['Rex', 'Tom']) }, { tricks: 3 })
    await dataSource.manager.delete(Animal, { name: In(['Rex', 'Tom']) })
    expect(heardByMapper).toEqual(['Dog before update', 'Dog after update 1', 'Animal before delete', 'Animal after delete 2'])
    expect(after.map(({ target }) => target)).toEqual(['Dog', 'Animal'])
  })

  it('tell whether the statement is for a class or one above it', async () => {
    const answers: boolean[] = []
    const Asker = class extends SessionExtension {
      override beforeBulk(statement: BulkStatement) {
        answers.push(statement.is(Dog), statement.is(Animal), statement.is(Item))
      }
    }
    const { dataSource } = await openLogged({ extensions: [Asker] }, { entities: BULK_ENTITIES })
    await dataSource.manager.update(Dog, { name: 'Rex' }, { tricks: 1 })
    expect(answers).toEqual([true, true, false])
  })

  it('veto the statement by throwing, with the very error', async () => {
    const veto = new Error('not all of them')
    const Veto = class extends SessionExtension {
      override beforeBulk({ kind }: BulkStatement) {
        if (kind === 'delete') throw veto
      }
    }
    const { dataSource, lines } = await openLogged({ extensions: [Veto] }, { entities: BULK_ENTITIES })
    await dataSource.manager.insert(Item, { name: 'apple' })
    const recording = recordStatements(dataSource)
    lines.length = 0
    await expect(dataSource.createQueryBuilder().delete().from(Item).execute()).rejects.toBe(veto)
    expect(recording.sql()).toEqual([])
    expect(lines).toEqual(['rollback write 0: nothing'])
    expect(await dataSource.manager.count(Item)).toBe(1)
  })

  it('end with beforeBulk when the statement fails', async () => {
    const { dataSource, before, after } = await openShop()
    expect(await errorOf(dataSource.manager.insert(Item, { name: 'apple' }))).toBeInstanceOf(Error)
    expect([before.length, after.length]).toEqual([1, 0])
  })

  it('see what beforeBulk put into the values, and so does the database', async () => {
    const Stamp = class extends SessionExtension {
      override beforeBulk(statement: BulkStatement<Item>) {
        if (statement.kind === 'update') Object.assign(statement.values!, { stock: 99 })
      }
    }
    const { dataSource } = await openLogged({ extensions: [Stamp] }, { entities: BULK_ENTITIES })
    await dataSource.manager.insert(Item, { name: 'apple' })
    await dataSource.manager.update(Item, { name: 'apple' }, { name: 'pear' })
    expect(await dataSource.manager.countBy(Item, { name: 'pear', stock: 99 })).toBe(1)
  })

  it('have the session of the transaction the statement runs in', async () => {
    const sessions = new Set<unknown>()
    const Asker = class extends SessionExtension {
      override beforeBulk() {
        sessions.add(this.session)
      }
    }
    const { dataSource } = await openLogged({ extensions: [Asker] }, { entities: BULK_ENTITIES })
    await dataSource.transaction(async (manager) => {
      await manager.update(Item, { name: 'apple' }, { stock: 1 })
      await manager.getRepository(Item).delete({ name: 'apple' })
      expect([...sessions]).toEqual([sessionOf(manager)])
    })
  })

  it('print as what they are', async () => {
    const printed: string[] = []
    const Printer = class extends SessionExtension {
      override beforeBulk(statement: BulkStatement) {
        printed.push(String(statement))
      }
      override afterBulk(statement: BulkStatement) {
        printed.push(`${String(statement)} ${Object.keys(factsOf(statement)).length}`)
      }
    }
    const { dataSource } = await openLogged({ extensions: [Printer] }, { entities: BULK_ENTITIES })
    await dataSource.manager.update(Item, { name: 'apple' }, { stock: 1 })
    expect(printed).toEqual(['bulk update Item', 'bulk update Item (0 rows) 5'])
  })
})
