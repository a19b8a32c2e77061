/** What is told outside of every transaction is stored by one of its own, in order; and where nobody can say where to, it stays in this process. */
import { sessionSubscriber, withContext } from 'flushpoint'
import { defineEvent, eventsSettled, onEvent, track, triggerEvent } from 'flushpoint/events'
import { outboxEntities, Outbox, type OutboxOptions } from 'flushpoint/outbox'
import { errorOf } from '../support/chains.js'
import { databaseName, describeDatabase, openDataSource, recordStatements, type Recording } from '../support/databases.js'
import { delivered, noted, Noted, thrownBy, tick, useEvents, warnings } from '../support/events.js'
import { Article, ENTITIES, make } from '../support/models.js'
import { dropMessages, isStoring, messagesOf, openOutbox, stepsOf, toldTo, type OutboxOpening } from '../support/outbox.js'
import { usePlugin } from '../support/use-plugin.js'

const Priced = defineEvent<{ lines: readonly { price: unknown }[] }>()('order.priced')

const article = (title = 'A') => make(Article, { title })
const open = (options?: OutboxOptions, extra?: OutboxOpening) => openOutbox(options, { entities: ENTITIES, ...extra })
const told = (...texts: string[]) => texts.map((text) => `test.noted ${text}`)
const trigger = (...ids: number[]) => ids.forEach((id) => triggerEvent('test.event', { id }))
const stores = ({ statements }: Recording) => statements.filter(isStoring).length

const events = useEvents()

describeDatabase('what is tracked outside of a transaction', () => {
  it('is stored by one of its own, which eventsSettled waits for', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    track(noted('a'))
    await eventsSettled()
    expect(stepsOf(recording)).toEqual(['BEGIN', 'store', 'COMMIT'])
    expect(await toldTo(dataSource)).toEqual(told('a'))
  })

  it('is heard by listeners once', async () => {
    const dataSource = await open()
    events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text)))
    track(noted('a'))
    await eventsSettled()
    expect([events.heard, await toldTo(dataSource)]).toEqual([['a'], told('a')])
  })

  it('is stored in the order of the calls, however many there are, by few transactions', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    const texts = Array.from({ length: 200 }, (_, index) => `${index}`)
    for (const text of texts.slice(0, 100)) track(noted(text))
    await tick()
    for (const text of texts.slice(100)) track(noted(text))
    await eventsSettled()
    expect(stores(recording)).toBeLessThanOrEqual(4)
    expect(await toldTo(dataSource)).toEqual(told(...texts))
  })

  it('carries the context it was told in', async () => {
    const dataSource = await open()
    withContext({ tenant: 'acme', requestId: 'r1' }, () => track(noted('a')))
    await eventsSettled()
    expect((await messagesOf(dataSource)).map(({ headers }) => headers)).toEqual([{ requestId: 'r1', tenant: 'acme' }])
  })

  it('is told to onEventError where it cannot be stored, and listeners hear it all the same', async () => {
    const dataSource = await open({}, { hasOwnDatabase: true })
    const failures = events.failures()
    events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text)))
    await dropMessages(dataSource)
    track(noted('a'))
    track(noted('b'))
    await eventsSettled()
    expect(failures.map(({ event, listener, kind }) => [event.name, listener, kind])).toEqual(
      Array(2).fill(['test.noted', 'outbox', 'outbox']),
    )
    expect(failures.map(({ error }) => String(error))).toEqual(Array(2).fill(expect.stringMatching(/outbox_message/)))
    expect(events.heard).toEqual(['a', 'b'])
  })

  it('is stored again after a failure', async () => {
    const dataSource = await open()
    const failures = events.failures()
    const failing = jest.spyOn(dataSource, 'transaction').mockRejectedValueOnce(new Error('lost'))
    track(noted('lost'))
    await eventsSettled()
    track(noted('kept'))
    await eventsSettled()
    failing.mockRestore()
    expect([failures.map(({ error }) => (error as Error).message), await toldTo(dataSource)]).toEqual([['lost'], told('kept')])
  })

  it('is refused where it could never be stored, and nobody hears of it', async () => {
    const dataSource = await open()
    events.keep(onEvent('*')(({ name }) => void events.heard.push(name)))
    const error = thrownBy(() => track(new Priced({ lines: [{ price: 1 }, { price: 2n }] })))
    expect([error.code, error.message]).toEqual(['OUTBOX_PAYLOAD_INVALID', expect.stringContaining('$.lines[1].price') as string])
    await eventsSettled()
    expect([events.heard, await messagesOf(dataSource)]).toEqual([[], []])
  })

  it('is heard by listeners alone where `events` does not name it, and nothing is sent', async () => {
    const dataSource = await open({ events: ['order.*'] })
    const recording = recordStatements(dataSource)
    events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text)))
    track(noted('a'))
    await eventsSettled()
    expect([events.heard, recording.sql()]).toEqual([['a'], []])
  })
})

describeDatabase('two data sources with an outbox', () => {
  const plugin = usePlugin(events)
  const another = () =>
    openDataSource({
      entities: outboxEntities(databaseName()),
      subscribers: [sessionSubscriber({ extensions: [Outbox.with({ worker: 'none' })] })],
    })

  it('keep what is told in their transactions; what is told outside stays in this process, which is said once', async () => {
    const [one, two] = [await open(), await another()]
    const said = warnings()
    events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text)))
    track(noted('outside'))
    trigger(1)
    await one.transaction(async () => track(noted('one')))
    await two.transaction(async () => track(noted('two')))
    await eventsSettled()
    expect([await toldTo(one), await toldTo(two)]).toEqual([told('one'), told('two')])
    expect([events.heard, plugin.sample.ids]).toEqual([['outside', 'one', 'two'], [1]])
    expect(said.map(({ code }) => code)).toEqual(['OUTBOX_AMBIGUOUS'])
    jest.restoreAllMocks()
  })

  it('are one where the other is closed', async () => {
    const [one, two] = [await open(), await another()]
    await two.destroy()
    track(noted('a'))
    await eventsSettled()
    expect(await toldTo(one)).toEqual(told('a'))
  })

  it('are one where only one lists it: there goes also what a transaction of the other one tells', async () => {
    const one = await open()
    const plain = await openDataSource({ entities: ENTITIES, subscribers: [sessionSubscriber({})] })
    await plain.transaction(async (manager) => {
      await manager.save(article())
      track(noted('committed'))
      trigger(7)
      await delivered()
      expect(await messagesOf(one)).toEqual([])
    })
    await errorOf(
      plain.transaction(async (manager) => {
        await manager.save(article())
        track(noted('rolled back'))
        throw new Error('no')
      }),
    )
    await eventsSettled()
    expect((await messagesOf(one)).map(({ type }) => type)).toEqual(['test.noted', 'test.event'])
  })
})
