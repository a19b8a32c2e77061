/** What cannot be an extension is refused where it is listed, with a code, the right name and a fix. */
import { Extensions, mapper, MapperExtension, SessionExtension, sessionSubscriber, type Mapper, type Session } from 'flushpoint'
import { errorOf, log, mapperExtension, sessionExtension, useDatabase } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { Article, make } from '../support/models.js'

class Nothing extends MapperExtension {}
class NothingAtAll extends SessionExtension {}
class Foreign {
  beforeInsert(): void {
    log.push('never')
  }
}

const WAYS: Readonly<Record<string, (input: unknown) => unknown>> = {
  '@Extensions': (input) => Extensions(input as never),
  'mapper()': (input) => mapper(Article, { extensions: [input as never] }),
}
const SESSION_WAY = (input: unknown) => sessionSubscriber({ extensions: [input as never] })

describe.each(Object.keys(WAYS))('%s', (way) => {
  const list = (input: unknown) => errorOf(() => WAYS[way]!(input))

  // ming row 67
  it('refuses an instance and points to the class, options and factories', async () => {
    const error = await list(new Nothing({} as Mapper))
    expect(error).toMatchObject({ name: 'ConfigurationError', code: 'EXTENSION_NOT_LISTABLE' })
    expect(error.message).toContain('an instance of Nothing')
    expect(error.fix).toContain('list the class itself, not an instance')
  })

  it.each([undefined, null, 7, 'Audit', {}, []])('refuses %p', async (input) => {
    expect(await list(input)).toMatchObject({
      code: 'EXTENSION_NOT_LISTABLE',
      message: expect.stringContaining('MapperExtension class') as string,
    })
  })

  it('refuses a class without any hook', async () => {
    const error = await list(Nothing)
    expect(error).toMatchObject({ code: 'EXTENSION_WITHOUT_HOOK', fix: expect.stringContaining('override at least one hook') as string })
    expect(error.message).toContain('"Nothing"')
  })

  it.each([
    ['beforeInsrt', 'beforeInsert'],
    ['before_insert', 'beforeInsert'],
    ['afterinsert', 'afterInsert'],
    ['beforeSoftRemoved', 'beforeSoftRemove'],
  ])('refuses the method %s and names %s', async (typo, meant) => {
    const error = await list(mapperExtension({ beforeUpdate: () => undefined, [typo]: () => undefined }, 'Typo'))
    expect(error).toMatchObject({ code: 'EXTENSION_HOOK_UNKNOWN', fix: expect.stringContaining('rename it') as string })
    expect(error.message).toContain(`"${typo}" looks like a hook but is none of MapperExtension`)
    expect(error.message).toContain(`did you mean "${meant}"?`)
  })

  it('refuses a typo in an ancestor of the class', async () => {
    class Base extends mapperExtension({ beforeInsrt: () => undefined } as never) {}
    class Leaf extends Base {
      override beforeUpdate() {}
    }
    expect(await list(Leaf)).toMatchObject({ code: 'EXTENSION_HOOK_UNKNOWN', message: expect.stringContaining('"beforeInsrt"') as string })
  })

  it('refuses a hook of the other level', async () => {
    const error = await list(mapperExtension({ beforeInsert: () => undefined, beforeFlush: () => undefined } as never))
    expect(error).toMatchObject({ code: 'EXTENSION_HOOK_UNKNOWN', message: expect.stringContaining('"beforeFlush"') as string })
  })

  it('refuses an extension of the other level, bare and with options', async () => {
    const Session = sessionExtension({ beforeFlush: () => undefined }, 'ChangeLog')
    for (const input of [Session, (Session as typeof Session & typeof SessionExtension).with(undefined)]) {
      const error = await list(input)
      expect(error).toMatchObject({
        code: 'EXTENSION_WRONG_LEVEL',
        fix: expect.stringContaining('sessionSubscriber({ extensions })') as string,
      })
      expect(error.message).toContain('Cannot list "ChangeLog" here')
    }
  })

  it('refuses a class that extends neither level', async () => {
    const error = await list(Foreign)
    expect(error).toMatchObject({
      code: 'EXTENSION_WRONG_LEVEL',
      message: expect.stringContaining('it extends nothing, wanted is MapperExtension') as string,
    })
  })

  it('refuses any other name that begins with before or after, as those are reserved', async () => {
    const error = await list(mapperExtension({ beforeInsert: () => undefined, afterwards: () => undefined } as never))
    expect(error).toMatchObject({ code: 'EXTENSION_HOOK_UNKNOWN', fix: expect.stringContaining('reserved for hooks') as string })
  })

  it('takes other methods beside a hook', () => {
    const Fine = mapperExtension({ beforeInsert: () => undefined, check: () => undefined, isBefore: () => undefined } as never)
    expect(() => WAYS[way]!(Fine)).not.toThrow()
  })
})

describe('sessionSubscriber', () => {
  const list = (input: unknown) => errorOf(() => SESSION_WAY(input))

  // ming row 67
  it('refuses instances, classes without a hook, typos and mapper extensions', async () => {
    expect(await list(new NothingAtAll({} as Session))).toMatchObject({
      code: 'EXTENSION_NOT_LISTABLE',
      message: expect.stringContaining('an instance of NothingAtAll') as string,
    })
    expect(await list(NothingAtAll)).toMatchObject({
      code: 'EXTENSION_WITHOUT_HOOK',
      message: expect.stringContaining('no hook of SessionExtension') as string,
    })
    expect(await list(mapperExtension({ beforeInsert: () => undefined }, 'Slug'))).toMatchObject({
      code: 'EXTENSION_WRONG_LEVEL',
      message: expect.stringContaining('wanted is SessionExtension') as string,
    })
  })

  it.each([
    ['beforeFlsh', 'beforeFlush'],
    ['after_commit', 'afterCommit'],
    ['afterComit', 'afterCommit'],
    ['cursor_created', 'cursorCreated'],
    ['afterRolback', 'afterRollback'],
  ])('treats the method %s as a slip for %s', async (typo, meant) => {
    const Typo = sessionExtension({ beforeInsert: () => undefined, [typo]: () => undefined })
    expect(await list(Typo)).toMatchObject({
      code: 'EXTENSION_HOOK_UNKNOWN',
      message: expect.stringContaining(`did you mean "${meant}"?`) as string,
    })
  })
})

describe('hooks as class fields', () => {
  it('with a typo and nothing else are refused where they are listed, with the right name', async () => {
    class Typo extends MapperExtension {
      beforeInsrt = () => undefined
    }
    const error = await errorOf(() => mapper(Article, { extensions: [Typo] }))
    expect(error).toMatchObject({
      code: 'EXTENSION_HOOK_UNKNOWN',
      message: expect.stringContaining('did you mean "beforeInsert"?') as string,
    })
  })
})

describeDatabase('what only an instance can show', () => {
  const db = useDatabase()
  const save = () => errorOf(db.use().manager.save(make(Article, { title: 'A' })))

  it('a typo in a class field beside a hook is refused before any hook runs', async () => {
    class Typo extends MapperExtension {
      override afterInsert = () => void log.push('never')
      beforeInsrt = () => undefined
    }
    mapper(Article, { extensions: [Typo] })
    expect(await save()).toMatchObject({
      code: 'EXTENSION_HOOK_UNKNOWN',
      message: expect.stringContaining('"Typo": "beforeInsrt"') as string,
    })
    expect([log, await db.ds.manager.count(Article)]).toEqual([[], 0])
  })

  it('a class that mentions a hook but has none is refused', async () => {
    class Mentions extends MapperExtension {
      note = 'one day: beforeInsert'
    }
    mapper(Article, { extensions: [Mentions] })
    expect(await save()).toMatchObject({ code: 'EXTENSION_WITHOUT_HOOK', message: expect.stringContaining('"Mentions"') as string })
  })

  it('hooks as class fields work', async () => {
    class Field extends MapperExtension<Article> {
      override beforeInsert = (article: Article) => void (article.slug = 'field')
    }
    mapper(Article, { extensions: [Field] })
    expect(await db.use().manager.save(make(Article, { title: 'A' }))).toMatchObject({ slug: 'field' })
  })

  // ming row 12, improved: refused where it is built, before a hook could be missed
  it.each([[{}], [{ beforeInsert: () => undefined }], [new Foreign()], [undefined], [null], ['an extension'], [Promise.resolve()]])(
    'a factory that returns %p is refused',
    async (result) => {
      mapper(Article, { extensions: [() => result as never] })
      const error = await save()
      expect(error).toMatchObject({ code: 'EXTENSION_FACTORY_RESULT', fix: expect.stringContaining('synchronously') as string })
      expect(error.message).toContain('wanted is an instance of MapperExtension')
      expect(await db.ds.manager.count(Article)).toBe(0)
    },
  )

  it('a factory that returns an extension of the other level is refused', async () => {
    const Session = sessionExtension({ beforeInsert: () => undefined }, 'ChangeLog')
    mapper(Article, { extensions: [() => new Session({} as Session) as never] })
    expect(await save()).toMatchObject({
      code: 'EXTENSION_FACTORY_RESULT',
      message: expect.stringContaining('an instance of ChangeLog') as string,
    })
  })
})
