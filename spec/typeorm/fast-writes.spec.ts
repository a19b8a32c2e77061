/**
 * `fastWrites`: save, remove, softRemove and recover of many entities in few statements, and nothing else about them different.
 *
 * @module
 */
import { install, withoutExtensions, type Change } from 'flushpoint'
import type { DataSource, EntityManager, EntityTarget } from 'typeorm'
import { errorOf, FLUSH_HOOKS, log, sessionExtension, sessionLog } from '../support/chains.js'
import { describeDatabase, openDataSource, recordStatements } from '../support/databases.js'
import { Article, Author, Comment, ENTITIES, make, Note, Tag } from '../support/models.js'
import { briefly, emptyTables } from '../support/sessions.js'
import { Folder } from '../support/ties.js'
import { TREES, ClosureNode } from '../support/shapes.js'

const COUNT = 30
const numbers = (count = COUNT) => Array.from({ length: count }, (_none, index) => index)

/** The order of members is nobody's promise. */
const byText = (a: object, b: object) => (JSON.stringify(Object.values(a).slice(1)) < JSON.stringify(Object.values(b).slice(1)) ? -1 : 1)

describeDatabase('fastWrites', () => {
  let fast: DataSource
  let plain: DataSource
  const uninstalls: (() => void)[] = []
  let changes: Change[] = []

  beforeAll(async () => {
    const entities = [...ENTITIES, Folder, ...TREES] as never
    fast = await openDataSource({ entities })
    plain = await openDataSource({ entities })
  })
  beforeEach(() => {
    const capture = sessionExtension({ afterCommit: (told) => void changes.push(...told) }, 'Capture')
    for (const ds of [fast, plain])
      uninstalls.push(install(ds, { fastWrites: ds === fast, extensions: [sessionLog('S', FLUSH_HOOKS), capture] }))
  })
  afterEach(async () => {
    uninstalls.splice(0).forEach((uninstall) => uninstall())
    for (const ds of [fast, plain]) await emptyTables(ds)
    log.length = 0
    changes = []
  })

  /** What a script sends: writes only. */
  async function sentBy(ds: DataSource, script: (manager: EntityManager) => Promise<unknown>): Promise<string[]> {
    const recording = recordStatements(ds)
    await script(ds.manager).finally(() => recording.stop())
    return recording
      .sql()
      .map((sql) => briefly(sql))
      .filter((line) => /^(INSERT|UPDATE|DELETE)/.test(line))
  }

  /** Runs a script on both data sources; rows, hooks and net changes, but for columns that are `open` there, must be alike. */
  async function alike(
    script: (manager: EntityManager) => Promise<unknown>,
    { open = [] }: { readonly open?: readonly string[] } = {},
  ): Promise<{ fast: string[]; plain: string[] }> {
    const results = []
    for (const ds of [fast, plain]) {
      log.length = 0
      changes = []
      const sent = await sentBy(ds, script)
      const rows: object[][] = []
      for (const entity of [...ENTITIES, Folder])
        rows.push(await ds.manager.find<any>(entity, { order: { id: 'ASC' }, relations: relationsOf(ds, entity), withDeleted: true }))
      results.push({ sent, rows: withoutDates(rows), log: [...log], told: changes.map((change) => described(change, open)) })
    }
    const [first, second] = results
    expect(first!.rows).toEqual(second!.rows)
    expect(first!.log).toEqual(second!.log)
    expect(first!.told).toEqual(second!.told)
    return { fast: first!.sent, plain: second!.sent }
  }

  /** Keys and dates are the database's own; relations tell the rest. */
  const withoutDates = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value, (name, one: unknown) =>
        name === 'id'
          ? undefined
          : Array.isArray(one) && name !== ''
            ? [...(one as object[])].sort(byText)
            : typeof one === 'string' && /^\d{4}-\d\d-\d\dT/.test(one)
              ? 'a date'
              : one,
      ),
    )

  const relationsOf = (ds: DataSource, entity: EntityTarget<object>) =>
    Object.fromEntries(ds.getMetadata(entity).relations.map(({ propertyName }) => [propertyName, true]))

  const described = ({ kind, table, before, after }: Change, open: readonly string[]) => {
    const closed = (image: object | null) => image && Object.fromEntries(Object.entries(image).filter(([name]) => !open.includes(name)))
    return withoutDates({ kind, table, before: closed(before), after: closed(after) })
  }

  const notes = () => numbers().map((index) => make(Note, { text: `note ${index}` }))

  it('inserts many entities by one statement and fills in what the database made of them', async () => {
    const { fast: sent } = await alike(async (manager) => {
      const saved = await manager.save(notes())
      expect(new Set(saved.map(({ id }) => id)).size).toBe(COUNT)
      for (const note of saved) {
        const row = await manager.findOneByOrFail(Note, { id: note.id })
        expect(row).toEqual(Object.assign(make(Note, { deletedAt: null, reason: null }), note))
      }
    })
    expect(sent).toEqual(['INSERT note'])
  })

  it('updates many entities by one statement, each in its own columns', async () => {
    const { fast: sent, plain: before } = await alike(async (manager) => {
      const saved = await manager.save(notes())
      saved.forEach((note, index) => Object.assign(note, index % 2 === 0 ? { text: `new ${index}` } : { reason: `why ${index}` }))
      await manager.save(saved)
      expect(saved.map(({ version }) => version)).toEqual(numbers().map(() => 2))
    })
    expect(sent).toEqual(['INSERT note', 'UPDATE note'])
    expect(before.filter((line) => line === 'UPDATE note')).toHaveLength(COUNT)
  })

  it('removes, soft-removes and recovers many entities by one statement each', async () => {
    const { fast: sent } = await alike(async (manager) => {
      const saved = await manager.save(notes())
      await manager.softRemove(saved)
      expect(saved.every(({ deletedAt }) => deletedAt instanceof Date)).toBe(true)
      await manager.recover(saved)
      expect(saved.map(({ deletedAt }) => deletedAt)).toEqual(numbers().map(() => null))
      await manager.remove(saved.slice(10))
      expect(saved.slice(10).every(({ id }) => id === undefined)).toBe(true)
    })
    expect(sent).toEqual(['INSERT note', 'UPDATE note', 'UPDATE note', 'DELETE note'])
  })

  it('writes graphs with cascades, memberships and children in the order TypeORM does', async () => {
    const { fast: sent } = await alike(async (manager) => {
      const tags = numbers(4).map((index) => make(Tag, { name: `tag ${index}` }))
      const authors = numbers(5).map((index) =>
        make(Author, {
          name: `author ${index}`,
          articles: numbers(3).map((one) =>
            make(Article, {
              title: `article ${one}`,
              tags: tags.slice(one),
              comments: [make(Comment, { text: `comment ${index}${one}` })],
            }),
          ),
        }),
      )
      await manager.save(authors)
      for (const { articles } of authors)
        for (const article of articles!) {
          article.title += '!'
          article.tags!.pop()
        }
      await manager.save(authors)
      await manager.remove(authors.flatMap(({ articles }) => articles!.slice(1)))
    })
    expect(sent.filter((line) => line === 'UPDATE article')).toHaveLength(1)
    expect(new Set(sent.filter((line, index) => line.startsWith('INSERT') && sent.indexOf(line) !== index)).size).toBe(0)
  })

  it('leaves rows that refer to each other to TypeORM', async () => {
    await alike(async (manager) => {
      const root = make(Folder, { name: 'root' })
      const children = numbers(3).map((index) => make(Folder, { name: `child ${index}`, parent: root }))
      await manager.save([root, ...children])
      expect((await manager.find(Folder, { relations: { parent: true }, order: { id: 'ASC' } })).map(({ parent }) => parent?.name)).toEqual(
        [undefined, 'root', 'root', 'root'],
      )
    })
  })

  it('leaves trees to TypeORM', async () => {
    const root = await fast.manager.save(make(ClosureNode, { name: 'root' }))
    const children = numbers(3).map((index) => make(ClosureNode, { name: `child ${index}`, parent: root }))
    await fast.manager.save(children)
    expect(await fast.getTreeRepository(ClosureNode).countDescendants(root)).toBe(4)
  })

  it('passes over rows that are gone, as TypeORM does, and tells only of those it found', async () => {
    const { fast: sent } = await alike(async (manager) => {
      const saved = await manager.save(notes())
      await manager.delete(Note, { text: 'note 3' })
      changes = []
      for (const note of saved) note.text += '!'
      const gone = saved[3]!
      await manager.transaction(async (inside) => {
        await inside.update(Note, { text: 'note 4' }, { text: 'note 4!' }) // nothing differs any more, so nothing is written for it
        await inside.save(saved.filter((note) => note !== gone))
      })
      await manager.remove(saved)
      expect(changes.filter(({ kind }) => kind === 'delete')).toHaveLength(COUNT - 1)
    })
    expect(sent.at(-1)).toBe('DELETE note')
  })

  it('keeps columns that hooks change', async () => {
    const stamp = sessionExtension(
      {
        beforeInsert: (entity) => void ((entity as Note).reason = `reason of ${(entity as Note).text}`),
        beforeUpdate: (entity) => void ((entity as Note).reason += '!'),
      },
      'Stamp',
    )
    for (const ds of [fast, plain]) uninstalls.push(install(ds, { extensions: [stamp] }))
    await alike(async (manager) => {
      const saved = await manager.save(notes())
      for (const note of saved) note.text += '?'
      await manager.save(saved)
      expect((await manager.findOneByOrFail(Note, { id: saved[2]!.id })).reason).toBe('reason of note 2!')
    })
  })

  it('rolls everything back when one row is refused, and names it', async () => {
    const saved = await fast.manager.save(notes())
    saved.forEach((note, index) => (note.text = index === 17 ? (null as never) : `text ${index}`))
    const error = await errorOf(fast.manager.save(saved))
    expect(error.name).toBe('QueryFailedError')
    expect(error.message).toMatch(/Refused in the update of Note \{"id":\d+\} \(row 18 of 30\), text$/)
    expect(await fast.manager.findBy(Note, { text: 'note 3' })).toHaveLength(1)
  })

  it('leaves two objects of one row to TypeORM, which writes one after the other', async () => {
    // TypeORM sends both UPDATEs at once and reads the version back behind each: whether the first sees the second is a matter of time
    const open = ['version']
    const script = async (manager: EntityManager) => {
      const [first, other] = await manager.save(notes().slice(0, 2))
      const [one, same] = await Promise.all([1, 2].map(() => manager.findOneByOrFail(Note, { id: first!.id })))
      Object.assign(one!, { text: 'changed' })
      Object.assign(same!, { reason: 'as well' })
      await manager.save([one!, other!, same!])
      const found = await manager.findOneByOrFail(Note, { id: first!.id })
      expect([found.text, found.version]).toEqual(['changed', 3])
    }
    await alike(script, { open })
  })

  it('leaves changes of unique values to TypeORM, which keeps the order they were given in', async () => {
    await alike(async (manager) => {
      const [a, b, c] = (await manager.save(['a', 'b', 'c'].map((name) => make(Tag, { name })))) as [Tag, Tag, Tag]
      Object.assign(c, { name: 'd' })
      Object.assign(b, { name: 'c' })
      await manager.save([c, b])
      expect((await manager.find(Tag, { order: { id: 'ASC' } })).map(({ name }) => name)).toEqual([a.name, 'c', 'd'])
    })
  })

  it('is heard by journal and net changes inside of a transaction, cut back with its savepoint', async () => {
    await alike(async (manager) => {
      await manager.transaction(async (outer) => {
        const saved = await outer.save(notes())
        await errorOf(
          outer.transaction(async (inner) => {
            for (const note of saved) note.text += '!'
            await inner.save(saved)
            throw new Error('undone')
          }),
        )
      })
      expect(changes.map(({ kind, after }) => `${kind} ${String(after!['text'])}`)).toEqual(
        numbers().map((index) => `insert note ${index}`),
      )
    })
  })

  it('takes more rows than parameters fit into a statement', async () => {
    const saved = await fast.manager.save(numbers(15_000).map((index) => make(Note, { text: `n${index}`, reason: 'x' })))
    expect(await fast.manager.count(Note)).toBe(15_000)
    expect(saved[14_999]).toMatchObject({ text: 'n14999', version: 1 })
    const sent = await sentBy(fast, (manager) => manager.delete(Note, {}).catch(() => manager.clear(Note)))
    expect(sent.length).toBeLessThanOrEqual(1)
  })

  it('is off unless asked for', async () => {
    const sent = await sentBy(plain, async (manager) => {
      const saved = await manager.save(notes())
      for (const note of saved) note.text += '!'
      await withoutExtensions(() => manager.save(saved))
    })
    expect(sent.filter((line) => line === 'UPDATE note')).toHaveLength(COUNT)
  })

  it('is refused when it is no boolean', () => {
    expect(() => install(fast, { fastWrites: 'yes' as never })).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })
})
