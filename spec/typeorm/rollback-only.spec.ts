/**
 * What a failing flush leaves behind: its own transaction is rolled back, a caller's one may only be rolled back.
 *
 * @module
 */
import { hasErrorCode, SessionExtension } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { closeAll } from '../support/databases.js'
import { Author, make, Tag } from '../support/models.js'
import { errorOf, namesOf, openLogged, tellAll } from '../support/transaction-log.js'
import { describeWays } from '../support/ways-in.js'

const author = (name: string) => make(Author, { name })
const veto = new Error('bad author')
const throwAt = (hook: 'beforeFlush' | 'beforeInsert' | 'afterInsert' | 'afterFlush') =>
  class extends SessionExtension {
    override beforeFlush() {
      if (hook === 'beforeFlush' && [...this.session.uow.new].some(isBad)) throw veto
    }
    override beforeInsert(entity: object) {
      if (hook === 'beforeInsert' && isBad(entity)) throw veto
    }
    override afterInsert(entity: object) {
      if (hook === 'afterInsert' && isBad(entity)) throw veto
    }
    override afterFlush() {
      if (hook === 'afterFlush' && this.session.journal.some(({ after }) => after?.name === 'bad')) throw veto
    }
  }
const isBad = (entity: object) => (entity as Author).name === 'bad'

describeWays('a flush that began its own transaction', (way) => {
  afterEach(closeAll)

  it.each(['beforeFlush', 'beforeInsert', 'afterInsert', 'afterFlush'] as const)('is rolled back when %s throws', async (hook) => {
    const { dataSource, lines } = await openLogged({ extensions: [throwAt(hook)] })
    await expect(way.save(dataSource, [author('Ann'), author('bad')])).rejects.toBe(veto)
    const undone = hook.startsWith('after') ? 'insert Ann, insert bad' : 'nothing'
    expect(lines).toEqual(['begin transaction 1', `rollback transaction 1: ${undone}`])
    expect(await namesOf(dataSource, Author)).toEqual([])
  })
})

describeWays("a flush inside a caller's transaction", (way) => {
  afterEach(closeAll)

  it('leaves the transaction usable when a hook vetoes before anything was sent', async () => {
    const { dataSource, lines } = await openLogged({ extensions: [throwAt('beforeInsert')] })
    await way.transaction(dataSource, async (work) => {
      await work.save(author('Ann'))
      const bad = author('bad')
      await expect(work.save(bad)).rejects.toBe(veto)
      work.giveUp(bad)
      await work.save(author('Bea'))
    })
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: insert Ann, insert Bea'])
  })

  it.each(['afterInsert', 'afterFlush'] as const)('makes the transaction rollback-only when %s throws', async (hook) => {
    const { dataSource, lines } = await openLogged({ extensions: [throwAt(hook)] })
    const work = way.transaction(dataSource, async (work) => {
      await expect(work.save(author('bad'))).rejects.toBe(veto)
    })
    const error = await errorOf(work)
    expect(hasErrorCode(error, 'TRANSACTION_ROLLBACK_ONLY')).toBe(true)
    expect((error as Error).cause).toBe(veto)
    expect((error as Error).message).toContain('bad author')
    expect(lines).toEqual(['begin transaction 1', 'rollback transaction 1: insert bad'])
    expect(await namesOf(dataSource, Author)).toEqual([])
  })

  it('makes it rollback-only when a before-hook throws after a save of its own', async () => {
    class Companion extends SessionExtension {
      override async beforeInsert(entity: object) {
        if (!(entity instanceof Author)) return
        await this.session.manager.save(make(Tag, { name: `for ${entity.name}` }))
        throw veto
      }
    }
    const { dataSource } = await openLogged({ extensions: [Companion] })
    const error = await errorOf(way.transaction(dataSource, (work) => errorOf(work.save(author('Ann')))))
    expect(error).toMatchObject({ code: 'TRANSACTION_ROLLBACK_ONLY', cause: veto })
    expect(await namesOf(dataSource, Tag)).toEqual([])
  })

  it('refuses to commit before beforeCommit is asked', async () => {
    const { dataSource, lines } = await openLogged({ extensions: [throwAt('afterInsert')] })
    const hand = await way.byHand(dataSource)
    await hand.begin()
    await errorOf(hand.save(author('bad')))
    await expect(hand.commit()).rejects.toMatchObject({ code: 'TRANSACTION_ROLLBACK_ONLY', cause: veto })
    expect(hand.isOpen).toBe(way.pick({ ambient: true, session: false })) // a session that cannot commit has rolled back
    if (hand.isOpen) await hand.rollback()
    await hand.end()
    expect(lines).toEqual(['begin transaction 1', 'rollback transaction 1: insert bad'])
  })

  it('dooms only its own savepoint: the outer transaction commits once that is rolled back', async () => {
    const { dataSource, lines } = await openLogged({ extensions: [throwAt('afterInsert')] })
    await way.transaction(dataSource, async (outer) => {
      await outer.save(author('Ann'))
      const inner = outer.transaction((nested) => errorOf(nested.save(author('bad'))))
      await expect(inner).rejects.toMatchObject({ code: 'TRANSACTION_ROLLBACK_ONLY', cause: veto })
    })
    expect(lines.slice(2)).toEqual(['rollback savepoint 2: insert bad', 'beforeCommit', 'commit: insert Ann'])
    expect(await namesOf(dataSource, Author)).toEqual(['Ann'])
  })

  it('keeps the first reason when several flushes fail', async () => {
    const { dataSource } = await openLogged({ extensions: [throwAt('afterInsert')] })
    const work = way.transaction(dataSource, async (work) => {
      await errorOf(work.save(author('bad')))
      await errorOf(work.save(author('bad')))
    })
    await expect(work).rejects.toMatchObject({ cause: veto })
  })

  it('rejects with the hook error itself when the caller lets it through', async () => {
    const { dataSource } = await openLogged({ extensions: [throwAt('afterInsert')] })
    await expect(way.transaction(dataSource, (work) => work.save(author('bad')))).rejects.toBe(veto)
  })
})

// PostgreSQL gives the whole transaction up after a failed statement: see the specs of commit errors.
describeWays(
  "a database error inside a caller's transaction",
  (way) => {
    afterEach(closeAll)

    async function failInside(dataSource: DataSource, lines: string[]) {
      await way.save(dataSource, make(Tag, { name: 'taken' }))
      lines.length = 0
      return errorOf(
        way.transaction(dataSource, async (work) => {
          await expect(work.save([author('Ann'), make(Tag, { name: 'taken' })])).rejects.toThrow()
          lines.push(`journal: ${tellAll(work.session.journal)}`)
        }),
      )
    }

    // A session promises that a flush is written as a whole or not at all; TypeORM's save promises nothing inside a transaction.
    if (way.isSession) {
      it('makes it rollback-only, since half of the flush may have been written', async () => {
        const { dataSource, lines } = await openLogged()
        expect(await failInside(dataSource, lines)).toMatchObject({
          code: 'TRANSACTION_ROLLBACK_ONLY',
          cause: { name: 'QueryFailedError' },
        })
        expect(lines).toEqual(['begin transaction 1', expect.stringMatching(/^journal/), expect.stringMatching(/^rollback transaction 1/)])
        expect(await namesOf(dataSource, Author)).toEqual([])
      })
      return
    }

    it('is left as TypeORM leaves it: what was written before it commits, and the journal tells so', async () => {
      const { dataSource, lines } = await openLogged()
      expect(await failInside(dataSource, lines)).toBeUndefined()
      expect(lines).toEqual(['begin transaction 1', 'journal: insert Ann', 'beforeCommit', 'commit: insert Ann'])
      expect(await namesOf(dataSource, Author)).toEqual(['Ann'])
    })
  },
  ['sqlite', 'better-sqlite3', 'mariadb'],
)
