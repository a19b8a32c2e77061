/**
 * Errors thrown after the outcome is decided: none turns a commit into a rejection, each is reported.
 *
 * @module
 */
import { SessionExtension, type HookFailure } from 'flushpoint'
import type { EntitySubscriberInterface } from 'typeorm'
import { closeAll } from '../support/databases.js'
import { Author, make } from '../support/models.js'
import { collectWarnings, errorOf, namesOf, openLogged } from '../support/transaction-log.js'
import { describeWays } from '../support/ways-in.js'

const author = (name: string) => make(Author, { name })
const late = new Error('mail server down')

class LateCommit extends SessionExtension {
  override afterCommit() {
    throw late
  }
}
class LateRollback extends SessionExtension {
  override afterRollback() {
    return Promise.reject(late)
  }
}

function reports() {
  const heard: { error: unknown; failure: HookFailure }[] = []
  return { heard, onHookError: (error: unknown, failure: HookFailure) => void heard.push({ error, failure }) }
}

describeWays('an error after the commit', (way) => {
  afterEach(closeAll)
  afterEach(() => jest.restoreAllMocks())

  it('of afterCommit is told to onHookError with hook, extension and session; the others still run', async () => {
    const { heard, onHookError } = reports()
    const told: string[] = []
    class Next extends SessionExtension {
      override afterCommit() {
        told.push('next')
      }
    }
    const { dataSource } = await openLogged({ extensions: [LateCommit, Next], onHookError })
    await way.save(dataSource, author('Ann'))
    expect(heard).toHaveLength(1)
    expect(heard[0]!.error).toBe(late)
    expect(heard[0]!.failure.hook).toBe('afterCommit')
    expect(heard[0]!.failure.extension).toBeInstanceOf(LateCommit)
    expect(heard[0]!.failure.session).toBe((heard[0]!.failure.extension as LateCommit).session)
    expect(told).toEqual(['next'])
    expect(await namesOf(dataSource, Author)).toEqual(['Ann'])
  })

  it("is by default a process warning and a line in TypeORM's log", async () => {
    const warnings = collectWarnings()
    const { dataSource } = await openLogged({ extensions: [LateCommit] })
    const logged = jest.spyOn(dataSource.logger, 'log').mockImplementation(() => undefined)
    await way.save(dataSource, author('Ann'))
    const message = 'afterCommit of LateCommit failed after the outcome was decided: mail server down'
    expect(warnings).toEqual({ messages: [message], codes: ['HOOK_FAILED'] })
    expect(logged.mock.calls.map(([level, text]) => [level, text])).toEqual([['warn', message]])
  })

  it('of an onCommit callback is reported and stops no other callback', async () => {
    const { heard, onHookError } = reports()
    const { dataSource, lines } = await openLogged({ onHookError })
    await way.transaction(dataSource, async (work) => {
      work.session.onCommit(() => Promise.reject(late))
      work.session.onCommit(() => void lines.push('second'))
      await work.save(author('Ann'))
    })
    expect(heard.map(({ error, failure }) => [error, failure.hook])).toEqual([[late, 'onCommit']])
    expect(lines.slice(-2)).toEqual(['commit: insert Ann', 'second'])
  })

  it('thrown by onHookError itself is a warning', async () => {
    const warnings = collectWarnings()
    const onHookError = () => {
      throw new Error('also broken')
    }
    const { dataSource } = await openLogged({ extensions: [LateCommit], onHookError })
    jest.spyOn(dataSource.logger, 'log').mockImplementation(() => undefined)
    await way.save(dataSource, author('Ann'))
    expect(warnings.messages).toContain('onHookError failed: also broken')
    expect(warnings.messages.at(-1)).toMatch(/mail server down/)
  })

  it('of a foreign afterTransactionCommit neither rejects nor keeps our afterCommit from running', async () => {
    const warnings = collectWarnings()
    const { dataSource, lines } = await openLogged()
    jest.spyOn(dataSource.logger, 'log').mockImplementation(() => undefined)
    const foreign: EntitySubscriberInterface = { afterTransactionCommit: () => Promise.reject(late) }
    dataSource.subscribers.push(foreign)
    await way.transaction(dataSource, (work) => work.save(author('Ann')))
    await way.save(dataSource, author('Bea'))
    expect(lines.filter((line) => line.startsWith('commit'))).toEqual(['commit: insert Ann', 'commit: insert Bea'])
    expect(warnings.codes).toEqual(['LISTENER_FAILED', 'LISTENER_FAILED'])
    expect(warnings.messages[0]).toMatch(/afterTransactionCommit failed after the outcome was decided: mail server down/)
  })

  it('of a foreign afterTransactionCommit is told to onHookError by the name of its event', async () => {
    const { heard, onHookError } = reports()
    const { dataSource } = await openLogged({ onHookError })
    dataSource.subscribers.push({ afterTransactionCommit: () => Promise.reject(late) })
    await way.save(dataSource, author('Ann'))
    expect(heard.map(({ error, failure }) => [error, failure.hook])).toEqual([[late, 'afterTransactionCommit']])
  })

  it('of a foreign listener on a savepoint release does not roll the outer transaction back', async () => {
    collectWarnings()
    const { dataSource, lines } = await openLogged()
    jest.spyOn(dataSource.logger, 'log').mockImplementation(() => undefined)
    const foreign: EntitySubscriberInterface = {
      afterTransactionCommit({ queryRunner }) {
        if (queryRunner.isTransactionActive) throw late
      },
    }
    dataSource.subscribers.push(foreign)
    await way.transaction(dataSource, async (outer) => {
      await outer.save(author('before'))
      await outer.transaction((inner) => inner.save(author('inner')))
      await outer.save(author('later'))
    })
    expect(lines.at(-1)).toBe('commit: insert before, insert inner, insert later')
    expect(await namesOf(dataSource, Author)).toEqual(['before', 'inner', 'later'])
  })
})

describeWays('an error after the rollback', (way) => {
  afterEach(closeAll)
  afterEach(() => jest.restoreAllMocks())

  it('of afterRollback or onRollback is reported; the caller gets the error that caused the rollback', async () => {
    const { heard, onHookError } = reports()
    const { dataSource } = await openLogged({ extensions: [LateRollback], onHookError })
    const cause = new Error('no')
    const failing = way.transaction(dataSource, async (work) => {
      work.session.onRollback(() => {
        throw late
      })
      await work.save(author('Ann'))
      throw cause
    })
    await expect(failing).rejects.toBe(cause)
    expect(heard.map(({ error, failure }) => [error, failure.hook])).toEqual([
      [late, 'afterRollback'],
      [late, 'onRollback'],
    ])
  })

  it('of a foreign afterTransactionRollback leaves our afterRollback and the next transaction as they should be', async () => {
    const warnings = collectWarnings()
    const { dataSource, lines } = await openLogged()
    jest.spyOn(dataSource.logger, 'log').mockImplementation(() => undefined)
    dataSource.subscribers.push({ afterTransactionRollback: () => Promise.reject(late) })
    const hand = await way.byHand(dataSource)
    await hand.begin()
    await hand.save(author('Ann'))
    await hand.rollback()
    await hand.end()
    await way.save(dataSource, author('Bea'))
    expect(warnings.codes).toEqual(['LISTENER_FAILED'])
    expect(lines).toEqual([
      'begin transaction 1',
      'rollback transaction 1: insert Ann',
      'begin transaction 1',
      'beforeCommit',
      'commit: insert Bea',
    ])
  })
})

describeWays('an error before the commit', (way) => {
  afterEach(closeAll)

  it('of a foreign beforeTransactionCommit rolls back and is told to afterRollback', async () => {
    const { dataSource, lines } = await openLogged()
    dataSource.subscribers.push({ beforeTransactionCommit: () => Promise.reject(late) })
    expect(await errorOf(way.save(dataSource, author('Ann')))).toBe(late)
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'rollback transaction 1: insert Ann'])
    dataSource.subscribers.pop()
    expect(await namesOf(dataSource, Author)).toEqual([])
  })
})
