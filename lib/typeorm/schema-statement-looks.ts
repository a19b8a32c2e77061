/**
 * Looks at the tables that a statement is about, as it was sent by `query`, before and after it.
 *
 * Asks the database for names and TypeORM for tables. Invariant: a statement is told as what it says it does, so that a table which has
 * left where it was looked for is dropped by `DROP` alone.
 *
 * @module
 */
import type { DataSource, QueryRunner } from 'typeorm'
import type { SchemaChange, SchemaChangeKind } from '../mapper/schema-change.js'
import { dataSourceOf, driverTypeOf, hasSingleConnection } from './internals.js'
import {
  lastPartOf,
  lookAt,
  lookAtBoth,
  lookAtEntities,
  renamed,
  tableAt,
  textAt,
  type LookAgain,
  type SchemaRunner,
} from './schema-looks.js'
import type { Folding, SchemaStatement } from './schema-statements.js'

type Verb = SchemaStatement['verb']

const LOWER: ReadonlySet<string> = new Set(['postgres', 'aurora-postgres', 'cockroachdb'])

/** What a database makes of names without quotes. SQLite keeps them, and finds them in any letter case: see `pathOf`. */
export function foldingOf(dataSource: DataSource): Folding {
  return LOWER.has(driverTypeOf(dataSource)) ? (name) => name.toLowerCase() : (name) => name
}

export async function lookAtStatement(runner: SchemaRunner, { verb, table, others = [], newName }: SchemaStatement): Promise<LookAgain> {
  if (table === undefined) return lookAtEntities(runner, [])
  const looks: LookAgain[] = []
  for (const one of [table, ...others]) looks.push(await lookAtOne(runner, await pathOf(runner, one), { verb, newName }))
  return async () => {
    const changes: SchemaChange[] = []
    for (const lookAgain of looks) changes.push(...(await lookAgain()))
    return changes
  }
}

interface Deed {
  readonly verb: Verb
  readonly newName: string | undefined
}

async function lookAtOne(runner: SchemaRunner, path: string, { verb, newName }: Deed): Promise<LookAgain> {
  const replacement = hasSingleConnection(dataSourceOf(runner)!) ? await lookAtReplacement(runner, path, { verb, newName }) : undefined
  if (replacement !== undefined) return replacement
  if (newName !== undefined) return lookAtBoth(runner, path, newName)
  const lookAgain = await lookAt(runner, path)
  return async () => (await lookAgain()).filter(({ kind }) => KINDS[verb].includes(kind))
}

/** A table that is altered out of its schema, or renamed in a way of its own, is not dropped. */
const KINDS: Readonly<Record<Verb, readonly SchemaChangeKind[]>> = {
  create: ['createTable', 'alterTable'],
  alter: ['alterTable'],
  drop: ['dropTable'],
}

/** The path by which the database keeps a table: SQLite finds it in any letter case, TypeORM does not. */
async function pathOf(runner: SchemaRunner, path: string): Promise<string> {
  if (!hasSingleConnection(dataSourceOf(runner)!)) return path
  const name = lastPartOf(path)
  const database = path.slice(0, path.length - name.length)
  const sql = `SELECT "name" FROM ${database}"sqlite_master" WHERE "type" = 'table' AND "name" = '${name}' COLLATE NOCASE`
  const [found] = (await runner.query(sql)) as readonly { readonly name: string }[]
  return found === undefined ? path : `${database}${found.name}`
}

// ---- stand-ins

/** What TypeORM's migrations call the table that takes another's place, on databases that cannot alter one. */
const STAND_IN = 'temporary_'

interface Replacing {
  /** The tables that stand in for another one. */
  readonly standIns: Set<string>
  /** The schemas of tables that have made room. */
  readonly aside: Map<string, string | null>
}

const replacing = new WeakMap<QueryRunner, Replacing>()

/**
 * A table that makes room for its stand-in, or comes back beside it, is the same table with another schema.
 *
 * @returns undefined where the statement is no part of replacing a table.
 */
async function lookAtReplacement(runner: SchemaRunner, path: string, { verb, newName }: Deed): Promise<LookAgain | undefined> {
  const state = replacingOf(runner)
  const { standIns, aside } = state
  const newPath = newName === undefined ? undefined : renamed(path, newName)
  if (standIns.has(path)) return lookAtStandIn(runner, path, { verb, newPath, state })
  if (verb === 'create' && (await isStandInOfPresent(runner, path))) return afterwards(() => standIns.add(path))
  if (newPath !== undefined && newPath === standInOf(path)) return setAside(runner, path, { state, standIn: newPath })
  const standIn = standInOf(path)
  if (!standIns.has(standIn)) return undefined
  if (verb === 'drop') return setAside(runner, path, { state, standIn })
  return verb === 'create' && aside.has(path) ? lookAtReplaced(runner, path, state) : undefined
}

interface StandInDeed {
  readonly verb: Verb
  readonly newPath: string | undefined
  readonly state: Replacing
}

function lookAtStandIn(runner: SchemaRunner, path: string, { verb, newPath, state }: StandInDeed): LookAgain {
  const { standIns, aside } = state
  if (newPath !== undefined && aside.has(newPath)) {
    const lookAgain = lookAtReplaced(runner, newPath, state)
    return async () => {
      standIns.delete(path)
      return lookAgain()
    }
  }
  return afterwards(() => (verb === 'drop' || newPath !== undefined ? standIns.delete(path) : undefined))
}

async function setAside(
  runner: SchemaRunner,
  path: string,
  { state, standIn }: { readonly state: Replacing; readonly standIn: string },
): Promise<LookAgain> {
  const text = await textAt(runner, path)
  return afterwards(() => {
    state.aside.set(path, text)
    state.standIns.add(standIn)
  })
}

function lookAtReplaced(runner: SchemaRunner, path: string, { aside }: Replacing): LookAgain {
  return async () => {
    const before = aside.get(path) ?? null
    aside.delete(path)
    return tableAt(runner, path, before)
  }
}

/** A table that is called like a stand-in is one if what it would stand in for is there. */
async function isStandInOfPresent(runner: SchemaRunner, path: string): Promise<boolean> {
  const name = lastPartOf(path)
  if (!name.startsWith(STAND_IN)) return false
  return (await textAt(runner, renamed(path, name.slice(STAND_IN.length)))) !== null
}

function standInOf(path: string): string {
  return renamed(path, STAND_IN + lastPartOf(path))
}

function replacingOf(runner: QueryRunner): Replacing {
  let state = replacing.get(runner)
  if (state === undefined) replacing.set(runner, (state = { standIns: new Set(), aside: new Map() }))
  return state
}

/** Nothing is told, but it is known for what follows. */
function afterwards(note: () => unknown): LookAgain {
  return () => {
    note()
    return Promise.resolve([])
  }
}
