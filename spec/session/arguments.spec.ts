/** What hooks are given: the entity, its state, the session, and what each says at that moment. */
import { sessionOf, stateOf, type EntityState, type Mapper, type Session } from 'flushpoint'
import { extend, label, log, mapperExtension, sessionExtension, useDatabase } from '../support/chains.js'
import { Article, Author, make, Note, Tag } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

const PAIRS = ['Insert', 'Update', 'Delete', 'SoftRemove', 'Recover'] as const

/** Hooks of every kind that call `see` with all their arguments. */
function allHooks(see: (hook: string, args: readonly unknown[]) => void): Record<string, (...args: unknown[]) => void> {
  const hooks = PAIRS.flatMap((name) => [`before${name}`, `after${name}`])
  return Object.fromEntries(hooks.map((hook) => [hook, (...args: unknown[]) => see(hook, args)]))
}

describeWays('arguments of hooks', (way) => {
  const db = useDatabase()

  async function writeEveryWay(): Promise<void> {
    const note = await way.save(db.ds, make(Note, { text: 'note' }))
    await way.save(db.ds, Object.assign(note, { text: 'changed' }))
    await way.softRemove(db.ds, note)
    await way.recover(db.ds, note)
    await way.remove(db.ds, note)
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
    const note = await way.save(db.ds, make(Note, { text: 'note' }))
    expect(seen).toHaveLength(2)
    for (const args of seen) expect(args).toEqual([note, expect.objectContaining({ entity: note, session }), session])
    expect(seen[0]![1]).toBe(seen[1]![1])
  })

  // ming row 20
  it('of session hooks are the entity and its state', async () => {
    const seen: (readonly unknown[])[] = []
    db.use(sessionExtension(allHooks((_hook, args) => void seen.push(args))))
    const note = await way.save(db.ds, make(Note, { text: 'note' }))
    expect(seen.map((args) => args.length)).toEqual([2, 2])
    for (const [entity, state] of seen) expect([entity, (state as EntityState).entity]).toEqual([note, note])
  })

  it('of the flush hooks are none', async () => {
    const counts: number[] = []
    const count = (...args: readonly unknown[]) => void counts.push(args.length)
    await way.save(db.use(sessionExtension({ beforeFlush: count, afterFlush: count })), make(Note, { text: 'note' }))
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
    const [changed, gone] = await way.seed(db.ds, [make(Article, { title: 'old' }), make(Article, { title: 'gone' })])
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
    const article = make(Article, { title: 'added', author: make(Author, { name: 'cascaded' }) })
    await way.save(db.use(Delete, Take), [Object.assign(changed!, { title: 'changed' }), article])
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
    await way.save(db.ds, article)
    expect(log).toEqual(['A', 'Ann', 't1', 't2'])
  })

  // ming row 24
  it('allow a snapshot taken in beforeFlush to be used in afterFlush, fields of deleted entities included', async () => {
    const gone = await way.seed(db.ds, make(Article, { title: 'gone', slug: 's' }))
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
    await way.remove(db.use(Indexer), gone)
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
    await way.save(ds, article)
    expect([...taken]).toEqual([article])
  })

  // ming row 26
  it('of bulk hooks are the statement with where and values as given, and the session at mapper level', async () => {
    const seen: (readonly unknown[])[] = []
    const see = (...args: readonly unknown[]) => void seen.push(args)
    extend(Article, mapperExtension({ beforeBulk: see }))
    const ds = db.use(sessionExtension({ beforeBulk: see }))
    const where = { title: 'x' }
    await way.manager(ds, (manager) => manager.update(Article, where, { slug: 'y' }))
    expect(seen.map((args) => args.length)).toEqual([1, 2])
    expect(seen[0]![0]).toMatchObject({ kind: 'update', target: Article, where, values: { slug: 'y' } })
    expect(seen[1]![0]).toBe(seen[0]![0])
  })

  // ming row 28
  it('show a bulk statement that fails to beforeBulk alone', async () => {
    const hooks = { beforeBulk: () => void log.push('before'), afterBulk: () => void log.push('after') }
    extend(Article, mapperExtension(hooks))
    const ds = db.use(sessionExtension(hooks))
    const updating = way.manager(ds, (manager) => manager.update(Article, { title: 'x' }, { nowhere: 1 } as never))
    await expect(updating).rejects.toThrow('nowhere')
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
    await way.save(ds, make(Article, { title: 'A' }))
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
    await way.transaction(db.use(see), async (work) => {
      seen.push(work.session, sessionOf(work.manager.getRepository(Article)), sessionOf(work.manager.queryRunner!))
      await work.save(make(Article, { title: 'A' }))
      expect(seen[0]!.manager).toBe(work.manager)
    })
    expect(new Set(seen).size).toBe(1)
    expect(seen).toHaveLength(5)
  })
})

describeWays('the state of an entity', (way) => {
  const db = useDatabase()

  it('tells what differs from the database', async () => {
    const article = await way.seed(db.ds, make(Article, { title: 'old', slug: 's' }))
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
    await way.save(db.use(), Object.assign(article, { title: 'new' }))
    // TypeORM reads relations for a write only where the object has them; a session knows the key of each from the insert.
    const original = { id, title: 'old', slug: 's', createdBy: null, ...way.pick({ ambient: {}, session: { author: null } }) }
    expect(seen).toEqual([{ id }, original, { title: { from: 'old', to: 'new' } }, true, false])
    expect(state!.changes).toEqual({ title: { from: 'old', to: 'new' } })
  })

  it('has no key and no original values before the insert, and the generated key after it', async () => {
    const seen: unknown[] = []
    const see = (_entity: object, state: EntityState<Article>) => void seen.push(state.key, state.original)
    extend(Article, mapperExtension({ beforeInsert: see, afterInsert: see }))
    const { id } = await way.save(db.use(), make(Article, { title: 'A' }))
    expect(seen).toEqual([{}, {}, { id }, {}])
  })

  it('keeps the key of a deleted entity', async () => {
    const article = await way.seed(db.ds, make(Article, { title: 'A' }))
    const { id } = article
    const keys: unknown[] = []
    const see = (_entity: object, state: EntityState<Article>) => void keys.push(state.key)
    extend(Article, mapperExtension({ beforeDelete: see, afterDelete: see }))
    await way.remove(db.use(), article)
    expect(keys).toEqual([{ id }, { id }])
  })

  it('is what session.state and stateOf give inside the flush', async () => {
    const seen: unknown[] = []
    extend(
      Article,
      mapperExtension({ beforeInsert: (entity: Article, state, session) => void seen.push(state, session.state(entity), stateOf(entity)) }),
    )
    await way.save(db.use(), make(Article, { title: 'A' }))
    expect(new Set(seen).size).toBe(1)
  })

  it('is refused outside of a flush', async () => {
    const article = await way.save(db.use(), make(Article, { title: 'A' }))
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
    const { id } = await way.save(db.use(), make(Article, { title: 'A' }))
    expect(log).toEqual(['new Article {}', `clean Article {"id":${id}}`])
  })
})
