/** What is told in sessions of one's own, and in blocks that write nothing. */
import { openSession, sessionOf, withSession } from 'flushpoint'
import { onEvent, track } from 'flushpoint/events'
import type { OutboxOptions } from 'flushpoint/outbox'
import { errorOf, sessionExtension } from '../support/chains.js'
import { describeDatabase, isSingleConnection, recordStatements } from '../support/databases.js'
import { delivered, noted, Noted, tick, useEvents } from '../support/events.js'
import { ENTITIES, make, Tag } from '../support/models.js'
import { dropMessages, openOutbox, stepsOf, toldTo, type OutboxOpening } from '../support/outbox.js'

const tag = (name: string) => make(Tag, { name })
const open = (options?: OutboxOptions, extra?: OutboxOpening) => openOutbox(options, { entities: ENTITIES, ...extra })
const told = (...texts: string[]) => texts.map((text) => `test.noted ${text}`)

const events = useEvents()

describeDatabase('what is told in a block', () => {
  it('that writes nothing else gets a transaction', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    await withSession(dataSource, async () => {
      track(noted('a'))
      await tick()
      track(noted('b'))
    })
    expect(stepsOf(recording)).toEqual(['BEGIN', 'store', 'COMMIT'])
    expect(await toldTo(dataSource)).toEqual(told('a', 'b'))
  })

  it('that only reads, too', async () => {
    const dataSource = await open()
    await withSession(dataSource, async (session) => {
      await session.find(Tag)
      track(noted('a'))
    })
    expect(await toldTo(dataSource)).toEqual(told('a'))
  })

  it('is stored before its COMMIT where it was told before its first write', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    await withSession(dataSource, async (session) => {
      track(noted('a'))
      session.add(tag('red'))
    })
    expect(stepsOf(recording)).toEqual(['BEGIN', 'write', 'store', 'COMMIT'])
    expect(await toldTo(dataSource)).toEqual(told('a'))
  })

  it('is nothing where the block fails, begun or not', async () => {
    const dataSource = await open()
    for (const writes of [false, true]) {
      const running = withSession(dataSource, async (session) => {
        track(noted('dropped'))
        if (writes) session.add(tag('red'))
        if (writes) await session.flush()
        throw new Error('no')
      })
      expect(await errorOf(running)).toMatchObject({ message: 'no' })
    }
    await delivered()
    expect(await toldTo(dataSource)).toEqual([])
  })

  it('fails the block where it cannot be stored, and listeners hear nothing', async () => {
    const dataSource = await open({}, { hasOwnDatabase: true })
    events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text)))
    await dropMessages(dataSource)
    const running = withSession(dataSource, async (session) => {
      session.add(tag('red'))
      track(noted('a'))
    })
    expect((await errorOf(running)).message).toMatch(/outbox_message/)
    await delivered()
    expect([events.heard, await dataSource.manager.count(Tag)]).toEqual([[], 0])
  })
})

describeDatabase('what is told in a session of its own', () => {
  it('goes with the flush whose hooks told it, which is its own transaction', async () => {
    const telling = sessionExtension({ afterInsert: (entity) => track(noted((entity as Tag).name)) })
    const dataSource = await open({}, { around: (outbox) => [outbox, telling] })
    await using session = openSession(dataSource)
    const recording = recordStatements(dataSource)
    session.add(tag('red'))
    await session.flush()
    session.add(tag('blue'))
    await session.flush()
    expect(stepsOf(recording)).toEqual(['BEGIN', 'write', 'store', 'COMMIT', 'BEGIN', 'write', 'store', 'COMMIT'])
    expect(await toldTo(dataSource)).toEqual(told('red', 'blue'))
  })

  it('is not stored where that flush fails, and once where it is mended', async () => {
    const telling = sessionExtension({ beforeInsert: (entity) => track(noted((entity as Tag).name)) })
    const dataSource = await open({}, { around: (outbox) => [outbox, telling] })
    await dataSource.manager.insert(Tag, { name: 'taken' })
    await using session = openSession(dataSource)
    const red = tag('taken')
    session.add(red)
    expect((await errorOf(session.flush())).message).toMatch(/unique|duplicate/i)
    red.name = 'red'
    await session.flush()
    expect(await toldTo(dataSource)).toEqual(told('red'))
  })

  it('waits for the commit of a transaction that was begun by hand, and is gone with its rollback', async () => {
    const dataSource = await open()
    await using session = openSession(dataSource)
    for (const [text, end] of [
      ['kept', 'commit'],
      ['dropped', 'rollback'],
      ['last', 'commit'],
    ] as const) {
      await session.begin()
      track(noted(text), { session })
      await session[end]()
    }
    expect(await toldTo(dataSource)).toEqual(told('kept', 'last'))
  })

  it('waits for the commit of a query runner, whose session is named', async () => {
    const dataSource = await open()
    const runner = dataSource.createQueryRunner()
    for (const [text, end] of [
      ['kept', 'commitTransaction'],
      ['dropped', 'rollbackTransaction'],
    ] as const) {
      await runner.startTransaction()
      track(noted(text), { session: sessionOf(runner) })
      await runner[end]()
    }
    await runner.release()
    expect(await toldTo(dataSource)).toEqual(told('kept'))
  })

  it('is told to whoever commits where a session that was named is over, and is not stored', async () => {
    const dataSource = await open()
    const session = openSession(dataSource)
    await session.close()
    expect(await errorOf(() => track(noted('late'), { session }))).toMatchObject({ code: 'SESSION_CLOSED' })
    await delivered()
    expect(await toldTo(dataSource)).toEqual([])
  })
})

describeDatabase('what is told by a transaction inside another', () => {
  it('of the same session is stored once, by the outermost commit', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    await withSession(dataSource, (session) =>
      session.transaction(async () => {
        track(noted('a'))
        await session.transaction(async () => track(noted('b')))
      }),
    )
    expect(stepsOf(recording).filter((step) => step === 'store' || step === 'COMMIT')).toEqual(['store', 'COMMIT'])
    expect(await toldTo(dataSource)).toEqual(told('a', 'b'))
  })

  it('goes with its own commit on a pool, whatever becomes of the one around it, and with that one on a single connection', async () => {
    const dataSource = await open()
    await errorOf(
      withSession(dataSource, async (outer) => {
        outer.add(tag('outer'))
        await outer.flush()
        track(noted('outer'))
        await withSession(dataSource, async (inner) => {
          inner.add(tag('inner'))
          track(noted('inner'))
        })
        throw new Error('no')
      }),
    )
    expect(await toldTo(dataSource)).toEqual(isSingleConnection() ? [] : told('inner'))
  })

  const describeJoined = isSingleConnection() ? describe : describe.skip

  describeJoined('on a single connection, which it joins,', () => {
    it('is stored in the order of the calls', async () => {
      const dataSource = await open()
      await withSession(dataSource, async (outer) => {
        outer.add(tag('outer'))
        await outer.flush()
        track(noted('a'))
        await withSession(dataSource, async () => track(noted('b')))
        track(noted('c'))
        await withSession(dataSource, async (inner) => {
          track(noted('d'))
          inner.add(tag('inner'))
          await inner.flush()
          track(noted('e'))
        })
      })
      expect(await toldTo(dataSource)).toEqual(told('a', 'b', 'c', 'd', 'e'))
    })

    it('is stored in the order of the calls inside a transaction of TypeORM', async () => {
      const dataSource = await open()
      await dataSource.transaction(async (manager) => {
        track(noted('a'))
        await manager.save(tag('outer'))
        await withSession(dataSource, async (inner) => {
          inner.add(tag('inner'))
          track(noted('b'))
        })
        track(noted('c'))
      })
      expect(await toldTo(dataSource)).toEqual(told('a', 'b', 'c'))
    })

    it('is nothing where it is undone alone', async () => {
      const dataSource = await open()
      await withSession(dataSource, async (outer) => {
        outer.add(tag('outer'))
        await outer.flush()
        track(noted('a'))
        await errorOf(
          withSession(dataSource, async (inner) => {
            inner.add(tag('undone'))
            await inner.flush()
            track(noted('undone'))
            throw new Error('no')
          }),
        )
        await errorOf(
          outer.transaction(async () => {
            await withSession(dataSource, async () => track(noted('undone with its level')))
            throw new Error('no')
          }),
        )
        await withSession(dataSource, async () => track(noted('b')))
      })
      expect(await toldTo(dataSource)).toEqual(told('a', 'b'))
    })

    it('is nothing where its own commit is vetoed, and the transaction around it goes on', async () => {
      const dataSource = await open()
      await dataSource.transaction(async (manager) => {
        track(noted('a'))
        await manager.save(tag('outer'))
        const vetoed = withSession(dataSource, async (inner) => {
          track(noted('vetoed'))
          inner.onBeforeCommit(() => {
            throw new Error('veto')
          })
        })
        expect(await errorOf(vetoed)).toMatchObject({ message: 'veto' })
        track(noted('b'))
      })
      expect(await toldTo(dataSource)).toEqual(told('a', 'b'))
    })
  })
})
