/** Extensions with options, by factory and as a shared instance. */
import { MapperExtension, SessionExtension, type Mapper, type OptionNames, type Session } from 'flushpoint'
import { errorOf, extend, log, useDatabase } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { Article, Author, make } from '../support/models.js'

class SlugFrom extends MapperExtension<Article> {
  static override readonly optionNames: OptionNames = { from: 'required', prefix: 'optional' }
  readonly #options: { readonly from: 'title' | 'createdBy'; readonly prefix?: string }

  constructor(mapper: Mapper<Article>, options: { readonly from: 'title' | 'createdBy'; readonly prefix?: string }) {
    super(mapper)
    this.#options = options
  }

  override beforeInsert(article: Article) {
    article.slug = `${this.#options.prefix ?? ''}${article[this.#options.from]}`
  }
}

class Told extends SessionExtension {
  readonly #options: { readonly name: string }

  constructor(session: Session, options: { readonly name: string }) {
    super(session)
    this.#options = options
  }

  override beforeFlush() {
    log.push(this.#options.name)
  }
}

class Lazy extends MapperExtension {
  constructor(mapper: Mapper, options: { readonly name?: string } = {}) {
    super(mapper)
    log.push(`built ${options.name ?? 'without options'}`)
  }

  override beforeInsert() {
    log.push('beforeInsert')
  }
}

describeDatabase('Class.with(options)', () => {
  const db = useDatabase()

  it('gives the options to each instance, at both levels', async () => {
    extend(Article, SlugFrom.with({ from: 'title', prefix: '/' }))
    const ds = db.use(Told.with({ name: 'one' }), Told.with({ name: 'two' }))
    expect(await ds.manager.save(make(Article, { title: 'A' }))).toMatchObject({ slug: '/A' })
    expect(log).toEqual(['one', 'two'])
  })

  it('may be left out where every option is optional', async () => {
    extend(Article, Lazy, Lazy.with({ name: 'with options' }))
    await db.use().manager.save(make(Article, { title: 'A' }))
    expect(log).toEqual(['built without options', 'built with options', 'beforeInsert', 'beforeInsert'])
  })

  it('builds nothing before the entity is first written', async () => {
    extend(Article, Lazy)
    await db.use().manager.save(make(Author, { name: 'Ann' }))
    expect(log).toEqual([])
  })

  it('refuses an unknown option and names the nearest', async () => {
    const error = await errorOf(() => SlugFrom.with({ from: 'title', prefx: '/' } as never))
    expect(error).toMatchObject({
      name: 'ConfigurationError',
      code: 'EXTENSION_OPTION_UNKNOWN',
      fix: expect.stringContaining('optionNames') as string,
    })
    expect(error.message).toContain('Cannot build "SlugFrom": it has no option "prefx"; did you mean "prefix"?')
  })

  it.each([[{}], [{ prefix: '/' }], [{ from: undefined }], [undefined]])('refuses options without a required one: %p', async (options) => {
    const error = await errorOf(() => SlugFrom.with(options as never))
    expect(error).toMatchObject({ code: 'EXTENSION_OPTION_MISSING', fix: expect.stringContaining('Class.with') as string })
    expect(error.message).toContain('its option "from" is required')
  })

  it('is wanted for a class whose options are required', async () => {
    expect(await errorOf(() => extend(Article, SlugFrom as never))).toMatchObject({
      code: 'EXTENSION_OPTION_MISSING',
      message: expect.stringContaining('"from"') as string,
    })
    expect(await errorOf(() => db.use(Told as never))).toMatchObject({
      code: 'EXTENSION_OPTION_MISSING',
      message: expect.stringContaining('"options"') as string,
    })
  })

  it('makes different lists of one class differ', async () => {
    extend(Article, SlugFrom.with({ from: 'title' }))
    extend(Author, Lazy.with({ name: 'author' }))
    await db.use().manager.save(make(Article, { title: 'A', author: make(Author, { name: 'Ann' }) }))
    expect(log).toEqual(['built author', 'beforeInsert'])
  })
})

describeDatabase('a factory', () => {
  const db = useDatabase()

  // ming row 68
  it('is called with the mapper or the session, and what it returns is used', async () => {
    const owners: unknown[] = []
    extend(Article, (mapper) => {
      owners.push(mapper)
      return new SlugFrom(mapper, { from: 'title' })
    })
    const ds = db.use((session) => {
      owners.push(session)
      return new Told(session, { name: 'by factory' })
    })
    expect(await ds.manager.save(make(Article, { title: 'A' }))).toMatchObject({ slug: 'A' })
    expect(log).toEqual(['by factory'])
    expect(owners).toEqual(
      expect.arrayContaining([expect.objectContaining({ target: Article }), expect.objectContaining({ dataSource: ds })]),
    )
    expect(owners).toHaveLength(2)
  })

  // ming row 68
  it('may share one instance among entities and sessions', async () => {
    const shared = new Lazy({} as Mapper, { name: 'shared' })
    const told = new Told({} as Session, { name: 'told' })
    extend(Article, () => shared)
    extend(Author, () => shared)
    const ds = db.use(() => told)
    await ds.manager.save(make(Article, { title: 'A', author: make(Author, { name: 'Ann' }) }))
    await ds.manager.save(make(Author, { name: 'Bob' }))
    expect(log).toEqual(['built shared', 'told', 'beforeInsert', 'beforeInsert', 'told', 'beforeInsert'])
  })

  it('that throws fails the write with that very error, and is called again for the next', async () => {
    const error = new Error('not now')
    let calls = 0
    extend(Article, (mapper) => {
      if (++calls === 1) throw error
      return new SlugFrom(mapper, { from: 'title' })
    })
    const ds = db.use()
    await expect(ds.manager.save(make(Article, { title: 'A' }))).rejects.toBe(error)
    expect(await ds.manager.save(make(Article, { title: 'B' }))).toMatchObject({ slug: 'B' })
  })

  it('may be a plain function, a method or bound', async () => {
    function plain(mapper: Mapper<Article>): SlugFrom {
      return new SlugFrom(mapper, { from: 'title' })
    }
    const holder = { method: (mapper: Mapper<Article>) => new SlugFrom(mapper, { from: 'createdBy' }) }
    extend(Article, plain, holder.method, plain.bind(null))
    expect(await db.use().manager.save(make(Article, { title: 'A', createdBy: 'ann' }))).toMatchObject({ slug: 'A' })
  })
})
