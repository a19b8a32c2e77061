/**
 * Shows dependencies by `resolve` from a small container written by hand, for classes, strings and symbols as tokens.
 */
import { DataSource } from 'typeorm'
import { hasErrorCode, install, mapper, MapperExtension, SessionExtension, sessionOf, type Session, type Token } from 'flushpoint'
import { closeAll, createDatabase, dataSourceOptions, describeDatabase, openDataSource } from '../support/databases.js'
import { Article, ENTITIES, make } from '../support/models.js'

/** Makes each thing once, when it is first asked for. */
class Container {
  readonly #recipes = new Map<Token<unknown>, () => unknown>()
  readonly #made = new Map<Token<unknown>, unknown>()

  provide<T>(token: Token<T>, recipe: () => T): this {
    this.#recipes.set(token, recipe)
    return this
  }

  get<T>(token: Token<T>): T {
    const recipe = this.#recipes.get(token)
    if (recipe === undefined) throw new TypeError(`Nothing provides ${String(token)}`)
    if (!this.#made.has(token)) this.#made.set(token, recipe())
    return this.#made.get(token) as T
  }
}

class Users {
  current = 'ann'
}
const SEPARATOR = Symbol('separator')

class Stamp extends MapperExtension<Article> {
  override beforeInsert(article: Article) {
    const separator = this.mapper.resolve<string>(SEPARATOR)
    article.slug = article.title.toLowerCase().replaceAll(' ', separator)
    article.createdBy = this.mapper.resolve(Users).current
  }
}
mapper(Article, { extensions: [Stamp] })

const container = () => {
  const filled = new Container()
  return filled.provide(Users, () => new Users()).provide(SEPARATOR, () => '_')
}

describeDatabase('dependencies from a container of one’s own', () => {
  afterAll(closeAll)

  async function open(source: Container): Promise<DataSource> {
    const dataSource = await openDataSource({ entities: ENTITIES })
    install(dataSource, { resolve: (token) => source.get(token) })
    return dataSource
  }

  it('resolves classes and symbols in a mapper extension', async () => {
    const dataSource = await open(container())
    const saved = await dataSource.manager.save(make(Article, { title: 'Hello World' }))
    expect(saved).toMatchObject({ slug: 'hello_world', createdBy: 'ann' })
  })

  it('asks the container anew each time, and so sees what it holds now', async () => {
    const source = container()
    const dataSource = await open(source)
    source.get(Users).current = 'ben'
    expect(await dataSource.manager.save(make(Article, { title: 'x' }))).toMatchObject({ createdBy: 'ben' })
  })

  it('resolves strings in a factory, whose extension may be shared by all sessions', async () => {
    class Count extends SessionExtension {
      flushes = 0
      override beforeFlush() {
        this.flushes++
      }
    }
    const source = container().provide('count', () => new Count(undefined as never))
    const dataSource = await open(source)
    install(dataSource, { extensions: [(session: Session) => session.resolve<Count>('count')] })
    await dataSource.manager.save(make(Article, { title: 'a' }))
    await dataSource.manager.save(make(Article, { title: 'b' }))
    expect(source.get<Count>('count').flushes).toBe(2)
  })

  it('keeps the containers of two data sources apart', async () => {
    const [first, second] = [container(), container()]
    second.get(Users).current = 'cleo'
    const sources = [await open(first), await open(second)]
    const saved = await Promise.all(sources.map((dataSource) => dataSource.manager.save(make(Article, { title: 'x' }))))
    expect(saved.map(({ createdBy }) => createdBy)).toEqual(['ann', 'cleo'])
  })

  it('takes a container that is known before the data source is initialised', async () => {
    const options = dataSourceOptions({ entities: ENTITIES })
    await createDatabase(options)
    const dataSource = new DataSource(options)
    const filled = container()
    install(dataSource, { resolve: (token) => filled.get(token) })
    await dataSource.initialize()
    expect(await dataSource.manager.save(make(Article, { title: 'x' }))).toMatchObject({ createdBy: 'ann' })
    await dataSource.destroy()
  })

  it('vetoes the write with the container’s own error', async () => {
    const dataSource = await open(new Container())
    await expect(dataSource.manager.save(make(Article, { title: 'x' }))).rejects.toThrow('Nothing provides Symbol(separator)')
    expect(await dataSource.manager.count(Article)).toBe(0)
  })

  it('names the token and the remedy where there is no container', async () => {
    const dataSource = await openDataSource({ entities: ENTITIES })
    install(dataSource)
    const asking = dataSource.transaction((manager) => Promise.resolve(sessionOf(manager).resolve(Users)))
    const error: unknown = await asking.catch((reason: unknown) => reason)
    expect(hasErrorCode(error, 'RESOLVER_MISSING') && error.message).toMatch(/"Users".*resolve: token/)
  })
})
