/** What an event may carry: it is stored as it is, or refused where it is told, with the place of the bad value. */
import { withSession } from 'flushpoint'
import { defineEvent, onEvent, track } from 'flushpoint/events'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { delivered, noted, thrownBy, useEvents } from '../support/events.js'
import { ENTITIES, make, Tag } from '../support/models.js'
import { isStoring, messagesOf, openOutbox } from '../support/outbox.js'
import { describeWays } from '../support/ways-in.js'

const Told = defineEvent<{ data?: unknown; lines?: readonly unknown[]; text?: unknown }>()('test.told')
const open = () => openOutbox({}, { entities: ENTITIES })
const events = useEvents()

const MIB = 2 ** 20

describeDatabase('a payload', () => {
  const stored = async (...payloads: ConstructorParameters<typeof Told>[0][]) => {
    const dataSource = await open()
    await withSession(dataSource, async () => payloads.forEach((payload) => track(new Told(payload))))
    return (await messagesOf(dataSource)).map(({ payload }) => payload)
  }

  it('is read back as it was told: numbers, texts, booleans, null, lists and objects', async () => {
    const data = {
      numbers: [0, -1.5, 1e21, 2 ** 53 - 1],
      texts: ['', ' ', 'null', '{"a":1}', '%s $1 ? :name'],
      flags: [true, false, null],
      nested: [[[{ a: { b: [] } }]], {}],
    }
    expect(await stored({ data })).toEqual([{ data }])
  })

  it.each([
    ['unicode', 'żółć 日本語 🎬 \u202Eabc\u200B'],
    ['quotes and backslashes', `'"\`\\ \\n '' "" ; DROP TABLE outbox_message; --`],
    ['line breaks and controls', '\n\r\t\b\f\v\x01\x1f\x7f\u2028\u2029'],
    ['NUL, which no text of PostgreSQL can hold', 'a\0b\0'],
    ['half a surrogate pair', '\ud83d and \udfac'],
  ])('is read back as it was told: %s', async (_, text) => {
    expect(await stored({ text, data: { [text]: [text] } })).toEqual([{ text, data: { [text]: [text] } }])
  })

  it('says dates, and whatever says itself in JSON, as texts', async () => {
    const price = { toJSON: () => '12.50 EUR' }
    expect(await stored({ data: [new Date(0), price, new URL('https://a.example/b')] })).toEqual([
      { data: ['1970-01-01T00:00:00.000Z', '12.50 EUR', 'https://a.example/b'] },
    ])
  })

  it('may be a MiB', async () => {
    const text = 'ü"'.repeat(MIB / 2)
    const [payload] = await stored({ text })
    expect((payload as { text: string }).text === text).toBe(true)
  })

  it('may be a MiB in each of forty events of one transaction', async () => {
    const dataSource = await open()
    await withSession(dataSource, async () => {
      for (let index = 0; index < 40; index++) track(new Told({ data: index, text: String.fromCharCode(97 + (index % 26)).repeat(MIB) }))
    })
    const messages = await messagesOf(dataSource)
    expect(messages.map(({ payload }) => (payload as { data: number }).data)).toEqual(Array.from({ length: 40 }, (_, index) => index))
    expect(messages.every(({ payload }) => (payload as { text: string }).text.length === MIB)).toBe(true)
  })

  it('may be of many events: one statement as far as the database takes it', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    await withSession(dataSource, async () => {
      for (let index = 0; index < 12_000; index++) track(noted(`${index}`))
    })
    expect(recording.statements.filter(isStoring).length).toBeLessThanOrEqual(12)
    const texts = (await messagesOf(dataSource)).map(({ payload }) => (payload as { text: string }).text)
    expect(texts).toEqual(Array.from({ length: 12_000 }, (_, index) => `${index}`))
  })
})

describeWays('a payload that JSON cannot carry', (way) => {
  const circle: { around?: unknown } = {}
  circle.around = [circle]

  it.each([
    ['a bigint', { lines: [{ price: 1 }, { price: 2 }, { price: 3 }, { price: 4n }] }, '$.lines[3].price'],
    ['no number', { data: { ratio: 0 / 0 } }, '$.data.ratio'],
    ['infinity', { data: [[Infinity]] }, '$.data[0][0]'],
    ['a map', { data: { prices: new Map([['a', 1]]) } }, '$.data.prices'],
    ['a set', { data: new Set([1]) }, '$.data'],
    ['bytes', { data: { image: new Uint8Array(2) } }, '$.data.image'],
    ['a symbol', { data: [Symbol('a')] }, '$.data[0]'],
    ['a function', { data: { run: () => 1 } }, '$.data.run'],
    ['an error', { data: new Error('secret') }, '$.data'],
    ['an invalid date', { data: new Date('x') }, '$.data'],
    ['a circle', { data: circle }, '$.data.around[0]'],
    ['a hidden bigint', { data: { toJSON: () => ({ deep: 1n }) } }, '$.data.deep'],
  ])('is refused where it is told, with its place, and the transaction goes on: %s', async (_, payload, path) => {
    const dataSource = await open()
    events.keep(onEvent('*')(({ name }) => void events.heard.push(name)))
    await way.transaction(dataSource, async (work) => {
      await work.save(make(Tag, { name: 'red' }))
      const error = thrownBy(() => track(new Told(payload)))
      expect(error.code).toBe('OUTBOX_PAYLOAD_INVALID')
      expect(error.message).toContain(`"test.told" in an outbox: ${path} is `)
      expect(error.message).not.toContain('secret')
      track(noted('good'))
    })
    await delivered()
    expect((await messagesOf(dataSource)).map(({ type }) => type)).toEqual(['test.noted'])
    expect([events.heard, await dataSource.manager.count(Tag)]).toEqual([['test.noted'], 1])
  })
})

describeDatabase('an event with a payload that JSON cannot carry', () => {
  it('is heard in this process where no outbox keeps it', async () => {
    const dataSource = await openOutbox({ events: ['order.*'] }, { entities: ENTITIES })
    const heard: unknown[] = []
    events.keep(onEvent(Told)(({ data }) => void heard.push(data)))
    await withSession(dataSource, async () => track(new Told({ data: 1n })))
    await delivered()
    expect(heard).toEqual([1n])
  })
})
