/**
 * What the differential spec may do to entities of each class: the values of its columns, and where its relations may lead.
 *
 * Values are such that TypeORM finds them unchanged when it reads them back; else it would write them again with each save, and count a
 * version for it. Only classes without a version hold others.
 *
 * @module
 */
import fc from 'fast-check'
import { Day } from './columns.js'
import { databaseName, isSingleConnection } from './databases.js'
import { Money, Mood } from './session-models.js'
import {
  Address,
  Berth,
  Craft,
  Crate,
  Ferry,
  Licence,
  Parcel,
  Point,
  Port,
  Sailor,
  Seal,
  Service,
  Ship,
  Slot,
  Trawler,
} from './twin-models.js'

export type KindName = keyof typeof KINDS

/** `all`: any row · `earlier`: no row that is inserted after it · `stored`: no new row · `free`: a row that no other leads to */
export interface ToOne {
  readonly targets: readonly string[]
  readonly among: 'all' | 'earlier' | 'stored' | 'free'
  /** The database deletes the row with its target. */
  readonly isCarriedOff?: boolean
  /** Part of the key: never empty, never changed. */
  readonly isKey?: boolean
  /** The property that holds its key. */
  readonly joins?: string
}

/** `links`: a many-to-many · `children`: whoever is free · `orphans`: made with their parent, deleted when that drops them */
export interface Collection {
  readonly target: string
  readonly holds: 'links' | 'children' | 'orphans'
}

export interface Kind {
  readonly type: new () => any
  readonly columns: Readonly<Record<string, fc.Arbitrary<unknown>>>
  /** Columns whose values are {@link FRESH}, {@link OTHERS} or null. */
  readonly uniques?: readonly string[]
  /** Columns that no update writes. */
  readonly onlyNew?: Readonly<Record<string, fc.Arbitrary<unknown>>>
  readonly toOnes?: Readonly<Record<string, ToOne>>
  readonly collections?: Readonly<Record<string, Collection>>
  /** Has a delete date. */
  readonly isSoft?: boolean
  /** Of keys that are not generated. */
  readonly keyOf?: (number: number) => object
  /** What a new entity has from the start. */
  readonly parts?: () => object
  /** The collection of its parent that inserts it. */
  readonly parent?: { readonly kind: string; readonly path: string }
}

/** Becomes a value that no row has. */
export const FRESH = 'fresh'
/** Becomes the value that another row has. */
export const OTHERS = "another's"

const { server, mariadb } = { server: !isSingleConnection(), mariadb: databaseName() === 'mariadb' }

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 3 })
/** Without zeros and halves of characters. */
const sound = (text: string) => Buffer.from(text.replaceAll('\0', '')).toString()
/** Texts that look like something else, or need quotes. */
const TRICKY = `| |x |it's|"a"|{"a":1}|[1]|null|NULL|true|007|1e3|12.50|-0|a\\b|$1|?|:x|😀|é`.split('|')
const text = fc.oneof(
  fc.constantFrom(...TRICKY),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map(sound),
  fc.string({ unit: 'binary', maxLength: 8 }).map(sound),
)
/** Texts that databases and documents carry in ways of their own: half characters, and zeros where they are allowed. */
const oddText = fc.oneof(
  { weight: 15, arbitrary: text },
  fc.constantFrom('\ud83d', 'a\udc00b', '\u2028', ...(databaseName() === 'postgres' ? [] : ['\0', 'a\0b'])),
)
const word = fc.stringMatching(/^[^\0,]{1,8}$/u).map(sound)
const int = fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.nat(3))
const real = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 }),
    fc.constantFrom(0.1, 1e21, 1e-7, 5e-324, 123456789.12345679),
  )
  .map((value) => (Object.is(value, -0) ? 0 : mariadb && Math.abs(value) < 1e-290 ? 0 : value))
const moment = fc.date({ min: new Date('1971-01-01T00:00:00Z'), max: new Date('2019-12-31T00:00:00Z'), noInvalidDate: true })
const dayText = moment.map((date) => date.toISOString().slice(0, 10))
const money = fc.tuple(int, fc.constantFrom('EUR', 'USD')).map(([amount, currency]) => new Money(amount, currency))
/** SQLite gives bigints and decimals as numbers. */
const big: fc.Arbitrary<string | number> = server ? fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) : fc.maxSafeInteger()
const decimal = fc
  .tuple(fc.integer({ min: -(10 ** (server ? 14 : 9)), max: 10 ** (server ? 14 : 9) }), fc.nat(9999))
  .map(([whole, part]) => (server ? `${whole}.${String(part).padStart(4, '0')}` : Number(`${whole}.${part}`)))
/** Under no name that all objects have: TypeORM takes those for methods and loses them. */
const json = fc
  .anything({
    key: word.map((name) => `~${name}`),
    values: [text, fc.double({ noNaN: true, noDefaultInfinity: true }), int, fc.boolean(), fc.constant(null)],
    maxKeys: 3,
  })
  .map((value) => JSON.parse(JSON.stringify(typeof value === 'object' && value !== null ? value : [value])) as unknown)

const address = (path: string) => ({
  [`${path}.street`]: maybe(text),
  [`${path}.rent`]: maybe(money),
  [`${path}.at.x`]: maybe(int),
  [`${path}.at.y`]: maybe(int),
})
const newAddress = () => Object.assign(new Address(), { at: new Point() })

const SHIP = { name: maybe(text) }
const BERTHED: Readonly<Record<string, ToOne>> = { berth: { targets: ['Berth'], among: 'all' } }

export const KINDS = {
  Port: {
    type: Port,
    columns: {
      sign: fc.constantFrom(null, FRESH, OTHERS),
      odd: maybe(oddText),
      depth: maybe(real),
      plan: maybe(fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes))),
      opened: maybe(dayText.map((day) => new Day(day))),
      notes: maybe(json),
      tides: maybe(fc.array(text, { maxLength: 3 })),
    },
    uniques: ['sign'],
    toOnes: { near: { targets: ['Port'], among: 'earlier' } }, // MariaDB refuses rows of one INSERT that lead to later ones, TypeORM's are
    collections: { links: { target: 'Port', holds: 'links' } },
    keyOf: () => ({}),
  },
  Craft: { type: Craft, columns: { tool: maybe(text), grade: int }, onlyNew: { maker: maybe(text) } },
  Sailor: {
    type: Sailor,
    columns: {
      name: maybe(text),
      rank: maybe(text),
      isFit: fc.boolean(),
      pay: maybe(decimal),
      miles: maybe(big),
      born: maybe(dayText),
      seen: maybe(moment),
      data: maybe(json),
      words: maybe(fc.array(word, { maxLength: 3 })),
      mood: maybe(fc.constantFrom(...Object.values(Mood))),
      debt: maybe(money),
      ...address('address'),
      createdAt: moment,
      updatedAt: moment,
    },
    toOnes: {
      home: { targets: ['Port'], among: 'all' },
      mentor: { targets: ['Sailor'], among: 'stored' }, // TypeORM sets keys of new rows of the same class by a second UPDATE, which counts a version
    },
    collections: { crafts: { target: 'Craft', holds: 'links' } },
    isSoft: true,
    parts: () => ({ address: newAddress() }),
  },
  Licence: {
    type: Licence,
    columns: { text: maybe(text) },
    toOnes: { sailor: { targets: ['Sailor'], among: 'free', isCarriedOff: true, joins: 'sailorId' } }, // TypeORM has no order in which unique values are given up and taken
  },
  Berth: {
    type: Berth,
    columns: { length: maybe(int) },
    toOnes: { port: { targets: ['Port'], among: 'all' } },
    keyOf: (number) => ({ pier: ['north', 'süd', "o'east"][number % 3], place: number }),
  },
  Service: {
    type: Service,
    columns: {},
    collections: { berths: { target: 'Berth', holds: 'links' } },
    keyOf: (number) => ({ number }),
  },
  Ship: { type: Ship, columns: SHIP, toOnes: BERTHED, isSoft: true },
  Ferry: {
    type: Ferry,
    columns: { ...SHIP, seats: maybe(int) },
    toOnes: { ...BERTHED, captain: { targets: ['Sailor'], among: 'all' } },
    isSoft: true,
  },
  Trawler: {
    type: Trawler,
    columns: { ...SHIP, nets: maybe(fc.array(word, { maxLength: 3 })), ...address('office') },
    toOnes: BERTHED,
    isSoft: true,
    parts: () => ({ office: newAddress() }),
  },
  Crate: {
    type: Crate,
    columns: { label: maybe(text) },
    toOnes: { ship: { targets: ['Ship', 'Ferry', 'Trawler'], among: 'all' }, under: { targets: ['Crate'], among: 'all' } },
    collections: { parcels: { target: 'Parcel', holds: 'children' }, seals: { target: 'Seal', holds: 'orphans' } },
    parts: () => ({ parcels: [], seals: [] }),
  },
  Slot: {
    type: Slot,
    columns: { note: maybe(text) },
    toOnes: { crate: { targets: ['Crate'], among: 'all', isCarriedOff: true, isKey: true, joins: 'crateId' } },
    keyOf: (number) => ({ place: number }),
  },
  Parcel: { type: Parcel, columns: { weight: maybe(decimal) } },
  Seal: { type: Seal, columns: { wax: maybe(text) }, parent: { kind: 'Crate', path: 'seals' } },
} as const satisfies Record<string, Kind>

export const KIND_NAMES = Object.keys(KINDS) as KindName[]

export function kindOf(name: KindName): Kind {
  return KINDS[name]
}
