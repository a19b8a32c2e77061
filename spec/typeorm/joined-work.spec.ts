/**
 * Work that hooks hand to the session joins the running flush: one run, one transaction, sorted with the rest, hooks included.
 *
 * @module
 */
import type { Session } from 'flushpoint'
import { closeDataSources, recordStatements } from '../support/databases.js'
import { Course, GRAPH, Student } from '../support/graph.js'
import { fresh, label, once, only, openWithHooks, work, type Hooks } from '../support/hooks.js'
import { Article, Author, Comment, ENTITIES, make, Note, Tag } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

afterEach(closeDataSources)

const open = (...own: Hooks[]) => openWithHooks({ entities: [...ENTITIES, ...GRAPH] }, ...own)

function logTo(log: string[]): Hooks {
  const note = (hook: string) => (entity: object) => void log.push(`${hook} ${label(entity)}`)
  return {
    beforeFlush: () => void log.push('beforeFlush'),
    beforeInsert: note('beforeInsert'),
    beforeUpdate: note('beforeUpdate'),
    beforeDelete: note('beforeDelete'),
    beforeSoftRemove: note('beforeSoftRemove'),
    beforeRecover: note('beforeRecover'),
    afterInsert: note('afterInsert'),
    afterUpdate: note('afterUpdate'),
    afterDelete: note('afterDelete'),
    afterSoftRemove: note('afterSoftRemove'),
    afterRecover: note('afterRecover'),
  }
}

/** Runs once with the session, in the before-hook named. */
function during(hook: 'beforeFlush' | 'beforeInsert' | 'beforeDelete' | 'afterInsert', fn: (session: Session) => void): Hooks {
  let run: (() => unknown) | undefined
  return {
    [hook](this: { session: Session }) {
      ;(run ??= once(() => fn(this.session)))()
    },
  }
}

describe.each(['beforeFlush', 'beforeInsert'] as const)('session.add in %s', (hook) => {
  describeWays('joins the flush', (way) => {
    it('with its own hooks, in the same transaction', async () => {
      const log: string[] = []
      const dataSource = await open(
        logTo(log),
        during(hook, (session) => session.add(make(Note, { text: 'joined' }))),
      )
      const statements = recordStatements(dataSource)
      await way.save(dataSource, make(Author, { name: 'Ann' }))
      expect(log).toEqual([
        'beforeFlush',
        'beforeInsert Author Ann',
        'beforeInsert Note joined',
        'afterInsert Author Ann',
        'afterInsert Note joined',
      ])
      expect(statements.sql().filter((sql) => /^(BEGIN|START|COMMIT)/.test(sql))).toHaveLength(2)
      expect(await dataSource.manager.countBy(Note, { text: 'joined' })).toBe(1)
    })

    it('with all it cascades to', async () => {
      const added = make(Article, { title: 'joined', tags: [make(Tag, { name: 't' })], comments: [make(Comment, { text: 'c' })] })
      const dataSource = await open(during(hook, (session) => session.add(added)))
      await way.save(dataSource, make(Author, { name: 'Ann' }))
      expect(await fresh(dataSource, Article, added.id, 'tags', 'comments')).toMatchObject({
        tags: [{ name: 't' }],
        comments: [{ text: 'c' }],
      })
    })

    it('inserts parents before children', async () => {
      const parent = make(Author, { name: 'parent' })
      const dataSource = await open(during(hook, (session) => session.add(parent)))
      const article = make(Article, { title: 'child' })
      article.author = parent
      await way.save(dataSource, article)
      expect((await fresh(dataSource, Article, article.id, 'author')).author?.name).toBe('parent')
    })

    it('updates a stored entity, and writes nothing where it is unchanged', async () => {
      const [changed, same] = [make(Author, { name: 'changed' }), make(Author, { name: 'same' })]
      let isArmed = false
      const log: string[] = []
      const dataSource = await open(logTo(log), {
        [hook](this: { session: Session }) {
          if (isArmed && this.session.uow.dirty.size === 0) this.session.add(changed, same)
        },
      })
      await way.save(dataSource, [changed, same])
      changed.name = 'changed twice'
      isArmed = true
      log.length = 0
      await way.save(dataSource, make(Tag, { name: 't' }))
      expect(log.filter((line) => line.includes('Author'))).toEqual([
        'beforeUpdate Author changed twice',
        'afterUpdate Author changed twice',
      ])
      expect((await fresh(dataSource, Author, changed.id)).name).toBe('changed twice')
    })
  })
})

describeWays('session.delete', (way) => {
  it('of a stored entity deletes it in the running save', async () => {
    const log: string[] = []
    const note = make(Note, { text: 'old' })
    let isArmed = false
    const dataSource = await open(logTo(log), {
      beforeFlush() {
        if (isArmed) this.session.delete(note)
      },
    })
    const { id } = await way.save(dataSource, note)
    isArmed = true
    log.length = 0
    await way.save(dataSource, make(Author, { name: 'Ann' }))
    expect(log.slice(1)).toEqual(['beforeInsert Author Ann', 'beforeDelete Note old', 'afterInsert Author Ann', 'afterDelete Note old'])
    expect(await dataSource.manager.countBy(Note, { id })).toBe(0)
  })

  it('of an entity the flush was to insert drops it', async () => {
    const log: string[] = []
    const dataSource = await open(logTo(log), {
      beforeInsert(entity) {
        for (const one of this.session.uow.new) if (one !== entity && one instanceof Tag) this.session.delete(one)
      },
    })
    await way.save(dataSource, [make(Author, { name: 'Ann' }), make(Tag, { name: 'dropped' })])
    expect(log).toEqual(['beforeFlush', 'beforeInsert Author Ann', 'afterInsert Author Ann'])
    expect(await dataSource.manager.count(Tag)).toBe(0)
  })

  it('of an entity the flush was to update deletes it instead, with the hooks of a delete', async () => {
    const log: string[] = []
    const dataSource = await open(logTo(log), {
      beforeUpdate(entity) {
        this.session.delete(entity)
      },
    })
    const author = await way.save(dataSource, make(Author, { name: 'Ann' }))
    log.length = 0
    await way.save(dataSource, Object.assign(author, { name: 'Bob' }))
    expect(log).toEqual(['beforeFlush', 'beforeUpdate Author Bob', 'beforeDelete Author Bob', 'afterDelete Author Bob'])
    expect(await dataSource.manager.count(Author)).toBe(0)
  })

  it('clears the junction rows of what it deletes', async () => {
    let isArmed = false
    const course = make(Course, { name: 'c', students: [make(Student, { name: 's' })] })
    const dataSource = await open({
      beforeInsert() {
        if (isArmed) this.session.delete(course)
      },
    })
    await way.save(dataSource, course)
    isArmed = true
    await way.save(dataSource, make(Note, { text: 'n' }))
    expect([await dataSource.manager.count(Course), await dataSource.manager.count(Student)]).toEqual([0, 1])
  })
})

describeWays('work added in a remove', (way) => {
  it('is inserted, updated and deleted in the same transaction', async () => {
    const [gone, alsoGone, changed] = [make(Note, { text: 'gone' }), make(Note, { text: 'also gone' }), make(Author, { name: 'a' })]
    const seen: unknown[] = []
    const dataSource = await open({
      beforeDelete(entity) {
        if (entity !== gone) return
        this.session.add(make(Tag, { name: 'added' }), changed)
        this.session.delete(alsoGone)
        seen.push(work(this.session.uow))
      },
      beforeCommit() {
        seen.push(this.session.journal.map(({ kind, table }) => `${kind} ${table}`).sort())
      },
    })
    await way.save(dataSource, [gone, alsoGone, changed])
    changed.name = 'b'
    seen.length = 0
    await way.remove(dataSource, gone)
    expect(seen.at(-1)).toEqual(['delete note', 'delete note', 'insert tag', 'update author'])
    expect([await dataSource.manager.count(Note), await dataSource.manager.count(Tag)]).toEqual([0, 1])
    expect((await fresh(dataSource, Author, changed.id)).name).toBe('b')
  })
})

describeWays('session.softRemove and session.recover', (way) => {
  it('join a save', async () => {
    const log: string[] = []
    const [removed, recovered] = [make(Note, { text: 'removed' }), make(Note, { text: 'recovered' })]
    let isArmed = false
    const dataSource = await open(logTo(log), {
      beforeFlush() {
        if (!isArmed) return
        this.session.softRemove(removed)
        this.session.recover(recovered)
      },
    })
    await way.save(dataSource, [removed, recovered])
    await way.softRemove(dataSource, recovered)
    isArmed = true
    log.length = 0
    await way.save(dataSource, make(Author, { name: 'Ann' }))
    expect(log).toEqual([
      ...['beforeFlush', 'beforeInsert Author Ann', 'beforeSoftRemove Note removed', 'beforeRecover Note recovered'],
      ...['afterInsert Author Ann', 'afterSoftRemove Note removed', 'afterRecover Note recovered'],
    ])
    expect((await dataSource.manager.find(Note)).map(({ text }) => text)).toEqual(['recovered'])
  })
})

describeWays('session.add in an after-hook', (way) => {
  it('is written before the commit, as a flush of its own', async () => {
    const log: string[] = []
    const dataSource = await open(
      logTo(log),
      during('afterInsert', (session) => session.add(make(Note, { text: 'late' }))),
    )
    await way.save(dataSource, make(Author, { name: 'Ann' }))
    expect(log).toEqual([
      ...['beforeFlush', 'beforeInsert Author Ann', 'afterInsert Author Ann'],
      ...['beforeFlush', 'beforeInsert Note late', 'afterInsert Note late'],
    ])
    expect(await dataSource.manager.count(Note)).toBe(1)
  })

  it('is undone with the transaction', async () => {
    const dataSource = await open(
      during('afterInsert', (session) => session.add(make(Note, { text: 'late' }))),
      {
        beforeInsert: only(Note, () => {
          throw new Error('no')
        }),
      },
    )
    await expect(way.save(dataSource, make(Author, { name: 'Ann' }))).rejects.toThrow('no')
    expect([await dataSource.manager.count(Author), await dataSource.manager.count(Note)]).toEqual([0, 0])
  })
})

describeWays('session.expunge', (way) => {
  it('takes an entity out of the flush: not written, no hooks', async () => {
    const log: string[] = []
    const dataSource = await open(logTo(log), {
      beforeFlush() {
        for (const entity of this.session.uow.new) if (entity instanceof Tag) this.session.expunge(entity)
      },
    })
    await way.save(dataSource, [make(Author, { name: 'Ann' }), make(Tag, { name: 'out' })])
    expect(log).toEqual(['beforeFlush', 'beforeInsert Author Ann', 'afterInsert Author Ann'])
    expect(await dataSource.manager.count(Tag)).toBe(0)
  })

  it('of the only entity leaves nothing to write', async () => {
    const dataSource = await open({
      beforeInsert(entity) {
        this.session.expunge(entity)
      },
    })
    await way.save(dataSource, make(Author, { name: 'Ann' }))
    expect(await dataSource.manager.count(Author)).toBe(0)
  })

  it('of an unknown entity throws with a code where the session cannot know it is out', async () => {
    const dataSource = await open({
      beforeInsert() {
        this.session.expunge(make(Tag, { name: 'never seen' }))
      },
    })
    const saving = way.save(dataSource, make(Author, { name: 'Ann' }))
    // "Not in the session" is what was asked for; an ambient flush cannot promise that of an object it never saw.
    if (way.isSession) await expect(saving).resolves.toMatchObject({ name: 'Ann', id: expect.any(Number) as number })
    else await expect(saving).rejects.toMatchObject({ code: 'ENTITY_UNKNOWN' })
  })
})

describeWays('a hook that adds without end', (way) => {
  it('is stopped with a code, and nothing is written', async () => {
    const dataSource = await open({
      beforeInsert() {
        this.session.add(make(Note, { text: 'again' }))
      },
    })
    await expect(way.save(dataSource, make(Note, { text: 'first' }))).rejects.toMatchObject({ code: 'FLUSH_NEVER_SETTLES' })
    expect(await dataSource.manager.count(Note)).toBe(0)
  })
})
