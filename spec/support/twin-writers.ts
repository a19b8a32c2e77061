/**
 * Two ways to write the same rounds: a session, and TypeORM's own `save`, `remove`, `softRemove` and `recover`. Each has objects of its own.
 *
 * @module
 */
import { openSession, type OpenSession, type PlanStep } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { kindOf, KIND_NAMES } from './twin-kinds.js'
import type { Card, CardEdit, Round } from './twin-ledger.js'
import type { Play } from './twin-scripts.js'

type Entity = Record<string, any>
type Style = Pick<Play, 'isInPlace' | 'isInTransaction'>

class Objects {
  readonly byCard = new Map<Card, Entity>()
  readonly #isInPlace: boolean

  constructor(isInPlace: boolean) {
    this.#isInPlace = isInPlace
  }

  of(card: Card): Entity {
    return this.byCard.get(card)!
  }

  all(cards: Iterable<Card>): Entity[] {
    return [...cards].map((card) => this.of(card))
  }

  apply({ inserted, edits }: Round): void {
    for (const card of inserted) this.byCard.set(card, newEntity(card))
    for (const [card, edit] of edits) this.#edit(this.of(card), edit)
  }

  #edit(entity: Entity, { values, refs, members }: CardEdit): void {
    for (const [path, value] of Object.entries(values)) setAt(entity, path, value)
    for (const [path, target] of refs) if (target !== null || entity[path] !== undefined) entity[path] = target && this.of(target)
    for (const [path, cards] of members) {
      const found = this.all(cards)
      if (this.#isInPlace && Array.isArray(entity[path])) entity[path].splice(0, entity[path].length, ...found)
      else entity[path] = found
    }
  }

  forget({ gone }: Round): void {
    for (const card of gone) this.byCard.delete(card)
  }
}

function newEntity({ kind, code, number }: Card): Entity {
  const { type, keyOf, parts } = kindOf(kind)
  return Object.assign(new type(), { code }, keyOf?.(number), parts?.())
}

function getAt(entity: Entity, path: string): unknown {
  return path.split('.').reduce<unknown>((object, name) => (object as Entity | undefined)?.[name], entity)
}

function setAt(entity: Entity, path: string, value: unknown): void {
  const names = path.split('.')
  const last = names.pop()!
  const holder = names.reduce<Entity>((object, name) => object[name] as Entity, entity)
  holder[last] = value
}

/** A key that is a property of its own follows its relation. */
function assertJoined({ kind, code }: Card, entity: Entity): void {
  for (const [path, { joins }] of Object.entries(kindOf(kind).toOnes ?? {})) {
    const [key, wanted] = [entity[joins ?? ''], (entity[path] as Entity | null | undefined)?.['id']].map((id) => (id ?? null) as unknown)
    if (joins !== undefined && key !== wanted) throw new Error(`${code}.${joins} should be ${String(wanted)} and is ${String(key)}`)
  }
}

const MADE = ['id', 'version', 'createdAt', 'updatedAt', 'deletedAt']

function valuesOf({ kind }: Card, entity: Entity): string {
  const { columns, onlyNew = {}, toOnes = {} } = kindOf(kind)
  const joins = Object.values(toOnes).flatMap(({ joins }) => joins ?? [])
  const paths = [...Object.keys(columns), ...Object.keys(onlyNew), ...joins, ...MADE]
  return JSON.stringify(
    paths.map((path) => [path, getAt(entity, path)]),
    plainly,
  )
}

/** The order of names and the halves of characters are lost in databases. */
function plainly(_name: string, value: unknown): unknown {
  if (typeof value === 'string')
    return Buffer.from(value)
      .toString()
      .replace(/\ufffd+/g, '\ufffd')
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value ?? null
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Children come by the cascade of their parent. */
function isAdded({ kind }: Card): boolean {
  return kindOf(kind).parent === undefined
}

export class SessionWriter {
  readonly objects: Objects
  /** Every step of two rows or more that was planned. */
  readonly steps: PlanStep[] = []
  readonly ds: DataSource
  readonly #style: Style
  #session: OpenSession

  constructor(ds: DataSource, style: Style) {
    this.ds = ds
    this.#style = style
    this.#session = openSession(ds)
    this.objects = new Objects(style.isInPlace)
  }

  async write(round: Round): Promise<void> {
    const { objects } = this
    const session = this.#session
    objects.apply(round)
    session.add(...objects.all(round.inserted.filter(isAdded)))
    session.delete(...objects.all(round.removed))
    session.softRemove(...objects.all(round.softRemoved))
    session.recover(...objects.all(round.recovered))
    const { steps } = await session.explain()
    this.steps.push(...steps.filter(({ rows }) => rows.length > 1))
    if (this.#style.isInTransaction) await session.transaction(async () => void (await session.flush()))
    else await session.flush()
    this.#assertClean()
    objects.forget(round)
    for (const [card, entity] of objects.byCard) assertJoined(card, entity)
  }

  #assertClean(): void {
    const { uow } = this.#session
    const names = ['new', 'dirty', 'deleted', 'softRemoved', 'recovered'] as const
    const left = names.flatMap((name) => [...uow[name]].map((entity) => `${name} ${(entity as Entity).code}: ${this.#changesOf(entity)}`))
    if (left.length > 0) throw new Error(`Pending after the flush: ${left.join(', ')}`)
  }

  #changesOf(entity: object): string {
    return JSON.stringify(this.#session.state(entity).changes, (_name, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
  }

  /** Goes on with a session that has read everything. */
  async reload(): Promise<void> {
    await this.#session.close()
    this.#session = openSession(this.ds)
    const cards = new Map([...this.objects.byCard.keys()].map((card) => [card.code, card]))
    for (const name of KIND_NAMES) {
      const { type, toOnes = {}, collections = {} } = kindOf(name)
      const found = this.#session.find(type as new () => Entity)
      const entities = (await found.with(...([...Object.keys(toOnes), ...Object.keys(collections)] as never[]))) as Entity[]
      for (const entity of entities) this.#replace(cards.get(entity['code'] as string)!, entity)
    }
  }

  /** What the former object was told of its row is what is read. */
  #replace(card: Card, entity: Entity): void {
    const [known, read] = [valuesOf(card, this.objects.of(card)), valuesOf(card, entity)]
    if (known !== read) throw new Error(`${card.code} should be\n${read}\nand is\n${known}`)
    this.objects.byCard.set(card, entity)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#session.close()
  }
}

export class PlainWriter {
  readonly ds: DataSource
  readonly #objects: Objects

  constructor(ds: DataSource, { isInPlace }: Style) {
    this.ds = ds
    this.#objects = new Objects(isInPlace)
  }

  async write(round: Round): Promise<void> {
    const objects = this.#objects
    objects.apply(round)
    const saved = new Set([...round.inserted.filter(isAdded), ...round.edits.keys()])
    await this.ds.transaction(async (manager) => {
      if (saved.size > 0) await manager.save(objects.all(saved))
      if (round.removed.length > 0) await manager.remove(objects.all(round.removed))
      if (round.softRemoved.length > 0) await manager.softRemove(objects.all(round.softRemoved))
      if (round.recovered.length > 0) await manager.recover(objects.all(round.recovered))
    })
    objects.forget(round)
    for (const [card, entity] of objects.byCard) forgetWritten(entity, card)
  }
}

/**
 * TypeORM would write back a version and dates that it holds, even where the row has got others since, and takes each relation that is null
 * for changed.
 */
function forgetWritten(entity: Entity, { kind }: Card): void {
  for (const name of MADE) if (name !== 'id') delete entity[name]
  for (const [path, { joins, isKey }] of Object.entries(kindOf(kind).toOnes ?? {})) {
    if (entity[path] === null) delete entity[path]
    if (joins !== undefined && isKey !== true) delete entity[joins]
  }
}
