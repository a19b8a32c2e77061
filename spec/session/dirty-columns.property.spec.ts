/**
 * Random values of every column kind: clean once inserted, clean as loaded, equal to what was set, before and after a change.
 *
 * @module
 */
import fc from 'fast-check'
import type { OpenSession } from 'flushpoint'
import { Day } from '../support/columns.js'
import { describeDatabase, isSingleConnection, type Recording } from '../support/databases.js'
import { make } from '../support/models.js'
import { Kinds, Money, Mood, Place, Spot } from '../support/session-models.js'
import { expectClean, openWithSession } from '../support/opened-session.js'

const noZero = (text: string) => text.replaceAll('\0', '')
const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map(noZero)
const word = fc.stringMatching(/^[^\0,]{1,12}$/u)
const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const moment = fc.date({ min: new Date('1971-01-01T00:00:00Z'), max: new Date('2037-12-31T00:00:00Z'), noInvalidDate: true })
const dayText = moment.map((date) => date.toISOString().slice(0, 10))
/** MariaDB keeps no more digits than these of what it is sent as text. */
const real = fc.double({ min: -1e12, max: 1e12, noNaN: true }).map((value) => (Math.abs(value) < 1e-6 ? 0 : Number(value.toPrecision(12))))
const money = fc.tuple(int, fc.constantFrom('EUR', 'USD')).map(([amount, currency]) => new Money(amount, currency))
const mood = fc.constantFrom(...Object.values(Mood))
/** SQLite gives bigints and decimals as numbers. */
const big = isSingleConnection() ? fc.maxSafeInteger() : fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const whole = fc.integer({ min: -(10 ** (isSingleConnection() ? 9 : 14)), max: 10 ** (isSingleConnection() ? 9 : 14) })
const decimal = fc.tuple(whole, fc.integer({ min: 0, max: 9999 })).map(([before, after]) => `${before}.${String(after).padStart(4, '0')}`)
/** No bare values: TypeORM stores a bare text as no JSON. */
const json = fc
  .oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()))
  .map((value) => JSON.parse(JSON.stringify(value, jsonAsStored)) as unknown)

/** PostgreSQL stores no zero characters in jsonb, and no database tells -0 from 0. */
function jsonAsStored(_name: string, value: unknown): unknown {
  if (typeof value === 'string') return noZero(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [noZero(name), member as unknown]))
}

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 4 })

const spot = fc.record({ x: maybe(int), y: maybe(int) }).map((values) => make(Spot, values))
const place = fc
  .record({ city: maybe(text), notes: maybe(fc.dictionary(word, fc.integer())), rent: maybe(money), spot })
  .map((values) => Object.assign(new Place(), values))

const kinds = fc.record({
  text: maybe(text),
  whole: maybe(int),
  real: maybe(real),
  big: maybe(big.map(String)),
  decimal: maybe(decimal),
  flag: maybe(fc.boolean()),
  date: maybe(dayText),
  moment: maybe(moment),
  bytes: maybe(fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes))),
  json: maybe(json),
  simpleJson: maybe(json),
  simpleArray: maybe(fc.array(word, { maxLength: 4 })),
  texts: maybe(fc.array(text, { maxLength: 4 })),
  wholes: maybe(fc.array(int, { maxLength: 4 })),
  mood: maybe(mood),
  simpleMood: maybe(mood),
  price: maybe(money),
  day: maybe(dayText.map((day) => new Day(day))),
  secret: maybe(text),
  place,
}) as fc.Arbitrary<Values>

type Sessions = readonly [writing: OpenSession, reading: OpenSession, checking: OpenSession]
type Values = Partial<Kinds> & Pick<Kinds, 'place'>

/** Values as specs compare them. */
function plain(values: Values): unknown {
  const { id: _id, hidden: _hidden, ...rest } = values
  const asNumber = (value: string | number | null | undefined) =>
    value === null || value === undefined ? null : isSingleConnection() ? Number(value) : canonical(String(value))
  return { ...rest, big: asNumber(rest.big), decimal: asNumber(rest.decimal) }
}

/** "-0.5000" and "0.5000" of "-0" and 5000 are told apart by the text we made, not by the database. */
function canonical(value: string): string {
  return /^-0*(\.0*)?$/.test(value) ? value.slice(1) : value
}

async function roundTrip(pairs: [Values, Values][], [writing, reading, checking]: Sessions, sent: Recording): Promise<void> {
  const entities = pairs.map(([values]) => Object.assign(new Kinds(), structured(values)))
  writing.add(...entities)
  await writing.flush()
  await expectClean(writing, sent)
  for (const [index, { id }] of entities.entries()) {
    const [before, after] = pairs[index]!
    const loaded = await reading.getOrFail(Kinds, id)
    expect(plain(loaded)).toEqual(plain(before))
    await expectClean(reading, sent)
    Object.assign(loaded, structured(after))
    await reading.flush()
    await expectClean(reading, sent)
    expect(plain(await checking.getOrFail(Kinds, id))).toEqual(plain(after))
  }
  await expectClean(checking, sent)
}

describeDatabase('random values of every kind', () => {
  it('are clean once inserted, loaded and changed, and equal in every session', async () => {
    const { another, sent } = await openWithSession() // statement 17
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(kinds, kinds), { minLength: 1, maxLength: 3 }), async (pairs) => {
        const sessions = [another(), another(), another()] as const
        try {
          await roundTrip(pairs, sessions, sent)
        } finally {
          for (const session of sessions) await session.close()
        }
      }),
      { numRuns: 60 },
    )
  }, 120_000)
})

/** A copy that shares nothing with the values a failure is shrunk from. */
function structured(values: Values): Values {
  const { price, day, place: at, bytes, ...rest } = values
  return Object.assign({}, structuredClone(rest), {
    bytes: bytes ? Buffer.from(bytes) : null,
    price: moneyOf(price),
    day: day ? new Day(day.text) : null,
    place: Object.assign(new Place(), at, {
      notes: structuredClone(at.notes),
      rent: moneyOf(at.rent),
      spot: Object.assign(new Spot(), at.spot),
    }),
  })
}

function moneyOf(money: Money | null | undefined): Money | null {
  return money ? new Money(money.amount, money.currency) : null
}
