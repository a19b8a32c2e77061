/**
 * Images of bulk statements: which rows, as they were and as they are, entered in the journal and told after the commit.
 *
 * @module
 */
import {
  MapperExtension,
  mapper,
  SessionExtension,
  sessionOf,
  withoutExtensions,
  type BulkImages,
  type BulkStatement,
  type Change,
} from 'flushpoint'
import { PrimaryColumn, Column, Entity } from 'typeorm'
import { Animal, BULK_ENTITIES, bulkLog, Cat, Dog, Item } from '../support/bulk-log.js'
import { closeAll, describeDatabase, recordStatements } from '../support/databases.js'
import { make } from '../support/models.js'
import { errorOf, openLogged, tellAll } from '../support/transaction-log.js'

@Entity()
class Code {
  @PrimaryColumn() id: number
  @Column() name: string
}

async function openShop(images: BulkImages) {
  const log = bulkLog(images)
  const kept: Change[] = []
  const Keep = class extends SessionExtension {
    override afterCommit(changes: readonly Change[]) {
      kept.push(...changes)
    }
  }
  const { dataSource, lines } = await openLogged({ extensions: [log.extension, Keep] }, { entities: [...BULK_ENTITIES, Code] })
  await withoutExtensions(() =>
    dataSource.manager.insert(Item, [{ name: 'apple', stock: 1 }, { name: 'pear', stock: 1 }, { name: 'plum' }]),
  )
  const { id } = await dataSource.manager.findOneByOrFail(Item, { name: 'apple' })
  lines.length = 0
  return { dataSource, lines, kept, id, ...log }
}

describeDatabase('images of a bulk statement', () => {
  afterEach(closeAll)

  it("'keys' name the rows of an update, with what was set", async () => {
    const { dataSource, kept, id } = await openShop('keys')
    await dataSource.manager.update(Item, { name: 'apple' }, { stock: 9 })
    expect(kept).toHaveLength(1)
    expect(kept[0]).toMatchObject({ kind: 'update', key: { id }, before: { id }, after: { id, stock: 9 } })
    expect(kept[0]!.before).not.toHaveProperty('stock')
  })

  it("'before' has the values as they were", async () => {
    const { dataSource, kept, id } = await openShop('before')
    await dataSource.manager.update(Item, { name: 'apple' }, { stock: 9 })
    expect(kept).toHaveLength(1)
    expect(kept[0]).toMatchObject({ key: { id }, before: { name: 'apple', stock: 1 }, after: { name: 'apple', stock: 9 } })
    expect(kept[0]!.changes).toEqual({ stock: { from: 1, to: 9 } })
  })

  it("'both' also reads what an expression made of them", async () => {
    const { dataSource, kept } = await openShop('both')
    await dataSource.manager.increment(Item, { stock: 1 }, 'stock', 41)
    expect(kept.map(({ changes }) => changes)).toEqual([{ stock: { from: 1, to: 42 } }, { stock: { from: 1, to: 42 } }])
  })

  it('tell the rows of delete, softDelete and restore, though their condition no longer holds', async () => {
    const { dataSource, kept } = await openShop('both')
    await dataSource.manager.softDelete(Item, { stock: 1 })
    await dataSource.manager.restore(Item, { name: 'apple' })
    await dataSource.manager.delete(Item, { name: 'plum' })
    expect(tellAll(kept)).toBe('softRemove apple, softRemove pear, recover apple, delete plum')
    expect(kept.at(-1)).toMatchObject({ before: { name: 'plum', stock: 0 }, after: null })
  })

  it('tell inserted rows with the keys the database gave them', async () => {
    const { dataSource, kept, changes } = await openShop('both')
    await dataSource.manager.insert(Item, [{ name: 'fig' }, { name: 'kiwi', stock: 4 }])
    expect(changes).toEqual(['insert fig, insert kiwi'])
    const rows = await dataSource.manager.find(Item, { where: [{ name: 'fig' }, { name: 'kiwi' }], order: { id: 'ASC' } })
    expect(kept.map(({ key, after }) => [key, after?.stock])).toEqual(rows.map(({ id, stock }) => [{ id }, stock]))
  })

  it('tell inserts and updates of an upsert apart', async () => {
    const { dataSource, kept } = await openShop('both')
    await dataSource.manager.upsert(
      Item,
      [
        { name: 'apple', stock: 5 },
        { name: 'fig', stock: 6 },
      ],
      ['name'],
    )
    expect(tellAll(kept)).toBe('update apple, insert fig')
    expect(kept[0]!.changes).toEqual({ stock: { from: 1, to: 5 } })
  })

  it('have nothing for rows the statement did not meet', async () => {
    const { dataSource, lines, changes } = await openShop('both')
    await dataSource.manager.update(Item, { name: 'nothing like it' }, { stock: 9 })
    expect(changes).toEqual(['nothing'])
    expect(lines.at(-1)).toBe('commit: nothing')
  })

  it('hold more rows than one query takes keys', async () => {
    const { dataSource, kept } = await openShop('before')
    const many = Array.from({ length: 400 }, (_none, index) => ({ name: `n${index}`, stock: 2 }))
    await withoutExtensions(() => dataSource.manager.insert(Item, many))
    await dataSource.manager.update(Item, { stock: 2 }, { stock: 3 })
    expect(kept).toHaveLength(400)
    expect(new Set(kept.map(({ before }) => before?.name)).size).toBe(400)
  })

  it('follow a condition in SQL', async () => {
    const { dataSource, kept } = await openShop('before')
    const builder = dataSource.createQueryBuilder().update(Item).set({ stock: 8 })
    await builder.where('name LIKE :start', { start: 'p%' }).andWhere('stock = :stock', { stock: 1 }).execute()
    expect(tellAll(kept)).toBe('update pear')
    expect(await dataSource.manager.countBy(Item, { stock: 8 })).toBe(1)
  })

  it('know the concrete class of each row, in single-table inheritance', async () => {
    const { dataSource, kept } = await openShop('before')
    await withoutExtensions(() => dataSource.manager.save([make(Dog, { name: 'Rex', tricks: 1 }), make(Cat, { name: 'Tom' })]))
    await dataSource.manager.createQueryBuilder().update(Animal).set({ name: 'Max' }).execute()
    expect(kept.map((change) => [change.before?.name, change.is(Dog), change.is(Cat), change.is(Animal)])).toEqual([
      ['Rex', true, false, true],
      ['Tom', false, true, true],
    ])
    expect(kept[0]!.entity).toBeInstanceOf(Dog)
    expect(kept[0]!.before).toMatchObject({ tricks: 1 })
  })
})

describeDatabase('asking for images', () => {
  afterEach(closeAll)

  it('lets the strongest wish of the chain win', async () => {
    class AskMore extends MapperExtension<Code> {
      override beforeBulk(statement: BulkStatement<Code>) {
        statement.wantImages('before')
      }
    }
    mapper(Code, { extensions: [AskMore] })
    const { dataSource, kept } = await openShop('keys')
    await withoutExtensions(() => dataSource.manager.insert(Code, { id: 1, name: 'old' }))
    await dataSource.manager.update(Code, { id: 1 }, { name: 'new' })
    expect(tellAll(kept)).toBe('update old -> new')
  })

  it('opens one transaction for a statement that has none', async () => {
    const { dataSource, lines } = await openShop('both')
    const recording = recordStatements(dataSource)
    await dataSource.manager.update(Item, { name: 'apple' }, { stock: 9 })
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: update apple'])
    const verbs = recording.sql().map((sql) => sql.split(' ')[0])
    expect(verbs.filter((verb) => ['BEGIN', 'START', 'UPDATE', 'COMMIT'].includes(verb!)).length).toBe(3)
    expect(verbs.at(-1)).toBe('COMMIT')
  })

  it('opens none where no image was asked for', async () => {
    const log = bulkLog()
    const { dataSource, lines } = await openLogged({ extensions: [log.extension] }, { entities: BULK_ENTITIES })
    const recording = recordStatements(dataSource)
    await dataSource.manager.update(Item, { name: 'apple' }, { stock: 9 })
    expect(recording.sql()).toHaveLength(1)
    expect(lines).toEqual(['commit: nothing'])
    expect(log.changes).toEqual([undefined])
  })

  it('enters the rows in the journal of the transaction around the statement', async () => {
    const { dataSource, lines } = await openShop('before')
    await dataSource.transaction(async (manager) => {
      await manager.update(Item, { name: 'apple' }, { name: 'quince' })
      expect(tellAll(sessionOf(manager).journal)).toBe('update apple -> quince')
      await manager.delete(Item, { name: 'quince' })
    })
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: delete apple'])
  })

  it('tells afterRollback the rows of a statement that was undone', async () => {
    const { dataSource, lines } = await openShop('before')
    const work = dataSource.transaction(async (manager) => {
      await manager.delete(Item, { name: 'apple' })
      throw new Error('no')
    })
    expect(await errorOf(work)).toBeInstanceOf(Error)
    expect(lines).toEqual(['begin transaction 1', 'rollback transaction 1: delete apple'])
  })

  it('rolls back when afterBulk throws in the transaction that was opened for it', async () => {
    const late = new Error('too many')
    const Late = class extends SessionExtension {
      override beforeBulk(statement: BulkStatement) {
        statement.wantImages('keys')
      }
      override afterBulk() {
        throw late
      }
    }
    const { dataSource, lines } = await openLogged({ extensions: [Late] }, { entities: BULK_ENTITIES })
    await withoutExtensions(() => dataSource.manager.insert(Item, { name: 'apple' }))
    await expect(dataSource.manager.update(Item, { name: 'apple' }, { stock: 9 })).rejects.toBe(late)
    expect(lines.at(-1)).toMatch(/^rollback transaction 1/)
    expect(await dataSource.manager.countBy(Item, { stock: 9 })).toBe(0)
  })

  it('is too late once the statement was sent', async () => {
    let error: unknown
    const Late = class extends SessionExtension {
      override afterBulk(statement: BulkStatement) {
        error = errorIn(() => statement.wantImages('keys'))
      }
    }
    const { dataSource } = await openLogged({ extensions: [Late] }, { entities: BULK_ENTITIES })
    await dataSource.manager.update(Item, { name: 'apple' }, { stock: 9 })
    expect(error).toMatchObject({ code: 'BULK_IMAGES_TOO_LATE', name: 'SessionError' })
  })

  it('is refused, and nothing written, where the rows cannot be told', async () => {
    const { dataSource, lines } = await openShop('before')
    const changesKey = dataSource.manager.update(Item, { name: 'apple' }, { id: 999 })
    await expect(changesKey).rejects.toMatchObject({ code: 'BULK_IMAGES_UNSUPPORTED', message: expect.stringContaining('primary key') })
    const ignoring = dataSource.createQueryBuilder().insert().into(Item).values({ name: 'apple' }).orIgnore().execute()
    await expect(ignoring).rejects.toMatchObject({ code: 'BULK_IMAGES_UNSUPPORTED', message: expect.stringContaining('ignores') })
    expect(lines.filter((line) => line.startsWith('commit'))).toEqual([])
    expect(await dataSource.manager.countBy(Item, { id: 999 })).toBe(0)
  })
})

function errorIn(fn: () => unknown): unknown {
  try {
    fn()
    return undefined
  } catch (error) {
    return error
  }
}
