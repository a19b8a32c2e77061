/**
 * One entity with a value in every kind of column, stored by a session, and how specs compare it.
 *
 * @module
 */
import { Day } from './columns.js'
import { isSingleConnection } from './databases.js'
import { make } from './models.js'
import { openWithSession } from './opened-session.js'
import { Kinds, Money, Mood, Place, Spot } from './session-models.js'

export function place(values: Partial<Place> = {}): Place {
  return make(Place, {
    city: 'Bonn',
    notes: { floor: 2, tags: ['a'] },
    rent: new Money(700, 'EUR'),
    spot: make(Spot, { x: 1, y: 2 }),
    ...values,
  })
}

/** One value of each kind, as users write it. */
export function everyKind(): Partial<Kinds> {
  return {
    text: "it's",
    whole: -3,
    real: 0.5,
    big: '9007199254740995',
    decimal: '1234.5000',
    flag: false,
    date: '2024-02-29',
    moment: new Date('2024-02-29T12:34:56.789Z'),
    bytes: Buffer.from([0, 255, 39]),
    json: { b: 1, a: [1, { c: null }], d: 'x' },
    simpleJson: { z: 1, list: [3, 1, 2] },
    simpleArray: ['a', 'b'],
    texts: ['x', 'y,z'],
    wholes: [3, 1],
    mood: Mood.none,
    simpleMood: Mood.sad,
    price: new Money(5, 'EUR'),
    day: new Day('2024-02-29'),
    secret: 'hush',
    hidden: 'out of sight',
    place: place(),
  }
}

export const KINDS = Object.keys(everyKind()) as (keyof Kinds)[]
export const LOADED = KINDS.filter((name) => name !== 'hidden')
/** SQLite gives bigints and decimals as numbers. */
export const inexact = isSingleConnection() ? { big: 9007199254740996, decimal: 1234.5 } : {}

export async function stored(values: Partial<Kinds> = everyKind()) {
  const opened = await openWithSession()
  const inserting = opened.another()
  const kinds = make(Kinds, { place: place(), ...values })
  inserting.add(kinds)
  await inserting.flush()
  return { ...opened, inserting, inserted: kinds, id: kinds.id }
}

/** The properties an UPDATE of Kinds assigns, by column name. */
export function assigned(sql: string): string[] {
  const set = sql.slice(sql.indexOf(' SET ') + 5, sql.indexOf(' WHERE '))
  return [...set.matchAll(/["`](\w+)["`]\s*=/g)].map(([, name]) => name!)
}

/** Values as they are compared: SQLite gives bigints and decimals as numbers, and key order means nothing. */
export function plain(entity: object): Record<string, unknown> {
  const { id: _id, hidden: _hidden, ...values } = { ...entity } as Record<string, unknown>
  for (const name of ['big', 'decimal']) if (name in values && values[name] !== null) values[name] = Number(values[name])
  for (const name of ['version', 'weight']) if (name in values) values[name] = Number(values[name])
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null))
}
