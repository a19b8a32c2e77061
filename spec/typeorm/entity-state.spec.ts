/**
 * What hooks are told of an entity: its status, its key, what was read for it and what changes, before and after the write.
 *
 * @module
 */
import { type EntityState, stateOf } from 'flushpoint'
import { COLUMNS, Day, Part, Sample } from '../support/columns.js'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { fresh, openWithHooks } from '../support/hooks.js'
import { Article, Author, ENTITIES, make, Note, Tag } from '../support/models.js'

const entities = [...ENTITIES, ...COLUMNS]
const HOOKS = ['Insert', 'Update', 'Delete', 'SoftRemove', 'Recover'].flatMap((name) => [`before${name}`, `after${name}`])

type Seen = Record<string, { status: string; key: unknown; original: any; changes: any; state: EntityState }>

/** A data source and what every hook saw last. */
async function watched() {
  const seen: Seen = {}
  const watch = (hook: string) => (_entity: object, state: EntityState) => {
    const { status, key, original, changes } = state
    seen[hook] = { status, key, original, changes, state }
  }
  const dataSource = await openWithHooks({ entities }, Object.fromEntries(HOOKS.map((hook) => [hook, watch(hook)])))
  return { dataSource, seen, manager: dataSource.manager }
}

describeDatabase('the state of an inserted entity', () => {
  it('is new without a key before, and clean with it afterwards', async () => {
    const { manager, seen } = await watched()
    const tag = await manager.save(make(Tag, { name: 't' }))
    expect(seen['beforeInsert']).toMatchObject({ status: 'new', key: {}, original: {} })
    expect(Object.keys(seen['beforeInsert']!.key as object)).toEqual([])
    expect(seen['afterInsert']).toMatchObject({ status: 'clean', key: { id: tag.id }, original: {} })
  })

  it('tells every value as a change from nothing', async () => {
    const { manager, seen } = await watched()
    const author = await manager.save(make(Author, { name: 'Ann' }))
    await manager.save(make(Article, { title: 'a', author }))
    expect(seen['beforeInsert']!.changes).toMatchObject({ title: { from: undefined, to: 'a' }, author: { to: { id: author.id } } })
    expect(seen['afterInsert']!.changes).toMatchObject({ title: { to: 'a' }, author: { to: { id: author.id } } })
  })
})

describeDatabase('the state of an updated entity', () => {
  it('is dirty with what was read and what differs, and clean with what was written', async () => {
    const { manager, seen } = await watched()
    const article = await manager.save(make(Article, { title: 'a', slug: 's' }))
    await manager.save(Object.assign(article, { title: 'b' }))
    expect(seen['beforeUpdate']).toMatchObject({
      status: 'dirty',
      key: { id: article.id },
      original: { id: article.id, title: 'a', slug: 's' },
      changes: { title: { from: 'a', to: 'b' } },
    })
    expect(Object.keys(seen['beforeUpdate']!.changes as object)).toEqual(['title'])
    expect(seen['afterUpdate']).toMatchObject({ status: 'clean', key: { id: article.id }, changes: { title: { from: 'a', to: 'b' } } })
  })

  it('follows what hooks change', async () => {
    const log: unknown[] = []
    const dataSource = await openWithHooks(
      { entities },
      {
        beforeUpdate(entity, state) {
          log.push(state.changed('slug'), state.changed('title'))
          Object.assign(entity, { slug: 'set', title: 'a' })
          log.push(state.changed('slug'), state.changed('title'), state.changes)
        },
      },
    )
    const article = await dataSource.manager.save(make(Article, { title: 'a' }))
    await dataSource.manager.save(Object.assign(article, { title: 'b' }))
    expect(log).toEqual([false, true, true, false, { slug: { from: null, to: 'set' } }])
  })

  it('tells a many-to-one as its key and knows that it changed', async () => {
    const { manager, seen } = await watched()
    const [ann, bob] = await manager.save([make(Author, { name: 'Ann' }), make(Author, { name: 'Bob' })])
    const article = await manager.save(make(Article, { title: 'a', author: ann! }))
    await manager.save(Object.assign(article, { author: bob }))
    expect(seen['beforeUpdate']!.changes).toEqual({ author: { from: { id: ann!.id }, to: { id: bob!.id } } })
    expect(seen['beforeUpdate']!.state.changed('author')).toBe(true)
    await manager.save(Object.assign(article, { author: null }))
    expect(seen['afterUpdate']!.changes).toEqual({ author: { from: { id: bob!.id }, to: null } })
  })

  it('tells the version and the update date as written', async () => {
    const { manager, seen } = await watched()
    const note = await manager.save(make(Note, { text: 'n' }))
    await manager.save(Object.assign(note, { text: 'm' }))
    expect(seen['afterUpdate']!.changes).toMatchObject({ text: { from: 'n', to: 'm' }, version: { from: 1, to: 2 } })
    expect((await fresh(manager.connection, Note, note.id)).version).toBe(2)
  })
})

describeDatabase('the state of an entity that goes', () => {
  it('keeps its key after the delete, which clears it on the object', async () => {
    const { manager, seen } = await watched()
    const tag = await manager.save(make(Tag, { name: 't' }))
    const { id } = tag
    await manager.remove(tag)
    expect(tag.id).toBeUndefined()
    expect(seen['beforeDelete']).toMatchObject({ status: 'deleted', key: { id }, original: { id, name: 't' } })
    expect(seen['afterDelete']).toMatchObject({ status: 'deleted', key: { id }, original: { id, name: 't' } })
    expect(seen['afterDelete']!.state.key).toEqual({ id })
  })

  it('is dirty before a softRemove and a recover, and tells the delete date afterwards', async () => {
    const { manager, seen } = await watched()
    const note = await manager.save(make(Note, { text: 'n' }))
    await manager.softRemove(note)
    expect(seen['beforeSoftRemove']).toMatchObject({ status: 'dirty', key: { id: note.id }, original: { text: 'n', deletedAt: null } })
    expect(seen['afterSoftRemove']).toMatchObject({ status: 'clean', changes: { deletedAt: { from: null, to: expect.any(Date) } } })
    await manager.recover(note)
    expect(seen['beforeRecover']).toMatchObject({ status: 'dirty', original: { deletedAt: expect.any(Date) } })
    expect(seen['afterRecover']).toMatchObject({ status: 'clean', changes: { deletedAt: { from: expect.any(Date), to: null } } })
  })

  it('becomes detached when its session has ended', async () => {
    const { manager, seen } = await watched()
    await manager.save(make(Tag, { name: 't' }))
    expect(seen['afterInsert']!.state.status).toBe('detached')
  })
})

describeDatabase('a composite key', () => {
  it('is an object of its parts in every hook', async () => {
    const { manager, seen } = await watched()
    const key = { maker: 'm', number: 7 }
    const part = await manager.save(make(Part, { ...key, name: 'p' }))
    await manager.save(Object.assign(part, { name: 'q' }))
    await manager.remove(part)
    for (const hook of ['beforeInsert', 'afterInsert', 'beforeUpdate', 'afterUpdate', 'beforeDelete', 'afterDelete'])
      expect([hook, seen[hook]!.key]).toEqual([hook, key])
  })

  it('is what a many-to-one to it shows', async () => {
    const { manager, seen } = await watched()
    const old = await manager.save(make(Part, { maker: 'm', number: 1, name: 'old' }))
    const part = await manager.save(make(Part, { maker: 'm', number: 2, name: 'new' }))
    await manager.save(Object.assign(part, { replaces: old }))
    expect(seen['beforeUpdate']!.changes).toEqual({ replaces: { from: null, to: { maker: 'm', number: 1 } } })
  })
})

describeDatabase('columns that are hard to compare', () => {
  const values = () => ({
    data: { list: [1, 2] },
    big: '9007199254740993',
    price: '12.50',
    bytes: Buffer.from('abc'),
    day: new Day('2024-02-29'),
  })

  it('are not dirty when nothing changed', async () => {
    const { dataSource, manager, seen } = await watched()
    const { id } = await manager.save(make(Sample, { name: 's', ...values() }))
    const sample = await fresh(dataSource, Sample, id)
    const statements = recordStatements(dataSource)
    await manager.save(sample)
    expect(seen['beforeUpdate']).toBeUndefined()
    expect(statements.sql().filter((sql) => sql.startsWith('UPDATE'))).toEqual([])
  })

  it('are not told as changed beside a real change', async () => {
    const { dataSource, manager, seen } = await watched()
    const { id } = await manager.save(make(Sample, { name: 's', ...values() }))
    await manager.save(Object.assign(await fresh(dataSource, Sample, id), { name: 't' }))
    expect(seen['beforeUpdate']!.changes).toEqual({ name: { from: 's', to: 't' } })
    expect(seen['afterUpdate']!.changes).toEqual({ name: { from: 's', to: 't' } })
  })

  it.each<[string, (sample: Sample) => unknown, unknown, unknown]>([
    ['data', (sample) => sample.data!.list.push(3), { list: [1, 2] }, { list: [1, 2, 3] }],
    ['bytes', (sample) => (sample.bytes![0] = 120), Buffer.from('abc'), Buffer.from('xbc')],
    ['day', (sample) => (sample.day = new Day('2025-01-01')), new Day('2024-02-29'), new Day('2025-01-01')],
  ])('tell a change of %s by value', async (name, change, from, to) => {
    const { dataSource, manager, seen } = await watched()
    const { id } = await manager.save(make(Sample, { name: 's', ...values() }))
    const sample = await fresh(dataSource, Sample, id)
    change(sample)
    await manager.save(sample)
    expect(seen['beforeUpdate']!.changes).toEqual({ [name]: { from, to } })
    expect((await fresh(dataSource, Sample, id))[name as keyof Sample]).toEqual(to)
  })

  it('are copied into original, so that hooks cannot change it through the entity', async () => {
    const originals: unknown[] = []
    const dataSource = await openWithHooks(
      { entities },
      {
        beforeUpdate(entity, { original }) {
          ;(entity as Sample).data!.list.push(99)
          originals.push((original as Sample).data)
        },
      },
    )
    const { id } = await dataSource.manager.save(make(Sample, { name: 's', ...values() }))
    await dataSource.manager.save(Object.assign(await fresh(dataSource, Sample, id), { name: 't' }))
    expect(originals).toEqual([{ list: [1, 2] }])
  })
})

describeDatabase('stateOf', () => {
  it('finds the state of any entity of the running flush', async () => {
    const seen: unknown[] = []
    const author = make(Author, { name: 'Ann' })
    const dataSource = await openWithHooks(
      { entities },
      {
        beforeInsert(entity) {
          if (entity instanceof Article) seen.push(stateOf(author).status, this.session.state(author).entity === author)
        },
      },
    )
    await dataSource.manager.save(make(Article, { title: 'a', author }))
    expect(seen).toEqual(['new', true])
  })

  it('throws with a code outside of a flush, and for what the flush does not write', async () => {
    const codes: unknown[] = []
    const code = (fn: () => unknown) => {
      try {
        return fn()
      } catch (error) {
        return (error as { code?: string }).code
      }
    }
    const dataSource = await openWithHooks(
      { entities },
      { beforeInsert: () => void codes.push(code(() => stateOf(make(Tag, { name: 'x' })))) },
    )
    const tag = await dataSource.manager.save(make(Tag, { name: 't' }))
    codes.push(code(() => stateOf(tag)))
    expect(codes).toEqual(['ENTITY_UNKNOWN', 'ENTITY_UNKNOWN'])
  })
})
