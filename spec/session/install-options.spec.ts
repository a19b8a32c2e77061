/** Options nobody knows, or of the wrong kind, are refused where they are written. */
import { install, sessionSubscriber, type InstallOptions } from 'flushpoint'
import { errorOf, log, sessionExtension, sessionLog, useDatabase } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { Article, make } from '../support/models.js'

describeDatabase('the options of sessionSubscriber and install', () => {
  const db = useDatabase()
  const WAYS = {
    sessionSubscriber: (options: unknown) => sessionSubscriber(options as InstallOptions),
    install: (options: unknown) => install(db.ds, options as InstallOptions),
  }

  // ming row 69
  describe.each(Object.keys(WAYS) as (keyof typeof WAYS)[])('%s', (way) => {
    it.each([
      ['extension', 'extensions'],
      ['savepoint', 'savepoints'],
      ['on_hook_error', 'onHookError'],
      ['globalmanager', 'globalManager'],
    ])('refuses %s and names %s', async (option, meant) => {
      const error = await errorOf(() => WAYS[way]({ [option]: [] }))
      expect(error).toMatchObject({
        name: 'ConfigurationError',
        code: 'OPTION_UNKNOWN',
        fix: expect.stringContaining('correct its name') as string,
      })
      expect(error.message).toContain(`Cannot apply the options of ${way}: "${option}" is not one of them; did you mean "${meant}"?`)
    })

    it('refuses an option that resembles none', async () => {
      expect((await errorOf(() => WAYS[way]({ xyz: 1 }))).message).toContain('"xyz" is not one of them. Fix:')
    })

    it.each([
      ['extensions', class {}, 'an array'],
      ['savepoints', 'yes', 'a boolean'],
      ['onHookError', {}, 'a function'],
      ['resolve', 'container', 'a function'],
      ['globalManager', 'jion', "'native' or 'join' or 'refuse'"],
    ])('refuses %s: %p, as it must be %s', async (option, value, wanted) => {
      const error = await errorOf(() => WAYS[way]({ [option]: value }))
      expect(error).toMatchObject({ code: 'OPTION_INVALID' })
      expect(error.message).toContain(`"${option}" must be ${wanted}`)
    })

    it.each([[null], [[]], [7]])('refuses %p for all of them', async (options) => {
      expect(await errorOf(() => WAYS[way](options))).toMatchObject({
        code: 'OPTION_INVALID',
        message: expect.stringContaining('must be an object') as string,
      })
    })

    it('leaves nothing behind when it refuses', async () => {
      await errorOf(() => WAYS[way]({ extensions: [sessionLog('S'), {}] }))
      await db.ds.manager.save(make(Article, { title: 'A' }))
      expect(log).toEqual([])
    })
  })

  it('takes an option that is undefined for one that is left out', async () => {
    const ds = db.install({ extensions: [sessionLog('S', ['beforeFlush'])], onHookError: undefined, savepoints: undefined } as never)
    await ds.manager.save(make(Article, { title: 'A' }))
    expect(log).toEqual(['S.beforeFlush'])
  })

  it.each([[{}], [null], ['sqlite'], [class {}]])('refuses to install on %p', async (target) => {
    const error = await errorOf(() => install(target as never, {}))
    expect(error).toMatchObject({ code: 'INSTALL_TARGET_INVALID', fix: expect.stringContaining('install(dataSource, options)') as string })
  })

  it('hands errors of after-commit hooks to onHookError, with hook, extension and session', async () => {
    const [error, heard] = [new Error('no'), [] as unknown[][]]
    const Failing = sessionExtension(
      {
        afterCommit: () => {
          throw error
        },
      },
      'Failing',
    )
    const ds = db.install({ extensions: [Failing, sessionLog('S', ['afterCommit'])], onHookError: (...args) => void heard.push(args) })
    const saved = await ds.manager.save(make(Article, { title: 'A' }))
    expect(heard).toEqual([
      [
        error,
        { hook: 'afterCommit', extension: expect.any(Failing) as unknown, session: expect.objectContaining({ dataSource: ds }) as unknown },
      ],
    ])
    expect([log, await ds.manager.countBy(Article, { id: saved.id })]).toEqual([['S.afterCommit'], 1])
  })
})
