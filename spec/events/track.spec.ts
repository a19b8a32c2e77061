/** Events leave a transaction after its commit, in order, and never after a rollback; in both ways in. */
import { currentContext, openSession, sessionOf, tryCurrentSession, withContext, withoutExtensions, withSession } from 'flushpoint'
import { defineEvent, DomainEvent, eventsSettled, onEvent, registerEvents, track } from 'flushpoint/events'
import { errorOf, extend, mapperExtension, sessionExtension, useDatabase } from '../support/chains.js'
import { describeDatabase, isSingleConnection } from '../support/databases.js'
import { delivered, gate, noted, Noted, thrownBy, tick, useEvents } from '../support/events.js'
import { once } from '../support/hooks.js'
import { Article, make, Tag } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

const article = (title = 'A') => make(Article, { title })
const say = (text: string) => () => track(noted(text))

describe('an event tracked outside of a transaction', () => {
  const events = useEvents()

  it('is delivered at once, but never before track returns', async () => {
    events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text)))
    track(noted('a'))
    track(noted('b'))
    events.heard.push('tracked')
    await eventsSettled()
    expect(events.heard).toEqual(['tracked', 'a', 'b'])
  })

  it('is frozen: what listeners get is what was tracked', () => {
    class Sold extends DomainEvent {
      static override readonly eventName = 'test.sold'
      count = 1
    }
    events.keep(registerEvents(Sold))
    const sold = new Sold()
    sold.count = 2
    track(sold)
    expect(() => (sold.count = 3)).toThrow(TypeError)
  })

  it('tells what it told when it was tracked, whatever becomes of lists and objects in it', async () => {
    const Listed = defineEvent<{ ids: number[]; at: Date; by: { name: string }[] }>()('test.listed')
    class Counted extends DomainEvent {
      static override readonly eventName = 'test.counted'
      constructor(
        readonly words: Map<string, number[]>,
        readonly bytes: Buffer,
        readonly owner: Article,
      ) {
        super()
      }
    }
    events.keep(registerEvents(Counted))
    const given = { ids: [1], at: new Date(0), by: [{ name: 'ann' }] }
    const [words, bytes, owner] = [new Map([['a', [1]]]), Buffer.from('a'), article()]
    const [listed, counted] = [new Listed(given), new Counted(words, bytes, owner)]
    track(listed)
    track(counted)
    given.ids.push(2)
    given.at.setTime(1)
    given.by[0]!.name = 'bob'
    words.get('a')!.push(2)
    bytes.write('b')
    expect(listed.properties()).toEqual({ ids: [1], at: new Date(0), by: [{ name: 'ann' }] })
    expect([[...counted.words], counted.bytes.toString(), Buffer.isBuffer(counted.bytes)]).toEqual([[['a', [1]]], 'a', true])
    expect(counted.owner).toBe(owner)
    expect(() => listed.ids.push(3)).toThrow(TypeError)
    expect(() => (listed.by[0]!.name = 'cid')).toThrow(TypeError)
  })

  it('may tell a circle', () => {
    const Circled = defineEvent<{ node: { self?: unknown } }>()('test.circled')
    const node: { self?: unknown } = {}
    node.self = node
    const event = new Circled({ node })
    track(event)
    expect([event.node === node, event.node.self === event.node]).toEqual([false, true])
  })

  it('may be tracked where nobody listens', async () => {
    track(noted('a'))
    await eventsSettled()
    events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text)))
    await eventsSettled()
    expect(events.heard).toEqual([])
  })
})

describeWays('an event tracked in a transaction', (way) => {
  const db = useDatabase()
  const events = useEvents()
  const listen = () => events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text)))
  const settled = async () => {
    await delivered()
    return events.heard
  }

  // B27
  it('is delivered once, after the commit, in the order of the calls', async () => {
    listen()
    await way.transaction(db.use(), async (work) => {
      track(noted('first'))
      await work.save(article())
      track(noted('second'))
      await tick()
      track(noted('third'))
      expect(await settled()).toEqual([])
    })
    expect(await settled()).toEqual(['first', 'second', 'third'])
    expect(await db.ds.manager.count(Article)).toBe(1)
  })

  // B28
  it('is dropped when the transaction is rolled back, and the error reaches the caller', async () => {
    listen()
    const running = way.transaction(db.use(), async (work) => {
      await work.save(article())
      track(noted('dropped'))
      throw new Error('no')
    })
    expect(await errorOf(running)).toMatchObject({ message: 'no' })
    expect([await settled(), await db.ds.manager.count(Article)]).toEqual([[], 0])
  })

  // B29
  it('is no must: without one nothing is delivered', async () => {
    events.keep(onEvent('*')(({ name }) => void events.heard.push(name)))
    await way.transaction(db.use(), (work) => work.save(article()))
    expect([await settled(), await db.ds.manager.count(Article)]).toEqual([[], 1])
  })

  // B17
  it('is dropped when a statement after it fails', async () => {
    await way.seed(db.use(), make(Tag, { name: 'red' }))
    listen()
    const running = way.transaction(db.ds, async (work) => {
      track(noted('dropped'))
      await work.save(make(Tag, { name: 'red' }))
    })
    expect((await errorOf(running)).message).toMatch(/unique|duplicate/i)
    expect([await settled(), await db.ds.manager.count(Tag)]).toEqual([[], 1])
  })

  // B30
  it('keeps its place among those that hooks track', async () => {
    listen()
    extend(Article, mapperExtension({ beforeInsert: say('M.beforeInsert'), afterInsert: say('M.afterInsert') }))
    const ds = db.use(
      sessionExtension({
        beforeInsert: say('S.beforeInsert'),
        afterInsert: say('S.afterInsert'),
        beforeCommit: once(say('S.beforeCommit')) as never,
      }),
    )
    await way.transaction(ds, async (work) => {
      track(noted('from the function'))
      await work.save(article())
      track(noted('after the save'))
    })
    expect(await settled()).toEqual([
      'from the function',
      'S.beforeInsert',
      'M.beforeInsert',
      'M.afterInsert',
      'S.afterInsert',
      'after the save',
      'S.beforeCommit',
    ])
  })

  // B35
  it('stands alone where the hooks around it track nothing', async () => {
    listen()
    extend(Article, mapperExtension({ beforeInsert: () => null as never }))
    await way.transaction(db.use(sessionExtension({ beforeInsert: () => undefined, beforeCommit: () => undefined })), async (work) => {
      await work.save(article())
      track(noted('from the function'))
    })
    expect([await settled(), await db.ds.manager.count(Article)]).toEqual([['from the function'], 1])
  })

  // B31
  it('is delivered when nobody awaits the transaction, and dropped when that fails', async () => {
    listen()
    const ds = db.use()
    const committed = way.transaction(ds, async (work) => {
      track(noted('committed'))
      await work.save(article())
    })
    const failed = way.transaction(ds, async (work) => {
      track(noted('dropped'))
      await work.save(article())
      throw new Error('no')
    })
    expect(events.heard).toEqual([])
    await Promise.allSettled([committed, failed])
    expect(await settled()).toEqual(['committed'])
  })

  it('goes with its savepoint: dropped when that is rolled back, kept when it is released', async () => {
    listen()
    await way.transaction(db.use(), async (work) => {
      track(noted('outer'))
      const undone = work.transaction(async (inner) => {
        track(noted('dropped'))
        await inner.save(article('undone'))
        await inner.transaction(async () => {
          await tick()
          track(noted('dropped with the one around it'))
        })
        throw new Error('no')
      })
      expect(await errorOf(undone)).toMatchObject({ message: 'no' })
      await work.transaction(async (inner) => {
        await inner.save(article('kept'))
        track(noted('inner'))
      })
      track(noted('outer again'))
      expect(await settled()).toEqual([])
    })
    expect(await settled()).toEqual(['outer', 'inner', 'outer again'])
    expect((await db.ds.manager.find(Article)).map(({ title }) => title)).toEqual(['kept'])
  })

  it('tells what is in the database: a listener reads the row', async () => {
    const ds = db.use()
    events.keep(
      onEvent(Noted)(async ({ text }) => {
        events.heard.push(`${text} ${await ds.manager.countBy(Article, { title: text })}`)
      }),
    )
    await way.transaction(ds, async (work) => {
      await work.save(article('A'))
      track(noted('A'))
    })
    expect(await settled()).toEqual(['A 1'])
  })

  it('reaches listeners outside of the transaction, in the context of the call', async () => {
    events.keep(
      onEvent(Noted)(async ({ text, actor }) => {
        await tick()
        events.heard.push(`${text} ${String(actor)} ${String(currentContext().requestId)} ${String(tryCurrentSession())}`)
      }),
    )
    await withContext({ actor: 'ann' }, () =>
      way.transaction(db.use(), async (work) => {
        await work.save(article())
        withContext({ requestId: 'r1' }, () => track(noted('a')))
        track(noted('b'))
      }),
    )
    expect(await settled()).toEqual(['a ann r1 undefined', 'b ann undefined undefined'])
  })

  it('may be answered by a listener with a transaction and an event of its own', async () => {
    const ds = db.use()
    events.keep(
      onEvent(Noted)(async ({ text }) => {
        events.heard.push(text)
        if (text !== 'A' && text !== 'B') return
        await way.transaction(ds, async (work) => {
          await work.save(article(`of ${text}`))
          track(noted(`then ${text}`))
        })
        await errorOf(
          way.transaction(ds, async (work) => {
            await work.save(article('undone'))
            track(noted('dropped'))
            throw new Error('no')
          }),
        )
      }),
    )
    await way.transaction(ds, async (work) => {
      await work.save(article())
      track(noted('A'))
      track(noted('B'))
    })
    expect(await settled()).toEqual(['A', 'B', 'then A', 'then B'])
    expect((await ds.manager.find(Article)).map(({ title }) => title).sort()).toEqual(['A', 'of A', 'of B'])
  })

  it('by a hook of a single save goes with the commit of that save', async () => {
    listen()
    extend(
      Article,
      mapperExtension({
        afterInsert: async (entity: Article) => {
          track(noted(entity.title))
          expect(await settled()).not.toContain(entity.title)
          if (entity.title === 'bad') throw new Error('no')
        },
      }),
    )
    const ds = db.use()
    await way.save(ds, article('good'))
    expect(await errorOf(way.save(ds, article('bad')))).toMatchObject({ message: 'no' })
    expect([await settled(), await ds.manager.count(Article)]).toEqual([['good'], 1])
  })

  it('by a hook after the outcome is delivered at once', async () => {
    listen()
    const ds = db.use(sessionExtension({ afterCommit: say('afterCommit'), afterRollback: say('afterRollback') }))
    await way.transaction(ds, async (work) => {
      await work.save(article())
      work.session.onCommit(say('onCommit'))
    })
    expect(await settled()).toEqual(['afterCommit', 'onCommit'])
    await errorOf(
      way.transaction(ds, async (work) => {
        await work.save(article())
        work.session.onRollback(say('onRollback'))
        throw new Error('no')
      }),
    )
    expect(await settled()).toEqual(['afterCommit', 'onCommit', 'afterRollback', 'onRollback'])
  })

  describe('by code that outlives it', () => {
    const leaving = () => {
      const over = gate()
      const behind: Promise<void>[] = []
      return {
        leave: (text: string) => void behind.push(over.opened.then(say(text))),
        goOn: () => {
          over.open()
          return Promise.all(behind)
        },
      }
    }
    const fail = () => Promise.reject(new Error('no'))

    it('is delivered at once after the commit, and dropped after the rollback', async () => {
      listen()
      const { leave, goOn } = leaving()
      await way.transaction(db.use(), async (work) => {
        await work.save(article())
        leave('committed')
      })
      await errorOf(
        way.transaction(db.ds, async (work) => {
          await work.save(article())
          leave('rolled back')
          await fail()
        }),
      )
      await errorOf(
        way.transaction(db.ds, async () => {
          leave('nothing written')
          await fail()
        }),
      )
      await goOn()
      expect(await settled()).toEqual(['committed'])
    })

    it('is dropped after the rollback of its savepoint, though the transaction around it is committed', async () => {
      listen()
      const { leave, goOn } = leaving()
      await way.transaction(db.use(), async (work) => {
        await errorOf(
          work.transaction(async (inner) => {
            await inner.save(article('undone'))
            leave('undone')
            await inner.transaction(async (innermost) => {
              await innermost.save(article('undone with the one around it'))
              leave('undone with the one around it')
            })
            await fail()
          }),
        )
        await work.transaction(async (inner) => {
          await inner.save(article('kept'))
          leave('kept')
        })
        await goOn()
        track(noted('outer'))
        expect(await settled()).toEqual([])
      })
      expect(await settled()).toEqual(['kept', 'outer'])
    })

    it('is dropped when its savepoint was released into a transaction that is rolled back', async () => {
      listen()
      const { leave, goOn } = leaving()
      await errorOf(
        way.transaction(db.use(), async (work) => {
          await work.transaction(async (inner) => {
            await inner.save(article())
            leave('released')
          })
          await fail()
        }),
      )
      await goOn()
      expect(await settled()).toEqual([])
    })

    it('goes with a transaction of its own where it begins one', async () => {
      listen()
      const over = gate()
      const behind: Promise<unknown>[] = []
      const ds = db.use()
      await errorOf(
        way.transaction(ds, async (work) => {
          await work.save(article('undone'))
          const again = () =>
            way.transaction(ds, async (own) => {
              await own.save(article('kept'))
              track(noted('its own'))
            })
          behind.push(over.opened.then(again))
          await fail()
        }),
      )
      over.open()
      await Promise.all(behind)
      expect(await settled()).toEqual(['its own'])
      expect((await ds.manager.find(Article)).map(({ title }) => title)).toEqual(['kept'])
    })

    it('of a hook goes with the outcome of what that belongs to', async () => {
      listen()
      const { leave, goOn } = leaving()
      extend(Article, mapperExtension({ afterInsert: ({ title }: Article) => leave(title) }))
      const ds = db.use()
      await way.save(ds, article('committed'))
      await errorOf(
        way.transaction(ds, async (work) => {
          await work.save(article('rolled back'))
          await fail()
        }),
      )
      await goOn()
      expect(await settled()).toEqual(['committed'])
    })
  })

  it('comes in the place of the callback of the commit that tracks it', async () => {
    listen()
    await way.transaction(db.use(), async (work) => {
      await work.save(article())
      track(noted('1'))
      work.session.onCommit(say('of the callback'))
      track(noted('2'))
    })
    expect(await settled()).toEqual(['1', 'of the callback', '2'])
  })

  it('cannot be waited for inside it: a listener that writes may wait for its end', async () => {
    const ds = db.use()
    events.keep(onEvent(Noted)(() => ds.manager.save(article('of the listener'))))
    track(noted('before'))
    await way.transaction(ds, async (work) => {
      await work.save(article())
      const error = await errorOf(eventsSettled())
      expect(error).toMatchObject({ code: 'EVENTS_AWAIT_THEMSELVES', message: expect.stringContaining('inside a transaction') as string })
    })
    await eventsSettled()
    expect(await ds.manager.count(Article)).toBe(2)
  })

  it('is no extension: it is delivered inside withoutExtensions as well', async () => {
    listen()
    await withoutExtensions(() =>
      way.transaction(db.use(), async (work) => {
        await work.save(article())
        track(noted('silent'))
        expect(await settled()).toEqual([])
      }),
    )
    expect(await settled()).toEqual(['silent'])
  })

  it('is never mixed up with those of transactions beside it', async () => {
    listen()
    const ds = db.use()
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    await Promise.allSettled(
      names.map((name, index) =>
        way.transaction(ds, async (work) => {
          track(noted(`${name}1`))
          await work.save(article(name))
          track(noted(`${name}2`))
          await tick()
          if (index % 2 === 1) throw new Error('no')
        }),
      ),
    )
    const heard = await settled()
    expect([...heard].sort()).toEqual(['a1', 'a2', 'c1', 'c2', 'e1', 'e2'])
    for (const name of ['a', 'c', 'e']) expect(heard.indexOf(`${name}1`)).toBeLessThan(heard.indexOf(`${name}2`))
  })

  it('may be one of ten thousand: each is delivered once, in order', async () => {
    const ds = db.use()
    let last = -1
    let isOrdered = true
    events.keep(
      onEvent(Noted)(({ text }) => {
        isOrdered &&= Number(text) === last + 1
        last = Number(text)
      }),
    )
    await way.transaction(ds, async (work) => {
      await work.save(article())
      for (let index = 0; index < 10_000; index++) track(noted(String(index)))
      expect(last).toBe(-1)
    })
    await eventsSettled()
    expect([last, isOrdered]).toEqual([9_999, true])
  })
})

describeDatabase('an event of a session opened inside a transaction', () => {
  const db = useDatabase()
  const events = useEvents()
  beforeEach(() => void events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text))))

  const inside = (after: () => void | Promise<void>, within: () => void = () => undefined) =>
    errorOf(
      db.use().transaction(async (manager) => {
        track(noted('outer'))
        if (isSingleConnection()) await manager.save(article('outer'))
        await withSession(db.ds, async (session) => {
          session.add(article('inner'))
          track(noted('inner'))
          await session.flush()
          within()
        }).catch(() => undefined)
        await delivered()
        await after()
        throw new Error('the outer one fails')
      }),
    )
  const fail = () => {
    throw new Error('no')
  }

  // On one connection it is a savepoint of the transaction around it; on a pool it has a connection, and a commit, of its own.
  it('goes with the commit that decides about what it wrote', async () => {
    const early: string[] = []
    await inside(() => void early.push(...events.heard))
    await eventsSettled()
    const decided = isSingleConnection() ? [] : ['inner']
    expect([early, events.heard, await db.ds.manager.count(Article)]).toEqual([decided, decided, decided.length])
  })

  it('is dropped when its block fails', async () => {
    await inside(() => undefined, fail)
    await eventsSettled()
    expect([events.heard, await db.ds.manager.count(Article)]).toEqual([[], 0])
  })

  it('comes in its place after the outer commit on one connection, before it on a pool', async () => {
    await db.use().transaction(async () => {
      track(noted('outer'))
      await withSession(db.ds, async (session) => {
        session.add(article('inner'))
        track(noted('inner'))
        await session.flush()
      })
      await delivered()
      track(noted('outer again'))
    })
    await eventsSettled()
    expect(events.heard).toEqual(isSingleConnection() ? ['outer', 'inner', 'outer again'] : ['inner', 'outer', 'outer again'])
  })
})

describeDatabase('an event of a session with a context', () => {
  const db = useDatabase()
  const events = useEvents()

  it("has the actor of the session's context, in the block and in its hooks, as its listeners do", async () => {
    events.keep(onEvent(Noted)(({ text, actor }) => void events.heard.push(`${text} ${String(actor)} ${String(currentContext().actor)}`)))
    const ds = db.use(sessionExtension({ beforeFlush: say('hook') }))
    await withSession(ds, { context: { actor: 'cleo' } }, async (session) => {
      track(noted('block'))
      session.add(article())
      await session.flush()
    })
    await eventsSettled()
    expect([...new Set(events.heard)]).toEqual(['block cleo cleo', 'hook cleo cleo'])
  })

  it('that was opened inside a transaction, by code that outlives its block, goes with what decides about the block', async () => {
    events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text)))
    const over = gate()
    const ds = db.use()
    const behind: Promise<void>[] = []
    await errorOf(
      ds.transaction(async (manager) => {
        await manager.save(article('outer'))
        await withSession(ds, async (session) => {
          session.add(article('inner'))
          behind.push(over.opened.then(say('of the block')))
        })
        over.open()
        await Promise.all(behind)
        throw new Error('no')
      }),
    )
    await eventsSettled()
    const kept = await ds.manager.count(Article)
    expect([events.heard, kept]).toEqual(isSingleConnection() ? [[], 0] : [['of the block'], 1])
  })
})

describeDatabase('an event of a transaction begun by hand', () => {
  const db = useDatabase()
  const events = useEvents()
  beforeEach(() => void events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text))))

  it('waits for the commit of the session it names, of a query runner', async () => {
    const runner = db.use().createQueryRunner()
    try {
      await runner.startTransaction()
      track(noted('committed'), { session: sessionOf(runner) })
      await runner.manager.save(article())
      await eventsSettled()
      expect(events.heard).toEqual([])
      await runner.commitTransaction()
      await runner.startTransaction()
      track(noted('dropped'), { session: sessionOf(runner) })
      await runner.rollbackTransaction()
    } finally {
      await runner.release()
    }
    await eventsSettled()
    expect(events.heard).toEqual(['committed'])
  })

  it('waits for the commit of the session it names, of one of its own', async () => {
    await using session = openSession(db.ds)
    await session.begin()
    session.add(article())
    track(noted('committed'), { session })
    await eventsSettled()
    expect(events.heard).toEqual([])
    await session.commit()
    await session.begin()
    track(noted('dropped'), { session })
    await session.rollback()
    await eventsSettled()
    expect(events.heard).toEqual(['committed'])
  })

  it('is delivered at once where the session it names has no transaction open, and refused where that is over', async () => {
    const session = openSession(db.ds)
    track(noted('at once'), { session })
    await eventsSettled()
    await session.close()
    expect(thrownBy(() => track(noted('too late'), { session }))).toMatchObject({ code: 'SESSION_CLOSED' })
    await eventsSettled()
    expect(events.heard).toEqual(['at once'])
  })
})
