/**
 * Compares the objects of a session, and the tables, with what the oracle says.
 *
 * @module
 */
import type { ObjectLiteral } from 'typeorm'
import { TYPES, type Kind, type Oracle, type Row, type Thing, type Token } from './session-oracle.js'
import { takeRelated } from './session-commands.js'
import { isUnread, type Names, type World } from './session-world.js'

// ---- comparing

export function compareThings(oracle: Oracle, { session }: World): void {
  for (const thing of [...oracle.things]) adopt(oracle, thing)
  for (const thing of oracle.things) {
    const label = `${thing.kind} "${thing.entity.name}" (number ${oracle.things.indexOf(thing)})`
    const status = session.state(thing.entity).status
    const expected = oracle.statusOf(thing)
    if (status !== expected && !isUnread(thing) && !(thing.isReached && status === 'new'))
      throw new Error(`${label} should be ${expected} and is ${status}`)
    if (thing.place === 'gone') continue
    if (thing.isReached && thing.place === 'loose') takeColumns(thing)
    const [real, wanted] = [pictureOfEntity(thing), pictureOfThing(oracle, thing)]
    if (real !== wanted) throw new Error(`${label} should be\n${wanted} and is\n${real}`)
  }
}

/** What only a cascade has taken in is pending for the session, so that a rollback restores it; the model does not follow cascades that far. */
function takeColumns({ entity, now }: Thing): void {
  for (const name of Object.keys(now.columns)) now.columns[name] = (entity as unknown as ObjectLiteral)[name] as never
}

function pictureOfEntity({ kind, entity, now }: Thing): string {
  const columns = Object.fromEntries(Object.keys(now.columns).map((name) => [name, (entity as unknown as ObjectLiteral)[name] as unknown]))
  const players = {
    soft: Boolean(entity.deletedAt),
    version: entity.version,
    club: entity.club?.id,
    badges: idsOf(entity.badges),
    kits: idsOf(entity.kits),
  }
  return JSON.stringify({
    key: entity.id,
    columns,
    ...(kind === 'Player' && players),
  })
}

function pictureOfThing(oracle: Oracle, { kind, row, now, place, version, entity }: Thing): string {
  if (now.club && entity.club !== (now.club.entity as unknown)) throw new Error(`${entity.name} has another club object`)
  const ids = (members: readonly Thing[] | undefined) => idsOf(members?.map((member) => member.entity))
  const isSoft = place === 'loose' ? Boolean(entity.deletedAt) : now.isSoft
  const players = {
    soft: isSoft,
    version,
    club: now.club?.entity.id,
    badges: ids(now.badges),
    kits: ids(now.kits),
  }
  return JSON.stringify({
    key: place === 'loose' ? undefined : row?.key,
    columns: now.columns,
    ...(kind === 'Player' && players),
  })
}

function idsOf(members: readonly { id: number; name: string }[] | undefined): string[] | undefined {
  return members?.map(({ id, name }) => `${id} ${name}`).sort()
}

/** A flush may load what it has to know of a row that it deletes. */
function adopt(oracle: Oracle, thing: Thing): void {
  const { kind, place, entity, now, row } = thing
  const { badges } = entity
  if (kind !== 'Player' || (place !== 'managed' && place !== 'deleted') || now.badges !== undefined || badges === undefined) return
  takeRelated(oracle, thing)
  now.badges = badges.map((badge) => oracle.things.find((one) => one.entity === (badge as unknown))!)
  if (thing.base !== undefined) thing.base = { ...thing.base, badges: [...now.badges] }
  const wanted = [...(oracle.tables.get(row!)?.badges ?? [])].map(({ key }) => String(key))
  if (place === 'managed')
    assertSame(
      'badges that a flush has read',
      wanted,
      badges.map(({ id }) => String(id)),
    )
}

export async function compareTables(oracle: Oracle, { ds, names, session, callbacks }: World): Promise<void> {
  const isInside = oracle.level !== undefined
  const query = (sql: string) => {
    if (!isInside) return ds.query(sql)
    const ask = () => session.manager.query(sql)
    return callbacks.length === 0 ? ask() : callbacks.at(-1)!.run(ask)
  }
  await assertSameRows([...oracle.tables.values()], names, query)
}

/** Compares table by table. */
export async function assertSameRows(rows: readonly Row[], names: Names, query: (sql: string) => Promise<unknown>): Promise<void> {
  for (const kind of Object.keys(TYPES) as Kind[]) {
    const wanted = rows.filter(({ token }) => token.kind === kind).map((row) => textOfRow(kind, row))
    const found = ((await query(`SELECT * FROM ${names[kind]}`)) as ObjectLiteral[]).map((raw) => textOfRaw(kind, raw))
    assertSame(kind, wanted, found)
  }
  const links = rows.flatMap(({ token, badges }) => [...badges].map((badge) => `${token.key} ${badge.key}`))
  const found = ((await query(`SELECT * FROM ${names.links}`)) as ObjectLiteral[]).map((raw) => `${raw['playerId']} ${raw['badgeId']}`)
  assertSame('player_badges', links, found)
}

function assertSame(table: string, wanted: string[], found: string[]): void {
  const [a, b] = [wanted.sort().join('\n'), found.sort().join('\n')]
  if (a !== b) throw new Error(`${table} should be\n${a}\nand is\n${b}`)
}

function textOfRow(kind: Kind, { token, columns, isSoft, version, club, owner }: Row): string {
  const { name, code = null, data = null } = columns
  const players = { code, data, isSoft, version, club: club?.key ?? null }
  return JSON.stringify({
    id: token.key,
    name,
    ...(kind === 'Player' ? players : kind === 'Club' ? { code } : kind === 'Kit' ? { owner: owner?.key ?? null } : {}),
  })
}

function textOfRaw(kind: Kind, { id, name, code, data, version, deletedAt, clubId, ownerId }: ObjectLiteral): string {
  const players = {
    code,
    data: data === null || data === undefined ? null : (JSON.parse(data as string) as unknown),
    isSoft: deletedAt !== null,
    version,
    club: clubId,
  }
  return JSON.stringify({
    id,
    name,
    ...(kind === 'Player' ? players : kind === 'Club' ? { code } : kind === 'Kit' ? { owner: ownerId } : {}),
  })
}

// ---- rows to begin with

/** Empties the tables and puts a few rows there, with keys that no sequence gives. */
export async function seed({ ds, names }: World, oracle: Oracle): Promise<void> {
  for (const name of [names.links, names.Kit, names.Player, names.Badge, names.Club]) await ds.query(`DELETE FROM ${name}`)
  const put = (kind: Kind, key: number, values: Partial<Row>): Row => {
    const token: Token = { kind, key: -key }
    const row = {
      token,
      columns: {},
      isSoft: false,
      version: undefined,
      club: null,
      owner: null,
      badges: new Set<Token>(),
      ...values,
    }
    oracle.tables.set(token, row)
    return row
  }
  const club = put('Club', 1, { columns: { name: 'c1', code: 'a' } })
  put('Club', 2, { columns: { name: 'c2', code: null } })
  const badge = put('Badge', 1, { columns: { name: 'b1' } })
  put('Badge', 2, { columns: { name: 'b2' } })
  const badges = new Set([badge.token])
  const player = put('Player', 1, {
    columns: { name: 'p1', code: 'b', data: { list: [1] } },
    version: 1,
    club: club.token,
    badges,
  })
  put('Player', 2, {
    columns: { name: 'p2', code: null, data: null },
    version: 1,
  })
  put('Kit', 1, { columns: { name: 'k1' }, owner: player.token })
  put('Kit', 2, { columns: { name: 'k2' } })
  const column = (name: string) => ds.driver.escape(name)
  await ds.query(`INSERT INTO ${names.Club} (id, name, code) VALUES (-1, 'c1', 'a'), (-2, 'c2', NULL)`)
  await ds.query(`INSERT INTO ${names.Badge} (id, name) VALUES (-1, 'b1'), (-2, 'b2')`)
  await ds.query(
    `INSERT INTO ${names.Player} (id, name, code, data, version, ${column('clubId')}) VALUES (-1, 'p1', 'b', '{"list":[1]}', 1, -1), (-2, 'p2', NULL, NULL, 1, NULL)`,
  )
  await ds.query(`INSERT INTO ${names.Kit} (id, name, ${column('ownerId')}) VALUES (-1, 'k1', -1), (-2, 'k2', NULL)`)
  await ds.query(`INSERT INTO ${names.links} (${column('playerId')}, ${column('badgeId')}) VALUES (-1, -1)`)
}
