/**
 * What extensions hear of cursors: when they are made, and each attempt to fetch.
 *
 * @module
 */
import { openSession, type Cursor, type OpenSession, type Session } from 'flushpoint'
import { errorOf, label, sessionExtension, useDatabase } from '../support/chains.js'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { Essay, LIBRARY, Topic, Writer } from '../support/library.js'
import { Author, ENTITIES, make, Tag } from '../support/models.js'

const lines: string[] = []
const name = (value: unknown) => (typeof value === 'function' ? value.name : JSON.stringify(value))

/** Writes what it hears, a cursor as a number in the order in which it first saw it. */
function heard() {
  const cursors: unknown[] = []
  const numberOf = (cursor: unknown) => {
    if (!cursors.includes(cursor)) cursors.push(cursor)
    return cursors.indexOf(cursor) + 1
  }
  return sessionExtension({
    cursorCreated(cursor, action, ...args) {
      const words = args.map((arg) => (cursors.includes(arg) ? `of ${numberOf(arg)}` : name(arg)))
      lines.push([`created ${numberOf(cursor)}`, action, ...words].join(' '))
    },
    beforeCursorNext: (cursor) => void lines.push(`before ${numberOf(cursor)}`),
    afterCursorNext: (cursor) => void lines.push(`after ${numberOf(cursor)}`),
  })
}

const pairs = (count: number, cursor = 1) => Array.from({ length: count }, () => [`before ${cursor}`, `after ${cursor}`]).flat()
const taken = () => lines.splice(0)

describeDatabase('extensions of a session', () => {
  const opened: OpenSession[] = []
  afterEach(async () => {
    for (const session of opened.splice(0)) await session.close()
  })
  const database = useDatabase([...ENTITIES, ...LIBRARY])

  function open(...extensions: (new (session: Session) => object)[]): OpenSession {
    const session = openSession(database.ds, { extensions: extensions as never })
    opened.push(session)
    return session
  }

  beforeEach(async () => {
    lines.length = 0
    await database.ds.manager.save(['Ann', 'Bob', 'Cid'].map((one) => make(Author, { name: one })))
  })

  it('hear of a cursor when it is made, with its action and arguments, and of no attempt before it runs', () => {
    const session = open(heard())
    void session.find(Author)
    void session.find(Author, { name: 'Ann' })
    expect(taken()).toEqual(['created 1 find Author', 'created 2 find Author {"name":"Ann"}']) // ming row 120
  })

  it('hear of each refinement with its own action, the parent cursor first', () => {
    const cursor = open(heard()).find(Author) as Cursor
    void cursor.where({ name: 'Ann' }).order({ name: 'ASC' }).skip(1).limit(2).with('articles', 'articles.tags')
    void cursor.limit(1)
    expect(taken()).toEqual([
      'created 1 find Author',
      'created 2 where of 1 {"name":"Ann"}',
      'created 3 order of 2 {"name":"ASC"}',
      'created 4 skip of 3 1',
      'created 5 limit of 4 2',
      'created 6 with of 5 "articles" "articles.tags"',
      'created 7 limit of 1 1',
    ]) // ming row 121
  })

  it('hear N + 1 attempts for N entities', async () => {
    const session = open(heard())
    const cursor = session.find(Author)
    taken()
    await cursor.all()
    expect(taken()).toEqual(pairs(4)) // ming row 122
    await cursor
    expect(taken()).toEqual(pairs(4))
    for await (const author of cursor) lines.push(author.name)
    expect(taken().filter((line) => !line.includes('1'))).toHaveLength(3)
    const entities: Author[] = []
    for await (const author of cursor) entities.push(author)
    expect(taken()).toEqual(pairs(4))
    expect(entities).toHaveLength(3)
  })

  it('hear no attempt for what the loop did not ask for', async () => {
    const session = open(heard())
    for await (const author of session.find(Author).order({ name: 'ASC' })) if (author.name === 'Bob') break
    expect(taken()).toEqual(['created 1 find Author', 'created 2 order of 1 {"name":"ASC"}', ...pairs(2, 2)])
  })

  it('hear one attempt of first, also where nothing is', async () => {
    const session = open(heard())
    const [some, none] = [session.find(Author), session.find(Author, { name: 'none' })]
    taken()
    await some.first()
    expect(taken()).toEqual(pairs(1))
    expect(await none.first()).toBeNull()
    expect(taken()).toEqual(pairs(1, 2)) // ming row 123
  })

  it.each(['one', 'oneOrNull'] as const)('hear two attempts of %s, one where nothing is', async (method) => {
    const session = open(heard())
    const cursors = [session.find(Author, { name: 'Ann' }), session.find(Author), session.find(Author, { name: 'none' })] as const
    taken()
    expect((await cursors[0][method]())!.name).toBe('Ann')
    expect(taken()).toEqual(pairs(2))
    await errorOf(cursors[1][method]())
    expect(taken()).toEqual(pairs(2, 2))
    await cursors[2][method]().catch(() => undefined)
    expect(taken()).toEqual(pairs(1, 3)) // ming row 124
  })

  it('hear nothing of count and of a known key; of an unknown key, a find and one attempt', async () => {
    const session = open(heard())
    const { id } = (await database.ds.manager.findOneByOrFail(Author, { name: 'Ann' })) as Author
    const cursor = session.find(Author)
    taken()
    await cursor.count()
    expect(taken()).toEqual([])
    await session.get(Author, id)
    expect(taken()).toEqual([`created 2 find Author {"id":${id}}`, ...pairs(1, 2)])
    await session.get(Author, id)
    await session.getOrFail(Author, { id })
    expect(taken()).toEqual([]) // ming row 127
  })

  it('hear the end of an attempt that failed in the database', async () => {
    const session = open(heard())
    const cursor = session.find(Author, { unknown: 1 } as never)
    taken()
    expect(await errorOf(cursor.all())).toMatchObject({ code: 'QUERY_PROPERTY_UNKNOWN' })
    expect(taken()).toEqual(pairs(1)) // ming row 125
  })

  it('hear the end of an attempt in which an afterLoad hook failed', async () => {
    const failing = sessionExtension({
      afterLoad() {
        throw new Error('no')
      },
    })
    const cursor = open(heard(), failing).find(Author)
    taken()
    expect(await errorOf(cursor.first())).toMatchObject({ message: 'no' })
    expect(taken()).toEqual(pairs(1)) // ming row 125
  })

  it('stop a fetch by an error before it: nothing is sent, nobody hears of its end', async () => {
    const refusing = sessionExtension({
      async beforeCursorNext() {
        await Promise.reject(new Error('not now'))
      },
    })
    const cursor = open(sessionExtension({ afterCursorNext: () => void lines.push('after') }), refusing).find(Author)
    const recording = recordStatements(database.ds)
    for (const method of ['all', 'first', 'one', 'oneOrNull'] as const)
      expect(await errorOf(cursor[method]())).toMatchObject({ message: 'not now' })
    expect([recording.statements.length, taken()]).toEqual([0, []]) // ming row 126
    recording.stop()
  })

  it('replace the outcome by an error after a fetch; what was loaded is in the session', async () => {
    const session = open(
      sessionExtension({
        afterCursorNext() {
          throw new Error('too late')
        },
      }),
    )
    expect(await errorOf(session.find(Author, { name: 'Ann' }).first())).toMatchObject({ message: 'too late' })
    expect(String(session)).toContain('1 tracked')
  })

  it('find the entity in the session when an attempt ends', async () => {
    const tracked: string[] = []
    const counting = sessionExtension({
      beforeCursorNext() {
        tracked.push(`before ${/(\d+) tracked/.exec(String(this.session))![1]!}`)
      },
      afterCursorNext() {
        tracked.push(`after ${/(\d+) tracked/.exec(String(this.session))![1]!}`)
      },
    })
    await open(counting).find(Author).first()
    expect(tracked).toEqual(['before 0', 'after 1']) // ming row 128
  })

  it('keep data on a cursor and find it on the parent of a refined one', async () => {
    const noted = new WeakMap<object, string>()
    const noting = sessionExtension({
      cursorCreated(cursor, action, parent) {
        noted.set(cursor, action === 'find' ? 'root' : `${noted.get(parent as object)!} > ${action}`)
      },
      beforeCursorNext: (cursor) => void lines.push(noted.get(cursor)!),
    })
    await open(noting).find(Author).order({ name: 'ASC' }).limit(2).first()
    expect(taken()).toEqual(['root > order > limit']) // ming row 132
  })

  it('are heard in listed order, before and after alike, each after the one before has settled', async () => {
    const slow = (own: string) =>
      sessionExtension({
        cursorCreated: () => void lines.push(`${own} created`),
        async beforeCursorNext() {
          await new Promise((resolve) => setImmediate(resolve))
          lines.push(`${own} before`)
        },
        async afterCursorNext() {
          await new Promise((resolve) => setImmediate(resolve))
          lines.push(`${own} after`)
        },
      })
    await open(slow('1'), slow('2')).find(Author).first()
    expect(taken()).toEqual(['1 created', '2 created', '1 before', '2 before', '1 after', '2 after'])
  })

  it('may not make a cursor wait: a promise from cursorCreated fails the find', async () => {
    const session = open(sessionExtension({ cursorCreated: (() => Promise.resolve()) as never }))
    expect(await errorOf(() => session.find(Author))).toMatchObject({ code: 'HOOK_MUST_BE_SYNCHRONOUS' })
  })

  it('lose a cursor by an error when it is made', async () => {
    const session = open(
      sessionExtension({
        cursorCreated(_cursor, action) {
          if (action === 'limit') throw new Error('no limits')
        },
      }),
    )
    const cursor = session.find(Author)
    expect(await errorOf(() => cursor.limit(1))).toMatchObject({ message: 'no limits' })
    expect(await cursor).toHaveLength(3)
  })

  it('may query in a hook of a query', async () => {
    const found: number[] = []
    const asking = sessionExtension({
      async beforeCursorNext(cursor) {
        if (!String(cursor).includes('Author')) return
        found.push(await this.session.find(Tag).count())
      },
    })
    expect(await open(asking).find(Author).first()).not.toBeNull()
    expect(found).toEqual([0])
  })

  it('hear of a lazy relation as a find when it is first awaited, and of nothing after', async () => {
    const [writer, topics] = [make(Writer, { name: 'Ann' }), [make(Topic, { name: 't1' }), make(Topic, { name: 't2' })]]
    await database.ds.manager.save(make(Essay, { name: 'On lists', writer: Promise.resolve(writer), topics: Promise.resolve(topics) }))
    const session = open(heard())
    const essay = await session.find(Essay).one()
    taken()
    expect((await essay.topics).map(label).sort()).toEqual(['t1', 't2'])
    expect(taken()).toEqual(['created 2 find Topic', ...pairs(3, 2)])
    await essay.topics
    expect(taken()).toEqual([]) // ming row 131
  })
})
