/** What is told in a transaction is stored in it, by one statement before its COMMIT; in every way in. */
import { mapper, withoutExtensions } from 'flushpoint'
import { enablePluginEvents, onEvent, registerPlugin, track, triggerEvent } from 'flushpoint/events'
import type { OutboxOptions } from 'flushpoint/outbox'
import { errorOf, extend, mapperExtension, sessionExtension } from '../support/chains.js'
import { recordStatements } from '../support/databases.js'
import { delivered, noted, Noted, SamplePlugin, tick, useEvents } from '../support/events.js'
import { once } from '../support/hooks.js'
import { Article, ENTITIES, make, Tag } from '../support/models.js'
import { isStoring, messagesOf, openOutbox, toldTo, type OutboxOpening } from '../support/outbox.js'
import { describeWays } from '../support/ways-in.js'

const article = (title = 'A') => make(Article, { title })
const open = (options?: OutboxOptions, extra?: OutboxOpening) => openOutbox(options, { entities: ENTITIES, ...extra })
const say = (text: string) => () => track(noted(text))

const events = useEvents()
afterEach(() => {
  enablePluginEvents(false)
  mapper(Article, { extensions: [] })
})

describeWays('what is tracked in a transaction', (way) => {
  it('is stored by one statement, the last before COMMIT, a thousand events as one, in the order of the calls', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    await way.transaction(dataSource, async (work) => {
      for (let index = 0; index < 1_000; index++) track(noted(`${index}`))
      await work.save(article())
    })
    const at = recording.statements.findIndex(isStoring)
    expect(recording.statements.filter(isStoring)).toHaveLength(1)
    expect(recording.sql().slice(at + 1)).toEqual(['COMMIT'])
    expect(await toldTo(dataSource)).toEqual(Array.from({ length: 1_000 }, (_, index) => `test.noted ${index}`))
  })

  it('is nothing where nothing is told: no statement more', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    await way.transaction(dataSource, (work) => work.save(article()))
    expect(recording.sql().filter((sql) => sql.includes('outbox'))).toEqual([])
    expect(await messagesOf(dataSource)).toEqual([])
  })

  it('is not stored when the transaction is rolled back, and the error reaches the caller', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    const running = way.transaction(dataSource, async (work) => {
      track(noted('dropped'))
      await work.save(article())
      throw new Error('no')
    })
    expect(await errorOf(running)).toMatchObject({ message: 'no' })
    expect([recording.statements.filter(isStoring), await toldTo(dataSource)]).toEqual([[], []])
    await way.transaction(dataSource, async (work) => {
      await work.save(article())
      track(noted('kept'))
    })
    expect(await toldTo(dataSource)).toEqual(['test.noted kept'])
  })

  it('is gone with what another hook before the commit vetoes', async () => {
    const veto = sessionExtension({
      beforeCommit: () => {
        throw new Error('veto')
      },
    })
    const dataSource = await open({}, { around: (outbox) => [outbox, veto] })
    const running = way.transaction(dataSource, async (work) => {
      track(noted('dropped'))
      await work.save(article())
    })
    expect(await errorOf(running)).toMatchObject({ message: 'veto' })
    expect([await toldTo(dataSource), await dataSource.manager.count(Article)]).toEqual([[], 0])
  })

  it('comes from hooks in their order, also of extensions listed before and after the outbox that tell before the commit', async () => {
    extend(Article, mapperExtension({ beforeInsert: say('M.beforeInsert'), afterInsert: say('M.afterInsert') }))
    const other = (name: string) =>
      sessionExtension({ afterInsert: say(`${name}.afterInsert`), beforeCommit: once(say(`${name}.beforeCommit`)) as never })
    const dataSource = await open({}, { around: (outbox) => [other('first'), outbox, other('last')] })
    const recording = recordStatements(dataSource)
    await way.transaction(dataSource, async (work) => {
      track(noted('code'))
      await work.save(article())
    })
    const told = [
      'code',
      'M.beforeInsert',
      'M.afterInsert',
      'first.afterInsert',
      'last.afterInsert',
      'first.beforeCommit',
      'last.beforeCommit',
    ]
    expect(await toldTo(dataSource)).toEqual(told.map((text) => `test.noted ${text}`))
    expect(recording.statements.filter(isStoring)).toHaveLength(1)
  })

  it('is stored by one statement with what is told at the commit', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    await way.transaction(dataSource, async ({ session, ...work }) => {
      await work.save(article())
      track(noted('early'))
      session.onBeforeCommit(() => {
        track(noted('late'))
        session.add(make(Tag, { name: 'red' }))
      })
    })
    const after = recording.sql().slice(recording.statements.findIndex(isStoring))
    expect(after.map((sql) => /outbox_message|tag|COMMIT/.exec(sql)?.[0]).filter(Boolean)).toEqual(['outbox_message', 'COMMIT'])
    expect(await toldTo(dataSource)).toEqual(['test.noted early', 'test.noted late'])
  })

  it('is heard by listeners once, when it is committed', async () => {
    const dataSource = await open()
    events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text)))
    await way.transaction(dataSource, async (work) => {
      track(noted('a'))
      await work.save(article())
      await delivered()
      expect(events.heard).toEqual([])
    })
    await delivered()
    expect([events.heard, await toldTo(dataSource)]).toEqual([['a'], ['test.noted a']])
  })

  it('is heard by listeners alone where `events` does not name it', async () => {
    const dataSource = await open({ events: ['order.*', 'test.some'] })
    events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text)))
    const recording = recordStatements(dataSource)
    await way.transaction(dataSource, async (work) => {
      track(noted('a'))
      await work.save(article())
    })
    await delivered()
    expect([events.heard, await toldTo(dataSource)]).toEqual([['a'], []])
    expect(recording.sql().filter((sql) => /BEGIN|START/.test(sql))).toHaveLength(1)
  })

  it.each([['withoutExtensions', {}] as const, ['withoutExtensions with a journal', { journal: true }] as const])(
    'is heard by listeners alone inside %s',
    async (_, silence) => {
      const dataSource = await open()
      events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text)))
      await way.transaction(dataSource, async (work) => {
        await work.save(article())
        await withoutExtensions(silence, async () => {
          await tick()
          track(noted('fixture'))
        })
        track(noted('told'))
      })
      await delivered()
      expect([events.heard, await toldTo(dataSource)]).toEqual([['fixture', 'told'], ['test.noted told']])
    },
  )
})

describeWays('what is triggered in a transaction', (way) => {
  const TEN = Array.from({ length: 10 }, (_, index) => index)
  const trigger = (...ids: number[]) => ids.forEach((id) => triggerEvent('test.event', { id }))
  /** Registered before there is an outbox: what is told of that is no matter here. */
  const plugin = () => {
    enablePluginEvents(true)
    const sample = new SamplePlugin('sample', (name) => name !== 'plugins_loaded')
    events.keep(registerPlugin(sample))
    return sample
  }

  it('is stored beside what is tracked, in the order of the calls, and handed to no plugin here', async () => {
    const { processed } = plugin()
    const dataSource = await open()
    await way.transaction(dataSource, async (work) => {
      trigger(1)
      track(noted('a'))
      await work.save(article())
      trigger(2)
    })
    await delivered()
    expect((await messagesOf(dataSource)).map(({ kind, type }) => `${kind} ${type}`)).toEqual([
      'triggered test.event',
      'tracked test.noted',
      'triggered test.event',
    ])
    expect(processed).toEqual([])
  })

  it('is nothing while plugin events are off', async () => {
    const dataSource = await open()
    await way.transaction(dataSource, async (work) => {
      trigger(1)
      await work.save(article())
    })
    expect(await messagesOf(dataSource)).toEqual([])
  })

  it('is handed to plugins here where `events` does not name it', async () => {
    const sample = plugin()
    const dataSource = await open({ events: ['order.*'] })
    await way.transaction(dataSource, async (work) => {
      trigger(1)
      await work.save(article())
    })
    await delivered()
    expect([sample.ids, await messagesOf(dataSource)]).toEqual([[1], []])
  })

  it('is nothing inside withoutExtensions', async () => {
    const sample = plugin()
    const dataSource = await open()
    await way.transaction(dataSource, async (work) => {
      await work.save(article())
      withoutExtensions(() => trigger(1))
    })
    await delivered()
    expect([sample.ids, await messagesOf(dataSource)]).toEqual([[], []])
  })

  // C28
  it('disappears with a rollback', async () => {
    plugin()
    const dataSource = await open()
    await errorOf(
      way.transaction(dataSource, async (work) => {
        trigger(...TEN)
        await work.save(article())
        throw new Error('no')
      }),
    )
    expect([await messagesOf(dataSource), await dataSource.manager.count(Article)]).toEqual([[], 0])
  })

  it('keeps its data as they were when it was told', async () => {
    plugin()
    const dataSource = await open()
    const payload = { id: 1, list: ['a'] }
    await way.transaction(dataSource, async (work) => {
      await work.save(article())
      triggerEvent('test.event', payload)
      payload.list.push('b')
    })
    expect((await messagesOf(dataSource)).map((message) => message.payload)).toEqual([{ id: 1, list: ['a'] }])
  })
})
