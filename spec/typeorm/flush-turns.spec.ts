/**
 * Where one flush ends and the next begins: chunks, saves side by side in one transaction, saves made by hooks.
 *
 * @module
 */
import { EventSubscriber, type EntitySubscriberInterface, type InsertEvent } from 'typeorm'
import { sessionSubscriber } from 'flushpoint'
import { describeDatabase, openDataSource, recordStatements } from '../support/databases.js'
import { hooks, label, only, openWithHooks, work, type Hooks } from '../support/hooks.js'
import { Author, ENTITIES, make, Note, Tag } from '../support/models.js'

const tag = (name: string) => make(Tag, { name })
const tags = (...names: string[]) => names.map(tag)
const pause = () => new Promise((resolve) => setImmediate(resolve))

function logTo(log: string[]): Hooks {
  return {
    beforeFlush() {
      log.push(`flush ${(work(this.session.uow).new ?? []).join(', ')}`)
    },
    beforeInsert: async (entity) => {
      await pause()
      log.push(`before ${label(entity)}`)
    },
    afterInsert: async (entity) => {
      await pause()
      log.push(`after ${label(entity)}`)
    },
    afterFlush: () => {
      log.push('flushed')
    },
    afterCommit: (changes) => {
      log.push(`committed ${changes.length}`)
    },
  }
}

const flushOf = (name: string) => [`flush Tag ${name}`, `before Tag ${name}`, `after Tag ${name}`, 'flushed']

describeDatabase('a save in chunks', () => {
  it('is one flush per chunk in one transaction', async () => {
    const log: string[] = []
    const dataSource = await openWithHooks({ entities: ENTITIES }, logTo(log))
    await dataSource.manager.save(tags('a', 'b', 'c', 'd'), { chunk: 2 })
    expect(log).toEqual([
      ...['flush Tag a, Tag b', 'before Tag a', 'before Tag b', 'after Tag a', 'after Tag b', 'flushed'],
      ...['flush Tag c, Tag d', 'before Tag c', 'before Tag d', 'after Tag c', 'after Tag d', 'flushed'],
      'committed 4',
    ])
  })
})

describeDatabase('saves side by side in one transaction', () => {
  it('keep their own boundaries', async () => {
    const log: string[] = []
    const dataSource = await openWithHooks({ entities: ENTITIES }, logTo(log))
    await dataSource.transaction((manager) => Promise.all(tags('a', 'b', 'c').map((one) => manager.save(one))))
    expect(log).toEqual([...flushOf('a'), ...flushOf('b'), ...flushOf('c'), 'committed 3'])
  })

  it('go on when one of them is vetoed before its first statement', async () => {
    const dataSource = await openWithHooks(
      { entities: ENTITIES },
      {
        beforeInsert: only(Tag, ({ name }) => {
          if (name === 'b') throw new Error('no b')
        }),
      },
    )
    const outcomes = await dataSource.transaction((manager) => Promise.allSettled(tags('a', 'b', 'c').map((one) => manager.save(one))))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((await dataSource.manager.find(Tag, { order: { name: 'ASC' } })).map(({ name }) => name)).toEqual(['a', 'c'])
  })

  it('of two transactions do not meet', async () => {
    const seen: number[] = []
    const dataSource = await openWithHooks(
      { entities: ENTITIES },
      {
        afterCommit: (changes) => {
          seen.push(changes.length)
        },
      },
    )
    const write = (names: string[]) =>
      dataSource.transaction(async (manager) => {
        for (const name of names) await manager.save(tag(name))
      })
    await Promise.all([write(['a', 'b']), write(['c'])])
    expect(seen.sort()).toEqual([1, 2])
  })
})

describeDatabase('a save made by a hook', () => {
  it('is a flush of its own inside the running one, in the same transaction', async () => {
    const log: string[] = []
    const saveNote: Hooks = {
      async beforeInsert(entity) {
        if (entity instanceof Author) await this.session.manager.save(tag('inner'))
      },
    }
    const dataSource = await openWithHooks({ entities: ENTITIES }, logTo(log), saveNote)
    const statements = recordStatements(dataSource)
    await dataSource.manager.save(make(Author, { name: 'outer' }))
    expect(log).toEqual(['flush Author outer', 'before Author outer', ...flushOf('inner'), 'after Author outer', 'flushed', 'committed 2'])
    expect(statements.sql().filter((sql) => /^(BEGIN|START|COMMIT)/.test(sql))).toHaveLength(2)
  })

  it('in an after-hook is written before the commit', async () => {
    const log: string[] = []
    const dataSource = await openWithHooks({ entities: ENTITIES }, logTo(log), {
      async afterInsert(entity) {
        if (entity instanceof Author) await this.session.manager.save(tag('inner'))
      },
    })
    await dataSource.manager.save(make(Author, { name: 'outer' }))
    expect(log.slice(2)).toEqual(['after Author outer', ...flushOf('inner'), 'flushed', 'committed 2'])
  })

  it('does not wait for itself when several hooks save at the same time', async () => {
    const log: string[] = []
    const dataSource = await openWithHooks({ entities: ENTITIES }, logTo(log), {
      async beforeInsert(entity) {
        if (entity instanceof Author) await Promise.all(tags('x', 'y').map((one) => this.session.manager.save(one)))
      },
    })
    await dataSource.manager.save(make(Author, { name: 'outer' }))
    expect(log.slice(2)).toEqual([...flushOf('x'), ...flushOf('y'), 'after Author outer', 'flushed', 'committed 3'])
  })

  it('of a foreign subscriber is a flush of its own in the same transaction', async () => {
    const log: string[] = []
    class Foreign implements EntitySubscriberInterface<Author> {
      listenTo = () => Author
      async beforeInsert(event: InsertEvent<Author>) {
        await event.manager.save(tag('inner'))
      }
    }
    EventSubscriber()(Foreign)
    const subscribers = [Foreign, sessionSubscriber({ extensions: [hooks(logTo(log))] })]
    const dataSource = await openDataSource({ entities: ENTITIES, subscribers })
    await dataSource.manager.save(make(Author, { name: 'outer' }))
    expect(log).toEqual(['flush Author outer', ...flushOf('inner'), 'before Author outer', 'after Author outer', 'flushed', 'committed 2'])
  })

  it('is undone with the flush of the hook', async () => {
    const dataSource = await openWithHooks(
      { entities: ENTITIES },
      {
        async beforeInsert(entity) {
          if (!(entity instanceof Author)) return
          await this.session.manager.save(make(Note, { text: 'inner' }))
          throw new Error('veto')
        },
      },
    )
    await expect(dataSource.manager.save(make(Author, { name: 'outer' }))).rejects.toThrow('veto')
    expect(await dataSource.manager.count(Note)).toBe(0)
  })
})
