/** Plugin events of transactions and batches: after the commit, in order, and never after a rollback; in both ways in. */
import { sessionOf } from 'flushpoint'
import { batchEvents, enablePluginEvents, registerPlugin, triggerEvent } from 'flushpoint/events'
import { errorOf, extend, mapperExtension, useDatabase } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { delivered, gate, SamplePlugin, tick, useEvents } from '../support/events.js'
import { Article, make } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

const events = useEvents()
let plugin: SamplePlugin
beforeEach(() => {
  enablePluginEvents(true)
  plugin = new SamplePlugin('sample', (name) => name !== 'plugins_loaded')
  events.keep(registerPlugin(plugin))
})
afterEach(() => enablePluginEvents(false))

const ids = async () => {
  await delivered()
  return plugin.ids
}
const article = (title = 'A') => make(Article, { title })
const trigger = (...wanted: number[]) => wanted.forEach((id) => triggerEvent('test.event', { id }))
const TEN = Array.from({ length: 10 }, (_, index) => index)

describeWays('an event triggered in a transaction', (way) => {
  const db = useDatabase()

  // C28
  it('waits for the commit, and disappears with a rollback', async () => {
    await way.transaction(db.use(), async (work) => {
      trigger(1)
      await work.save(article())
      expect(await ids()).toEqual([])
    })
    expect(await ids()).toEqual([1])
    await errorOf(
      way.transaction(db.ds, async (work) => {
        trigger(2)
        await work.save(article())
        throw new Error('no')
      }),
    )
    expect([await ids(), await db.ds.manager.count(Article)]).toEqual([[1], 1])
  })

  it('by code that the transaction has left behind goes with its outcome', async () => {
    const over = gate()
    const behind: Promise<void>[] = []
    const leave = (id: number) => void behind.push(over.opened.then(() => trigger(id)))
    await way.transaction(db.use(), async (work) => {
      await work.save(article())
      leave(1)
      await errorOf(
        work.transaction(async (inner) => {
          await inner.save(article('undone'))
          leave(2)
          throw new Error('no')
        }),
      )
    })
    await errorOf(
      way.transaction(db.ds, async (work) => {
        await work.save(article())
        leave(3)
        throw new Error('no')
      }),
    )
    over.open()
    await Promise.all(behind)
    expect(await ids()).toEqual([1])
  })

  it('goes with its savepoint', async () => {
    await way.transaction(db.use(), async (work) => {
      trigger(1)
      await errorOf(
        work.transaction(async (inner) => {
          await inner.save(article('undone'))
          trigger(2)
          throw new Error('no')
        }),
      )
      await work.transaction(async (inner) => {
        await inner.save(article('kept'))
        trigger(3)
      })
    })
    expect(await ids()).toEqual([1, 3])
  })

  it('by a hook of a single save goes with the commit of that save', async () => {
    extend(
      Article,
      mapperExtension({
        afterInsert: async (entity: Article) => {
          trigger(entity.title.length)
          expect(await ids()).not.toContain(entity.title.length)
          if (entity.title === 'bad') throw new Error('no')
        },
      }),
    )
    const ds = db.use()
    await way.save(ds, article('good'))
    await errorOf(way.save(ds, article('bad')))
    expect(await ids()).toEqual([4])
  })

  it('is not handed over when plugin events are switched off before the commit', async () => {
    await way.transaction(db.use(), async (work) => {
      trigger(1)
      await work.save(article())
      enablePluginEvents(false)
    })
    expect(await ids()).toEqual([])
  })

  // C21 C23
  it('inside a batch waits for the commit, too: ten come then, in order, with their payloads', async () => {
    await way.transaction(db.use(), async (work) => {
      await batchEvents(async () => {
        for (const id of TEN) {
          trigger(id)
          await tick()
        }
      })
      await work.save(article())
      expect(await ids()).toEqual([])
    })
    expect(await ids()).toEqual(TEN)
  })

  // C24
  it('inside a batch keeps its place among those of other names', async () => {
    const calls = ['a', 'b', 'a', 'a', 'b', 'a', 'b', 'a'] as const
    await way.transaction(db.use(), async (work) => {
      await work.save(article())
      batchEvents(() => calls.forEach((name, id) => triggerEvent(`event.${name}`, { id })))
    })
    expect(await ids()).toEqual(calls.map((_, id) => id))
    expect(plugin.names).toEqual(calls.map((name) => `event.${name}`))
  })

  // C25
  it('inside a batch that fails disappears with the rollback', async () => {
    await errorOf(
      way.transaction(db.use(), async (work) => {
        await work.save(article())
        await batchEvents(async () => {
          trigger(1)
          await tick()
          throw new Error('no')
        })
      }),
    )
    expect([await ids(), await db.ds.manager.count(Article)]).toEqual([[], 0])
  })

  it('of a batch around it waits for the end of both, and disappears where the transaction is rolled back', async () => {
    const ds = db.use()
    await batchEvents(async () => {
      trigger(1)
      await way.transaction(ds, async (work) => {
        await work.save(article())
        trigger(2)
      })
      await errorOf(
        way.transaction(ds, async (work) => {
          await work.save(article())
          trigger(3)
          throw new Error('no')
        }),
      )
      trigger(4)
      expect(await ids()).toEqual([])
    })
    expect(await ids()).toEqual([1, 2, 4])
  })
})

describeDatabase('an event triggered in a transaction begun by hand', () => {
  const db = useDatabase()

  it('waits for the commit of the session it names, and disappears with its rollback', async () => {
    const runner = db.use().createQueryRunner()
    for (const [id, end] of [
      [1, 'commitTransaction'],
      [2, 'rollbackTransaction'],
    ] as const) {
      await runner.startTransaction()
      triggerEvent('test.event', { id }, { session: sessionOf(runner) })
      expect(await ids()).toEqual(id === 1 ? [] : [1])
      await runner[end]()
    }
    await runner.release()
    expect(await ids()).toEqual([1])
  })
})

describe('batchEvents', () => {
  // C26
  it('holds back what is triggered inside, while what is triggered outside is handed over at once', async () => {
    trigger(1)
    expect(await ids()).toEqual([1])
    const result = await batchEvents(async () => {
      trigger(2)
      await tick()
      trigger(3)
      expect(await ids()).toEqual([1])
      return 'done'
    })
    expect([result, await ids()]).toEqual(['done', [1, 2, 3]])
  })

  it('takes a synchronous function as well', async () => {
    expect(batchEvents(() => (trigger(1), trigger(2), 7))).toBe(7)
    expect(await ids()).toEqual([1, 2])
  })

  // C22
  it('hands over nothing where nothing was triggered', async () => {
    await batchEvents(() => Promise.resolve())
    expect(await ids()).toEqual([])
  })

  it.each(['throws', 'rejects'])('hands over what was triggered before it %s', async (how) => {
    const run = () =>
      batchEvents(() => {
        trigger(1)
        if (how === 'rejects') return Promise.reject(new Error('no'))
        throw new Error('no')
      })
    expect(await errorOf(run)).toMatchObject({ message: 'no' })
    expect(await ids()).toEqual([1])
  })

  // C27
  it('inside another one is part of that', async () => {
    await batchEvents(async () => {
      await batchEvents(async () => {
        trigger(1)
        await tick()
      })
      expect(await ids()).toEqual([])
      trigger(2)
    })
    expect(await ids()).toEqual([1, 2])
  })

  it('holds back nothing that is triggered after its end, by code it has left behind', async () => {
    let left: Promise<void> | undefined
    await batchEvents(async () => {
      left = tick().then(async () => {
        trigger(1)
        batchEvents(() => trigger(2))
      })
      await Promise.resolve()
    })
    await left
    expect(await ids()).toEqual([1, 2])
  })

  it('of calls side by side are never mixed up', async () => {
    await Promise.all(
      [10, 20].map((base) =>
        batchEvents(async () => {
          trigger(base + 1)
          await tick()
          trigger(base + 2)
        }),
      ),
    )
    expect(await ids()).toEqual([11, 12, 21, 22])
  })
})
