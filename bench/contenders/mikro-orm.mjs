/** MikroORM as a contender, in a process of Node 22. */
import { EntitySchema, MikroORM } from '@mikro-orm/core'
import { MariaDbDriver } from '@mikro-orm/mariadb'
import { PostgreSqlDriver } from '@mikro-orm/postgresql'
import { SqliteDriver } from '@mikro-orm/sqlite'
import { createRequire } from 'node:module'
import { articleValues, COLUMNS, TABLE } from '../processes/article.mjs'
import { serve } from '../processes/worker.mjs'

class Article {}

const types = { varchar: 'string', text: 'text', integer: 'integer' }
const columns = Object.entries(COLUMNS).map(([name, { type, nullable = false }]) => [
  name,
  { type: types[type], nullable, fieldName: name },
])
const schema = new EntitySchema({
  class: Article,
  tableName: TABLE,
  properties: { id: { type: 'integer', primary: true, autoincrement: true }, ...Object.fromEntries(columns) },
})

function connection({ type, url, schema, database }) {
  if (type === 'postgres') return { driver: PostgreSqlDriver, clientUrl: url, schema, pool: { max: 2 } }
  if (type === 'mariadb') return { driver: MariaDbDriver, clientUrl: url, pool: { max: 2 } }
  return { driver: SqliteDriver, dbName: database }
}

await serve(async ({ options }) => {
  const orm = await MikroORM.init({ ...connection(options), entities: [schema] })
  let manager = orm.em.fork()
  return {
    name: `MikroORM ${createRequire(import.meta.url)('@mikro-orm/core/package.json').version}`,
    run: (sql) => orm.em.getConnection().execute(sql),
    create: (number) => Object.assign(new Article(), articleValues(number)),
    begin: () => void (manager = orm.em.fork()),
    load: () => manager.find(Article, {}),
    add: (entities) => manager.persist(entities),
    remove: (entities) => manager.remove(entities),
    flush: () => manager.flush(),
  }
})
