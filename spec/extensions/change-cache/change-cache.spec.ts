/**
 * ChangeCache: one record for each commit, by both ways in.
 *
 * @module
 */
import { install, sessionSubscriber, withContext, withoutExtensions, type EntityClass } from 'flushpoint'
import { ChangeCache, defaultChangeCache, type ChangeCacheOptions } from 'flushpoint/extensions'
import { Keyv } from 'keyv'
import { Column, Entity, EntitySchema, PrimaryColumn } from 'typeorm'
import { sessionExtension } from '../../support/chains.js'
import { entriesIn, namesOf, recordsIn } from '../../support/change-records.js'
import { closeDataSources, openDataSource, openOnUsedTables } from '../../support/databases.js'
import { Article, Author, Comment, ENTITIES, make, Note, Tag } from '../../support/models.js'
import { errorOf } from '../../support/sessions.js'
import { describeWays } from '../../support/ways-in.js'

/** Its key has two parts, and something that nobody is to see. */
@Entity()
class Account {
  @PrimaryColumn() area: string
  @PrimaryColumn({ type: 'int' }) number: number
  @Column({ select: false, nullable: true, type: 'varchar' }) password?: string | null
  @Column({ type: 'simple-json', nullable: true }) settings?: object | null
}

const entities = [...ENTITIES, Account]
const ROOTS: readonly EntityClass[] = [Author, Article, Note, Account]

describeWays('a change cache', (way) => {
  let cache: Keyv
  beforeEach(() => void (cache = new Keyv()))
  afterEach(closeDataSources)

  const open = (options: ChangeCacheOptions = {}, ...others: NonNullable<Parameters<typeof install>[1]>['extensions'] & object) =>
    openOnUsedTables({
      entities,
      subscribers: [sessionSubscriber({ extensions: [ChangeCache.with({ cache, roots: ROOTS, ...options }), ...others] })],
    })
  const recorded = async () => (await recordsIn(cache)).map(namesOf)

  it('goes on where its DataSource is closed and connects anew', async () => {
    const dataSource = await open()
    await way.save(dataSource, make(Author, { name: 'before' }))
    await dataSource.destroy()
    await dataSource.initialize()
    await way.save(dataSource, make(Author, { name: 'after' }))
    expect((await recordsIn(cache)).map(({ created }) => created.map(({ data }) => (data as { name: string }).name))).toEqual([
      ['before'],
      ['after'],
    ])
  })

  // D12
  it('has one record for a commit: who, and what was created, updated and deleted', async () => {
    const dataSource = await open()
    const [kept, gone] = await way.seed(dataSource, [make(Author, { name: 'kept' }), make(Author, { name: 'gone' })])
    const goneId = gone!.id
    await withContext({ actor: { username: 'ada', email: 'ada@example.org' } } as never, () =>
      way.transaction(dataSource, async ({ save, remove }) => {
        kept!.name = 'renamed'
        await save([make(Article, { id: undefined as never, title: 'new', author: kept! })])
        await save(kept!)
        await remove(gone!)
      }),
    )
    expect(await recordsIn(cache)).toEqual([
      {
        username: 'ada',
        email: 'ada@example.org',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        created: [
          {
            model: 'Article',
            id: '1',
            obj_as_str: 'new',
            is_root: true,
            data: { author: { id: kept!.id }, comments: [], createdBy: null, id: 1, model: 'Article', slug: null, tags: [], title: 'new' },
          },
        ],
        updated: [
          { model: 'Author', id: String(kept!.id), obj_as_str: 'renamed', data: { id: kept!.id, model: 'Author', name: 'renamed' } },
        ],
        deleted: [{ model: 'Author', id: String(goneId) }],
      },
    ])
  })

  // D13
  it('names a guest where nobody is known to have done it', async () => {
    const dataSource = await open()
    await way.save(dataSource, make(Author, { name: 'a' }))
    expect(await recordsIn(cache)).toMatchObject([{ username: 'guest', email: 'guest@incubaid.com' }])
  })

  it('takes the user from an option, the rest from the guest of another', async () => {
    const guest = { email: 'nobody@example.org' }
    const dataSource = await open({ user: ({ requestId }) => ({ username: `request ${requestId}` }), guest })
    await withContext({ requestId: '7' } as never, () => way.save(dataSource, make(Author, { name: 'a' })))
    expect(await recordsIn(cache)).toMatchObject([{ username: 'request 7', email: 'nobody@example.org' }])
  })

  // D14
  it('has nothing of what was rolled back', async () => {
    const dataSource = await open()
    const failed = way.transaction(dataSource, async ({ save }) => {
      await save(make(Author, { name: 'a' }))
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    expect(await recorded()).toEqual([])
  })

  it('has nothing of a commit that a later hook vetoes', async () => {
    const Veto = sessionExtension({
      beforeCommit() {
        this.session.onBeforeCommit(() =>
          this.session.onBeforeCommit(() => this.session.onBeforeCommit(() => Promise.reject(new Error('no')))),
        )
      },
    })
    const dataSource = await open({}, Veto)
    await expect(way.save(dataSource, make(Author, { name: 'a' }))).rejects.toThrow('no')
    expect(await recorded()).toEqual([])
  })

  // D15
  it('merges the flushes of a transaction into one record', async () => {
    const dataSource = await open()
    await way.transaction(dataSource, async ({ save }) => {
      const author = await save(make(Author, { name: 'a' }))
      author.name = 'b'
      await save(author)
      await save(make(Author, { name: 'c' }))
    })
    expect(await recordsIn(cache)).toMatchObject([{ created: [{ obj_as_str: 'b' }, { obj_as_str: 'c' }], updated: [], deleted: [] }])
  })

  // D16
  it('has nothing of a savepoint that was rolled back', async () => {
    const dataSource = await open()
    await way.transaction(dataSource, async (work) => {
      await work.save(make(Author, { name: 'outer' }))
      await work
        .transaction(async (inner) => {
          await inner.save(make(Author, { name: 'inner' }))
          throw new Error('undone')
        })
        .catch(() => undefined)
    })
    expect(await recordsIn(cache)).toMatchObject([{ created: [{ obj_as_str: 'outer' }] }])
  })

  // D17
  it('lists the roots of an updated row that is none, read anew, each once', async () => {
    const dataSource = await open()
    const author = await way.seed(dataSource, make(Author, { name: 'a' }))
    const comments = [make(Comment, { text: 'one' }), make(Comment, { text: 'two' })]
    const article = await way.seed(dataSource, make(Article, { title: 'old', author, comments }))
    await dataSource.query(`UPDATE article SET title = 'changed elsewhere'`)
    for (const comment of article.comments!) comment.text += '!'
    await way.save(dataSource, article.comments!)
    expect(await recordsIn(cache)).toMatchObject([
      {
        created: [],
        updated: [
          {
            model: 'Article',
            obj_as_str: 'changed elsewhere',
            data: { comments: [{ text: 'one!', article: { id: article.id }, model: 'Comment' }, { text: 'two!' }] },
          },
        ],
        deleted: [],
      },
    ])
  })

  it('lists both roots of a row that moves from one to the other', async () => {
    const dataSource = await open()
    const [from, to] = await way.seed(dataSource, [make(Article, { title: 'from' }), make(Article, { title: 'to' })])
    const comment = await way.seed(dataSource, make(Comment, { text: 'c', article: from! }))
    comment.article = to!
    await way.save(dataSource, comment)
    expect((await recordsIn(cache))[0]!.updated).toMatchObject([
      { obj_as_str: 'from', data: { comments: [] } },
      { obj_as_str: 'to', data: { comments: [{ text: 'c' }] } },
    ])
  })

  it('lists the root of a new row that is none, as its document has it', async () => {
    const dataSource = await open()
    const article = await way.seed(dataSource, make(Article, { title: 'a' }))
    await way.save(dataSource, make(Comment, { text: 'c', article }))
    expect(await recordsIn(cache)).toMatchObject([
      {
        created: [{ model: 'Comment', is_root: false, data: { text: 'c' } }],
        updated: [{ model: 'Article', data: { comments: [{ text: 'c' }] } }],
      },
    ])
  })

  // D18
  it('lists a deleted root by model and id, and of one that is none the roots around it', async () => {
    const dataSource = await open()
    const [doomed, article] = await way.seed(dataSource, [make(Author, { name: 'doomed' }), make(Article, { title: 'a' })] as const)
    const comment = await way.seed(dataSource, make(Comment, { text: 'c', article }))
    const { id } = doomed
    await way.remove(dataSource, doomed)
    await way.remove(dataSource, comment)
    expect(await recorded()).toEqual([
      { created: [], updated: [], deleted: [`Author ${id}`] },
      { created: [], updated: [`Article ${article.id}`], deleted: [] },
    ])
  })

  it('lists the roots that held the key of a row that is deleted', async () => {
    const dataSource = await open()
    const tag = await way.seed(dataSource, make(Tag, { name: 't' }))
    await way.seed(dataSource, make(Article, { title: 'a', tags: [tag] }))
    await way.remove(dataSource, tag)
    expect(await recordsIn(cache)).toMatchObject([{ created: [], updated: [{ model: 'Article', data: { tags: [] } }], deleted: [] }])
  })

  it('lists roots around an updated one where that is asked for', async () => {
    const dataSource = await open({ neighbours: true })
    const author = await way.seed(dataSource, make(Author, { name: 'a' }))
    await way.seed(dataSource, make(Article, { title: 'by a', author }))
    author.name = 'b'
    await way.save(dataSource, author)
    expect((await recorded()).map(({ updated }) => updated)).toEqual([[`Author ${author.id}`, 'Article 1']])
    await cache.clear()
    const other = await open()
    const [own] = await way.seed(other, [make(Author, { name: 'a' })])
    await way.seed(other, make(Article, { title: 'by a', author: own! }))
    own!.name = 'b'
    await way.save(other, own!)
    expect((await recorded()).map(({ updated }) => updated)).toEqual([[`Author ${own!.id}`]])
  })

  it('has every mapped class for a root, where none are given', async () => {
    const dataSource = await openOnUsedTables({ entities, subscribers: [sessionSubscriber({ extensions: [ChangeCache.with({ cache })] })] })
    await way.save(dataSource, make(Article, { title: 'a', comments: [make(Comment, { text: 'c' })] }))
    const [record] = await recordsIn(cache)
    expect(record!.created.map(({ model, is_root }) => [model, is_root])).toEqual([
      ['Article', true],
      ['Comment', true],
    ])
    expect(record!.created[0]!.data).not.toHaveProperty('comments')
  })

  it('leaves tables out that are excluded', async () => {
    const dataSource = await openOnUsedTables({
      entities,
      subscribers: [sessionSubscriber({ extensions: [ChangeCache.with({ cache, exclude: ['note', 'art*'] })] })],
    })
    await way.save(dataSource, make(Note, { text: 'n' }))
    expect(await recorded()).toEqual([])
    await way.save(dataSource, make(Article, { title: 'a', author: make(Author, { name: 'b' }) }))
    expect(await recorded()).toEqual([{ created: ['Author 1'], updated: [], deleted: [] }])
  })

  it('never has what is hidden, and names a key of two parts by both', async () => {
    const dataSource = await open()
    await way.save(dataSource, make(Account, { area: 'de', number: 7, password: 'secret', settings: { a: [':base64:eA=='] } }))
    const [record] = await recordsIn(cache)
    expect(record!.created).toEqual([
      {
        model: 'Account',
        id: 'de,7',
        obj_as_str: '',
        is_root: true,
        data: { area: 'de', model: 'Account', number: 7, settings: { a: [':base64:eA=='] } },
      },
    ])
  })

  it('has a soft-removed row as an updated one', async () => {
    const dataSource = await open()
    const note = await way.seed(dataSource, make(Note, { text: 'n' }))
    await way.softRemove(dataSource, note)
    expect(await recordsIn(cache)).toMatchObject([{ updated: [{ data: { deletedAt: expect.any(String) } }], deleted: [] }])
  })

  // D24
  it('has nothing of statements by query', async () => {
    const dataSource = await open()
    await way.manager(dataSource, async (manager) => {
      await manager.insert(Author, { name: 'a' })
      await manager.update(Author, { name: 'a' }, { name: 'b' })
      await manager.delete(Author, { name: 'b' })
    })
    expect(await recorded()).toEqual([])
  })

  // D26
  it('has nothing of a commit that changed nothing', async () => {
    const dataSource = await open()
    const author = await way.seed(dataSource, make(Author, { name: 'a' }))
    await way.transaction(dataSource, async ({ save, remove }) => {
      author.name = 'b'
      await save(author)
      author.name = 'a'
      await save(author)
      await remove(await save(make(Author, { name: 'brief' })))
    })
    await way.transaction(dataSource, () => Promise.resolve())
    expect(await recorded()).toEqual([])
  })

  // D23
  it('has nothing of what is loaded in silence', async () => {
    const dataSource = await open()
    await withoutExtensions(() => way.save(dataSource, make(Author, { name: 'a' })))
    expect(await recorded()).toEqual([])
  })

  it('has what hooks write at the commit', async () => {
    const Late = sessionExtension({
      beforeCommit() {
        if (this.session.journal.length === 1) this.session.add(make(Note, { text: 'late' }))
      },
    })
    const dataSource = await open({}, Late)
    await way.save(dataSource, make(Author, { name: 'a' }))
    expect(await recorded()).toEqual([{ created: ['Author 1', 'Note 1'], updated: [], deleted: [] }])
  })

  it('has one record of a commit where the extension is listed twice for one cache', async () => {
    const dataSource = await open({}, ChangeCache.with({ cache }))
    await way.save(dataSource, make(Author, { name: 'a' }))
    expect(await recorded()).toHaveLength(1)
  })

  it('has records in the order of the commits', async () => {
    const dataSource = await open()
    for (const name of ['a', 'b', 'c', 'd']) await way.save(dataSource, make(Author, { name }))
    const entries = await entriesIn(cache)
    expect(entries.map(([, { created }]) => created[0]!.obj_as_str)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('has a write that is its own commit', async () => {
    const dataSource = await open()
    if (way.isSession) await way.save(dataSource, make(Author, { name: 'a' }))
    else await dataSource.manager.save(make(Author, { name: 'a' }), { transaction: false })
    expect(await recorded()).toEqual([{ created: ['Author 1'], updated: [], deleted: [] }])
  })

  it('shares one cache in memory where none is given', async () => {
    const dataSource = await openOnUsedTables({ entities, subscribers: [sessionSubscriber({ extensions: [ChangeCache] })] })
    await way.save(dataSource, make(Author, { name: 'default' }))
    const records = await recordsIn(defaultChangeCache())
    expect(records.at(-1)).toMatchObject({ created: [{ obj_as_str: 'default' }] })
  })
})

describe('options of a change cache', () => {
  afterEach(closeDataSources)

  it.each([
    [{ cache: {} }, 'a Keyv, with get, set and delete'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ guest: { name: 'x' } }, 'unknown'],
    [{ exclude: [7] }, 'a list of table names'],
    [{ exclude: ['note', 'aduit'] }, 'aduit'],
    [{ exclude: ['aduit_*'] }, 'names of mapped tables'],
    [{ roots: [] }, 'at least one class'],
    [{ cache: new Map() }, 'a Keyv'],
  ])('are refused where they can never work: %j', async (options, text) => {
    const error = await errorOf(() =>
      openDataSource({ entities: [...ENTITIES], subscribers: [sessionSubscriber({ extensions: [ChangeCache.with(options as never)] })] }),
    )
    expect(error).toMatchObject({ name: 'ConfigurationError', code: expect.stringMatching(/^OPTION_/) })
    expect(error.message).toContain(text === 'unknown' ? 'name' : text)
  })

  it('are refused where a root is not mapped', async () => {
    class Stranger {}
    const opening = openDataSource({
      entities: [...ENTITIES],
      subscribers: [sessionSubscriber({ extensions: [ChangeCache.with({ roots: [Author, Stranger] })] })],
    })
    expect(await errorOf(opening)).toMatchObject({ code: 'OPTION_INVALID', message: expect.stringContaining('Stranger') })
  })

  it.each([
    [['shop:Item', 'shopItem'], 'DATA_MODELS_ALIKE'],
    [['shop/Item', 'Other'], 'DATA_NAME_REFUSED'],
  ])('are refused where %j are roots, whose files would have no folder of their own', async (names, code) => {
    const schemas = names.map(
      (name, at) => new EntitySchema({ name, tableName: `item_${at}`, columns: { id: { type: Number, primary: true } } }),
    )
    const open = (options: ChangeCacheOptions) =>
      openDataSource({ entities: schemas, subscribers: [sessionSubscriber({ extensions: [ChangeCache.with(options)] })] })
    expect(await errorOf(open({}))).toMatchObject({ name: 'DataError', code })
    expect((await open({ roots: [schemas[1]!] })).isInitialized).toBe(true)
  })
})
