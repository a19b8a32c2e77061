/**
 * ChangeCache: caches that are down or slow, with and without an outbox.
 *
 * @module
 */
import { sessionSubscriber, type SessionExtensionInput } from 'flushpoint'
import { ChangeCache, changeCacheSubscription, dumpCache, type ChangeCacheOptions, type RecordCache } from 'flushpoint/extensions'
import { outboxOf, type CloudEvent } from 'flushpoint/outbox'
import { Keyv } from 'keyv'
import { sessionExtension } from '../../support/chains.js'
import { entriesIn, filesIn, newFolder, recordsIn } from '../../support/change-records.js'
import { closeDataSources, openOnUsedTables } from '../../support/databases.js'
import { messagesOf, openOutbox } from '../../support/outbox.js'
import { Author, ENTITIES, make, Note } from '../../support/models.js'
import { errorOf } from '../../support/sessions.js'
import { hearing, startRelay, until } from '../../support/relays.js'
import { describeWays } from '../../support/ways-in.js'

/** A cache in memory whose `set` fails, or hangs, as long as it is asked to. */
class Moody extends Map<string, unknown> {
  mood: 'good' | 'throws' | 'hangs' = 'good'
  sets = 0
  override set(key: string, value: unknown): this {
    this.sets++
    if (this.mood === 'throws') throw new Error('connection refused')
    return super.set(key, value)
  }
}

function hanging(): { readonly cache: RecordCache; readonly store: Map<string, unknown>; release: () => void } {
  const store = new Map<string, unknown>()
  let release = () => {}
  const free = new Promise<void>((resolve) => (release = resolve))
  const cache: RecordCache = {
    get: (key) => Promise.resolve(store.get(key)),
    delete: (key) => Promise.resolve(store.delete(key)),
    set: async (key, value) => {
      await free
      store.set(key, value)
    },
  }
  return { cache, store, release }
}

describeWays('a change cache that does not answer', (way) => {
  const errors: (Error & { code?: string; hook?: string })[] = []
  afterEach(async () => {
    errors.length = 0
    await closeDataSources()
  })

  const open = (options: ChangeCacheOptions) =>
    openOnUsedTables({
      entities: ENTITIES,
      subscribers: [
        sessionSubscriber({
          extensions: [ChangeCache.with(options)],
          onHookError: (error, { hook }) => void errors.push(Object.assign(error as Error, { hook })),
        }),
      ],
    })

  it('leaves the commit as it is, and is told', async () => {
    const store = new Moody()
    store.mood = 'throws'
    const cache = new Keyv(store)
    const dataSource = await open({ cache })
    await way.save(dataSource, make(Author, { name: 'a' }))
    expect(await dataSource.manager.count(Author)).toBe(1)
    expect(errors).toMatchObject([
      { code: 'CHANGE_CACHE_FAILED', hook: 'afterCommit', message: expect.stringContaining('connection refused') },
    ])
    store.mood = 'good'
    await way.save(dataSource, make(Author, { name: 'b' }))
    expect(await recordsIn(cache)).toMatchObject([{ created: [{ obj_as_str: 'b' }] }])
  })

  it('holds up no commit for longer than its time', async () => {
    const { cache, store, release } = hanging()
    const dataSource = await open({ cache, timeoutMs: 20 })
    await way.save(dataSource, make(Author, { name: 'a' }))
    expect(errors).toMatchObject([{ code: 'CHANGE_CACHE_TIMEOUT', hook: 'afterCommit' }])
    expect(await dataSource.manager.count(Author)).toBe(1)
    release()
    await until('the cache has it', () => store.size === 1)
  })

  it('is asked nothing more while a call hangs, listened to by nobody, and asked again when it answers', async () => {
    const { cache, store, release } = hanging()
    const listeners = new Set<unknown>()
    let sets = 0
    const counting: RecordCache = {
      ...cache,
      set: (key, value) => (sets++, cache.set(key, value)),
      on: (_event, listener) => listeners.add(listener),
      off: (_event, listener) => listeners.delete(listener),
    }
    const dataSource = await open({ cache: counting, timeoutMs: 20 })
    for (const name of ['a', 'b', 'c']) await way.save(dataSource, make(Author, { name }))
    expect(errors.map(({ code }) => code)).toEqual(['CHANGE_CACHE_TIMEOUT', 'CHANGE_CACHE_HANGING', 'CHANGE_CACHE_HANGING'])
    expect([sets, listeners.size]).toEqual([1, 0])
    release()
    await until('the cache has answered', () => store.size === 1)
    await way.save(dataSource, make(Author, { name: 'd' }))
    expect([errors.length, sets, store.size]).toEqual([3, 2, 2])
  })
})

describeWays('a change cache behind an outbox', (way) => {
  afterEach(closeDataSources)

  async function open(name: string) {
    const store = new Moody()
    const cache = new Keyv(store)
    const subscription = changeCacheSubscription(cache, { name })
    const dataSource = await openOutbox(
      { subscriptions: [subscription] },
      { entities: ENTITIES, around: (outbox) => [ChangeCache.with({ cache, roots: [Author, Note] }), outbox] },
    )
    return { store, cache, dataSource, subscriptions: [{ ...subscription, retry: { attempts: 1_000, baseMs: 5, maxMs: 20 } }] }
  }

  it('keeps its records in the transaction, and loses none while it is down', async () => {
    const { store, cache, dataSource, subscriptions } = await open('down')
    store.mood = 'throws'
    await way.save(dataSource, make(Author, { name: 'a' }))
    await way.save(dataSource, make(Author, { name: 'b' }))
    expect(store.sets).toBe(0)
    expect(await messagesOf(dataSource)).toMatchObject([
      {
        type: 'change_cache.recorded.down',
        partition_key: 'change_cache.recorded.down',
        payload: { record: { created: [{ obj_as_str: 'a' }] } },
      },
      { payload: { record: { created: [{ obj_as_str: 'b' }] } } },
    ])
    await startRelay(dataSource, { subscriptions })
    await until('it was tried', () => store.sets > 0)
    store.mood = 'good'
    await until('both have arrived', () => store.size === 2)
    expect((await recordsIn(cache)).map(({ created }) => created[0]!.obj_as_str)).toEqual(['a', 'b'])
    const dir = await newFolder()
    await dumpCache({ cache, dir })
    expect(Object.keys(await filesIn(dir))).toEqual(['Author/1_a.json', 'Author/2_b.json'])
  })

  it('keeps nothing of what is rolled back', async () => {
    const { dataSource } = await open('undone')
    const failed = way.transaction(dataSource, async ({ save }) => {
      await save(make(Author, { name: 'a' }))
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    await way.transaction(dataSource, () => Promise.resolve())
    expect(await messagesOf(dataSource)).toEqual([])
  })

  it('has a record once, however often it is delivered', async () => {
    const { cache, dataSource, subscriptions } = await open('twice')
    await way.save(dataSource, make(Author, { name: 'a' }))
    const [message] = await messagesOf(dataSource)
    const { deliver } = subscriptions[0]!
    await deliver.handle({ data: message!.payload })
    await deliver.handle({ data: message!.payload })
    expect(await entriesIn(cache)).toHaveLength(1)
  })

  it('is served by a relay with subscriptions of its own, too', async () => {
    const cache = new Keyv(new Map())
    const dataSource = await openOutbox({}, { entities: ENTITIES, around: (outbox) => [ChangeCache.with({ cache }), outbox] })
    const heard: CloudEvent[] = []
    await startRelay(dataSource, { subscriptions: [hearing(heard)] })
    await way.save(dataSource, make(Author, { name: 'a' }))
    await until('both have it', async () => (await recordsIn(cache)).length === 1 && heard.length === 1)
  })

  it('needs nobody to list its subscription, and gives that of each cache a name of its own', async () => {
    const [first, second] = [new Keyv(new Map()), new Keyv(new Map())]
    const around = (outbox: SessionExtensionInput) => [ChangeCache.with({ cache: first }), ChangeCache.with({ cache: second }), outbox]
    const dataSource = await openOutbox({}, { entities: ENTITIES, around })
    await way.save(dataSource, make(Author, { name: 'a' }))
    expect(await recordsIn(first)).toEqual([])
    expect((await messagesOf(dataSource)).map(({ type }) => String(type)).sort()).toEqual([
      'change_cache.recorded',
      'change_cache.recorded.change-cache-2',
    ])
    await startRelay(dataSource)
    await until('both have it', async () => (await recordsIn(first)).length === 1 && (await recordsIn(second)).length === 1)
    expect((await outboxOf(dataSource).status()).subscriptions.map(({ name }) => name).sort()).toEqual(['change-cache', 'change-cache-2'])
  })

  it('writes at once where the outbox does not keep its records', async () => {
    const cache = new Keyv()
    changeCacheSubscription(cache, { name: 'unkept' })
    const dataSource = await openOutbox(
      { events: ['film.*'] },
      { entities: ENTITIES, around: (outbox) => [ChangeCache.with({ cache }), outbox] },
    )
    await way.save(dataSource, make(Author, { name: 'a' }))
    expect(await recordsIn(cache)).toHaveLength(1)
  })

  it('has a record of its own for work that comes after the first was kept', async () => {
    const cache = new Keyv()
    const subscription = changeCacheSubscription(cache, { name: 'late' })
    const Late = sessionExtension({
      beforeCommit() {
        const { session } = this
        const deep = (left: number): void => session.onBeforeCommit(() => (left > 0 ? deep(left - 1) : later()))
        const later = () => void (session.journal.length === 1 && session.add(make(Note, { text: 'late' })))
        deep(4)
      },
    })
    const dataSource = await openOutbox(
      { subscriptions: [subscription] },
      { entities: ENTITIES, around: (outbox) => [ChangeCache.with({ cache, roots: [Author, Note] }), outbox, Late] },
    )
    await way.save(dataSource, make(Author, { name: 'a' }))
    const created = (await messagesOf(dataSource)).map(
      ({ payload }) => (payload as { record: { created: { model: string }[] } }).record.created,
    )
    expect(created.map((rows) => rows.map(({ model }) => model))).toEqual([['Author'], ['Note']])
  })
})

it.each([['*'], [''], ['plugin:x'], [' x']])('a subscription of a change cache is not named %j', async (name) => {
  expect(await errorOf(() => changeCacheSubscription(new Keyv(), { name }))).toMatchObject({ code: 'OPTION_INVALID' })
})
