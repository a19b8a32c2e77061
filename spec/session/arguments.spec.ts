/** What hooks are given: the entity, its state, the session, and what each says at that moment. */
import { sessionOf, stateOf, type EntityState, type Mapper, type Session } from 'flushpoint'
import { extend, label, log, mapperExtension, sessionExtension, useDatabase } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { Article, Author, make, Note, Tag } from '../support/models.js'

const PAIRS = ['Insert', 'Update', 'Delete', 'SoftRemove', 'Recover'] as const

/** Hooks of every kind that call `see` with all their arguments. */
function allHooks(see: (hook: string, args: readonly unknown[]) => void): Record<string, (...args: unknown[]) => void> {
  const hooks = PAIRS.flatMap((name) => [`before${name}`, `after${name}`])
  return Object.fromEntries(hooks.map((hook) => [hook, (...args: unknown[]) => see(hook, args)]))
}

describeDatabase('arguments of hooks', () => {
  const db = useDatabase()

  async function writeEveryWay(): Promise<void> {
    const { manager } = db.ds
    const note = await manager.save(make(Note, { text: 'note' }))
    await manager.save(Object.assign(note, { text: 'changed' }))
    await manager.softRemove(note)
    await manager.recover(note)
    await manager.remove(note)
  }

  // ming row 19
  it('of mapper hooks are the entity, its state and the session', async () => {
    const seen: (readonly unknown[])[] = []
    extend(Note, mapperExtension(allHooks((_hook, args) => void seen.push(args))))
    let session: Session | undefined
    db.use(
      sessionExtension({
        beforeFlush() {
          session = this.session
        },
      }),
    )
    const note = await db.ds.manager.save(make(Note, { text: 'note' }))
    expect(seen).toHaveLength(2)
    for (const args of seen) expect(args).toEqual([note, expect.objectContaining({ entity: note, session }), session])
    expect(seen[0]![1]).toBe(seen[1]![1])
  })

  // ming row 20
  it('of session hooks are the entity and its state', async () => {
    const seen: (readonly unknown[])[] = []
    db.use(sessionExtension(allHooks((_hook, args) => void seen.push(args))))
    const note = await db.ds.manager.save(make(Note, { text: 'note' }))
    expect(seen.map((args) => args.length)).toEqual([2, 2])
    for (const [entity, state] of seen) expect([entity, (state as EntityState).entity]).toEqual([note, note])
  })

  it('of the flush hooks are none', async () => {
    const counts: number[] = []
    const count = (...args: readonly unknown[]) => void counts.push(args.length)
    await db.use(sessionExtension({ beforeFlush: count, afterFlush: count })).manager.save(make(Note, { text: 'note' }))
    expect(counts).toEqual([0, 0])
  })

  // ming rows 21, 22
  it('tell the status: new, dirty or deleted before the write, clean or deleted after it', async () => {
    extend(Note, mapperExtension(allHooks((hook, [, state]) => void log.push(`M.${hook} ${(state as EntityState).status}`))))
    db.use(sessionExtension(allHooks((hook, [, state]) => void log.push(`S.${hook} ${(state as EntityState).status}`))))
    await writeEveryWay()
    const before = { Insert: 'new', Update: 'dirty', SoftRemove: 'dirty', Recover: 'dirty', Delete: 'deleted' }
    expect(log).toEqual(
      Object.entries(before).flatMap(([name, status]) => {
        const after = status === 'deleted' ? 'deleted' : 'clean'
        return [`S.before${name} ${status}`, `M.before${name} ${status}`, `M.after${name} ${after}`, `S.after${name} ${after}`]
      }),
    )
  })

  // ming row 23
  it('include the complete unit of work in beforeFlush, empty sets in afterFlush and clean survivors', async () => {
    const [changed, gone] = await db.ds.manager.save([make(Article, { title: 'old' }), make(Article, { title: 'gone' })])
    const Take = sessionExtension({
      beforeFlush() {
        const { new: added, dirty, deleted } = this.session.uow
        log.push(...[added, dirty, deleted].map((set) => [...set].map(label).join()))
      },
      afterFlush() {
        const { new: added, dirty, deleted } = this.session.uow
        log.push(`${added.size} ${dirty.size} ${deleted.size}`, stateOf(changed!).status)
      },
    })
    const Delete = sessionExtension({
      beforeFlush() {
        this.session.delete(gone!)
      },
    })
    const added = make(Article, { title: 'added', author: make(Author, { name: 'cascaded' }) })
    await db.use(Delete, Take).manager.save([Object.assign(changed!, { title: 'changed' }), added])
    expect(log).toEqual(['cascaded,added', 'changed', 'gone', '0 0 0', 'clean'])
  })

  it('include the cascaded entities in beforeFlush, and no junction rows', async () => {
    const article = make(Article, {
      title: 'A',
      author: make(Author, { name: 'Ann' }),
      tags: [make(Tag, { name: 't1' }), make(Tag, { name: 't2' })],
    })
    db.use(
      sessionExtension({
        beforeFlush() {
          log.push(...[...this.session.uow.new].map(label).sort())
        },
      }),
    )
    await db.ds.manager.save(article)
    expect(log).toEqual(['A', 'Ann', 't1', 't2'])
  })

  // ming row 24
  it('allow a snapshot taken in beforeFlush to be used in afterFlush, fields of deleted entities included', async () => {
    const gone = await db.ds.manager.save(make(Article, { title: 'gone', slug: 's' }))
    let snapshot: readonly Article[] = []
    const Indexer = sessionExtension({
      beforeFlush() {
        snapshot = [...this.session.uow.deleted] as Article[]
      },
      afterFlush() {
        log.push(...snapshot.map((article) => `${article.title} ${article.slug} ${JSON.stringify(stateOf(article).key)}`))
      },
    })
    const { id } = gone
    await db.use(Indexer).manager.remove(gone)
    expect(log).toEqual([`gone s {"id":${id}}`])
  })

  // ming row 25: sets are copies
  it('hand out sets that do not change after they were read', async () => {
    let taken: ReadonlySet<object> = new Set()
    const article = make(Article, { title: 'A' })
    const ds = db.use(
      sessionExtension({
        beforeFlush() {
          taken = this.session.uow.new
        },
      }),
    )
    await ds.manager.save(article)
    expect([...taken]).toEqual([article])
  })

  // ming row 26
  it('of bulk hooks are the statement with where and values as given, and the session at mapper level', async () => {
    const seen: (readonly unknown[])[] = []
    const see = (...args: readonly unknown[]) => void seen.push(args)
    extend(Article, mapperExtension({ beforeBulk: see }))
    const ds = db.use(sessionExtension({ beforeBulk: see }))
    const where = { title: 'x' }
    await ds.manager.update(Article, where, { slug: 'y' })
    expect(seen.map((args) => args.length)).toEqual([1, 2])
    expect(seen[0]![0]).toMatchObject({ kind: 'update', target: Article, where, values: { slug: 'y' } })
    expect(seen[1]![0]).toBe(seen[0]![0])
  })

  // ming row 28
  it('show a bulk statement that fails to beforeBulk alone', async () => {
    const hooks = { beforeBulk: () => void log.push('before'), afterBulk: () => void log.push('after') }
    extend(Article, mapperExtension(hooks))
    const ds = db.use(sessionExtension(hooks))
    await expect(ds.manager.update(Article, { title: 'x' }, { nowhere: 1 } as never)).rejects.toThrow('nowhere')
    expect(log).toEqual(['before', 'before'])
  })

  // ming row 27
  it('come with the mapper of the class bound to the extension', async () => {
    const seen: Mapper[] = []
    extend(
      Article,
      mapperExtension({
        beforeInsert() {
          seen.push(this.mapper)
        },
      }),
    )
    const ds = db.use()
    await ds.manager.save(make(Article, { title: 'A' }))
    const [mapper] = seen
    expect([mapper!.target, mapper!.metadata, mapper!.dataSource]).toEqual([Article, ds.getMetadata(Article), ds])
    expect(mapper!.extensions).toHaveLength(1)
  })

  // ming row 84
  it('come with the session of the transaction bound to the extension and to the state', async () => {
    const seen: Session[] = []
    const see = sessionExtension({
      beforeInsert(_entity, state) {
        seen.push(this.session, state.session)
      },
    })
    await db.use(see).transaction(async (manager) => {
      seen.push(sessionOf(manager), sessionOf(manager.getRepository(Article)), sessionOf(manager.queryRunner!))
      await manager.save(make(Article, { title: 'A' }))
      expect(seen[0]!.manager).toBe(manager)
    })
    expect(new Set(seen).size).toBe(1)
    expect(seen).toHaveLength(5)
  })
})

describeDatabase('the state of an entity', () => {
  const db = useDatabase()

  it('tells what differs from the database', async () => {
    const article = await db.ds.manager.save(make(Article, { title: 'old', slug: 's' }))
    const { id } = article
    let state: EntityState<Article> | undefined
    const seen: unknown[] = []
    extend(
      Article,
      mapperExtension({
        beforeUpdate: (_article, given: EntityState<Article>) => {
          state = given
          seen.push(given.key, given.original, given.changes, given.changed('title'), given.changed('slug'))
        },
      }),
    )
    await db.use().manager.save(Object.assign(article, { title: 'new' }))
    const original = { id, title: 'old', slug: 's', createdBy: null }
    expect(seen).toEqual([{ id }, original, { title: { from: 'old', to: 'new' } }, true, false])
    expect(state!.changes).toEqual({ title: { from: 'old', to: 'new' } })
  })

  it('has no key and no original values before the insert, and the generated key after it', async () => {
    const seen: unknown[] = []
    const see = (_entity: object, state: EntityState<Article>) => void seen.push(state.key, state.original)
    extend(Article, mapperExtension({ beforeInsert: see, afterInsert: see }))
    const { id } = await db.use().manager.save(make(Article, { title: 'A' }))
    expect(seen).toEqual([{}, {}, { id }, {}])
  })

  it('keeps the key of a deleted entity', async () => {
    const article = await db.ds.manager.save(make(Article, { title: 'A' }))
    const { id } = article
    const keys: unknown[] = []
    const see = (_entity: object, state: EntityState<Article>) => void keys.push(state.key)
    extend(Article, mapperExtension({ beforeDelete: see, afterDelete: see }))
    await db.use().manager.remove(article)
    expect(keys).toEqual([{ id }, { id }])
  })

  it('is what session.state and stateOf give inside the flush', async () => {
    const seen: unknown[] = []
    extend(
      Article,
      mapperExtension({ beforeInsert: (entity: Article, state, session) => void seen.push(state, session.state(entity), stateOf(entity)) }),
    )
    await db.use().manager.save(make(Article, { title: 'A' }))
    expect(new Set(seen).size).toBe(1)
  })

  it('is refused outside of a flush', async () => {
    const article = await db.use().manager.save(make(Article, { title: 'A' }))
    expect(() => stateOf(article)).toThrow(
      expect.objectContaining({ code: 'ENTITY_UNKNOWN', message: expect.stringContaining('an instance of Article') as string }),
    )
  })

  it('prints status, class and key', async () => {
    extend(
      Article,
      mapperExtension({
        beforeInsert: (_entity, state) => void log.push(String(state)),
        afterInsert: (_entity, state) => void log.push(String(state)),
      }),
    )
    const { id } = await db.use().manager.save(make(Article, { title: 'A' }))
    expect(log).toEqual(['new Article {}', `clean Article {"id":${id}}`])
  })
})
