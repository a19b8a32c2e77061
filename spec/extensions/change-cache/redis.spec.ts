/**
 * ChangeCache and dumpCache with Redis, which processes share.
 *
 * @module
 */
import KeyvRedis, { createKeyv } from '@keyv/redis'
import { sessionSubscriber } from 'flushpoint'
import { ChangeCache, dumpCache } from 'flushpoint/extensions'
import { Keyv } from 'keyv'
import { filesIn, newFolder } from '../../support/change-records.js'
import { closeDataSources, openOnUsedTables } from '../../support/databases.js'
import { Author, ENTITIES, make, Note } from '../../support/models.js'
import { describeService, uniqueName } from '../../support/services.js'

describeService('redis', 'a change cache in Redis', (url) => {
  afterEach(closeDataSources)

  const caches: readonly (readonly [string, (namespace: string) => Keyv])[] = [
    ['new Keyv(new KeyvRedis(url))', (namespace) => new Keyv(new KeyvRedis(url.href), { namespace })],
    ['createKeyv(url)', (namespace) => createKeyv(url.href, { namespace })],
  ]

  it.each(caches)('is dumped by another one on the same server: %s', async (_name, open) => {
    const namespace = uniqueName()
    const [writing, reading] = [open(namespace), open(namespace)]
    try {
      const dataSource = await openOnUsedTables({
        entities: ENTITIES,
        subscribers: [sessionSubscriber({ extensions: [ChangeCache.with({ cache: writing })] })],
      })
      const [author] = await dataSource.manager.save([make(Author, { name: 'a' }), make(Author, { name: 'b' })])
      await dataSource.manager.save(make(Note, { text: 'n' }))
      await dataSource.manager.save(Object.assign(author!, { name: 'c' }))
      const dir = await newFolder()
      expect(await dumpCache({ cache: reading, dir })).toMatchObject({
        records: 3,
        renamed: [{ from: 'Author/1_a.json', to: 'Author/1_c.json' }],
      })
      expect(Object.keys(await filesIn(dir))).toEqual(['Author/1_c.json', 'Author/2_b.json', 'Note/1.json'])
      expect(await dumpCache({ cache: reading, dir })).toMatchObject({ records: 0 })
    } finally {
      await writing.disconnect()
      await reading.disconnect()
    }
  })

  it('is told when the server is not there, and the commit stands', async () => {
    const errors: unknown[] = []
    const cache = new Keyv(new KeyvRedis('redis://127.0.0.1:1', { throwOnConnectError: false }))
    const dataSource = await openOnUsedTables({
      entities: ENTITIES,
      subscribers: [
        sessionSubscriber({
          extensions: [ChangeCache.with({ cache, timeoutMs: 200 })],
          onHookError: (error) => void errors.push(error),
        }),
      ],
    })
    await dataSource.manager.save(make(Author, { name: 'a' }))
    expect(errors).toMatchObject([{ code: expect.stringMatching(/^CHANGE_CACHE_(FAILED|TIMEOUT)$/) }])
    expect(await dataSource.manager.count(Author)).toBe(1)
    await (cache.store as KeyvRedis<unknown>).disconnect(true)
  })
})
