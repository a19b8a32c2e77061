/** What tables and databases are called where somebody is told about them. */
import { tableNameOf } from '../../lib/core/table-name.js'

const connection = (type: string, database?: string, schema?: string) => ({ options: { type }, database, schema })

describe('the name of a table', () => {
  it('has its schema in front only where that is another one than the connection’s', () => {
    const names = connection('postgres', 'shop', 'public')
    expect(tableNameOf({ tableName: 'item', schema: 'public' }, names)).toEqual({ database: 'shop', table: 'item' })
    expect(tableNameOf({ tableName: 'item', schema: 'audit' }, names)).toEqual({ database: 'shop', table: 'audit.item' })
    expect(tableNameOf({ tableName: 'item' }, names)).toEqual({ database: 'shop', table: 'item' })
  })

  it('has no schema in front where the connection has none', () => {
    expect(tableNameOf({ tableName: 'item', schema: 'attached' }, connection('sqlite', 'news.sqlite'))).toMatchObject({ table: 'item' })
  })

  it.each([
    ['sqlite', 'data/news.sqlite', 'news'],
    ['better-sqlite3', '/var/db/news.2.db', 'news.2'],
    ['sqlite', ':memory:', ':memory:'],
    ['postgres', 'my.shop', 'my.shop'],
    ['mysql', 'shop/2', 'shop/2'],
  ])('is in the database that %s knows as %s', (type, database, name) => {
    expect(tableNameOf({ tableName: 'item' }, connection(type, database)).database).toBe(name)
    expect(tableNameOf({ tableName: 'item', database }, connection(type, 'another')).database).toBe(name)
  })

  it('is in a database without a name where the driver knows none', () => {
    expect(tableNameOf({ tableName: 'item' }, connection('sqljs'))).toEqual({ database: '', table: 'item' })
    expect(tableNameOf({ tableName: 'item', database: new Uint8Array() as never }, connection('sqljs')).database).toBe('')
  })
})
