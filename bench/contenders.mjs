/**
 * Who is measured against whom. Every contender has an entity class, a DataSource and tables of its own; they differ in flushpoint alone.
 *
 * This file must not import flushpoint: `alone.mjs` measures TypeORM in a process that never loads it.
 */
import 'reflect-metadata'
import { DataSource, EntitySchema } from 'typeorm'

/** `extensions` empty extensions at that level; `subscriber` without any is flushpoint with nothing overridden. */
export const CONTENDERS = [
  { name: 'bare', title: 'bare TypeORM' },
  { name: 'control', title: 'bare TypeORM again (A/A control)' },
  { name: 'none', title: 'subscriber, no extension', subscriber: true },
  { name: 'session1', title: 'one empty session extension', subscriber: true, level: 'session', extensions: 1 },
  { name: 'session5', title: 'five empty session extensions', subscriber: true, level: 'session', extensions: 5 },
  { name: 'mapper1', title: 'one empty mapper extension', subscriber: true, level: 'mapper', extensions: 1 },
  { name: 'mapper5', title: 'five empty mapper extensions', subscriber: true, level: 'mapper', extensions: 5 },
]

/**
 * One class per contender, since a mapper extension is declared for a class. Plain columns only: nothing in TypeORM's own work
 * (no relation, no date column to read back) that could hide ours.
 */
function articleSchema() {
  class Article {}
  return new EntitySchema({
    name: 'Article',
    target: Article,
    columns: {
      id: { type: 'integer', primary: true, generated: true },
      title: { type: 'varchar' },
      slug: { type: 'varchar' },
      body: { type: 'text' },
      views: { type: 'integer' },
      createdBy: { type: 'varchar', nullable: true },
    },
  })
}

/** `count` extension classes, each with one empty hook that fires for every entity of the operation measured. */
function emptyExtensions(Base, operation, count) {
  const hook = operation === 'insert' ? 'beforeInsert' : 'beforeUpdate'
  return Array.from({ length: count }, () => {
    class Empty extends Base {}
    Empty.prototype[hook] = function () {}
    return Empty
  })
}

/** An initialised contender: `repository`, `create(count)`, `close()`. `flushpoint` is needed only where it has a subscriber. */
export async function openContender(contender, { operation, options, flushpoint }) {
  const { subscriber = false, level, extensions = 0 } = contender
  const schema = articleSchema()
  const subscribers = []
  if (subscriber) {
    const { MapperExtension, SessionExtension, mapper, sessionSubscriber } = flushpoint
    if (level === 'mapper') mapper(schema, { extensions: emptyExtensions(MapperExtension, operation, extensions) })
    subscribers.push(sessionSubscriber({ extensions: level === 'session' ? emptyExtensions(SessionExtension, operation, extensions) : [] }))
  }
  const dataSource = await new DataSource({ ...options, entities: [schema], subscribers, synchronize: true }).initialize()
  const Article = schema.options.target
  let made = 0
  const create = (count) =>
    Array.from({ length: count }, () => {
      const number = ++made
      return Object.assign(new Article(), {
        title: `Title ${number}`,
        slug: `title-${number}`,
        body: `The body of article ${number}, long enough to be one.`,
        views: number,
        createdBy: null,
      })
    })
  return { ...contender, dataSource, repository: dataSource.getRepository(Article), create, close: () => dataSource.destroy() }
}
