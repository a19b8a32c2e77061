/**
 * One persistence run of TypeORM is one flush: beforeFlush hears once, before anything else, of everything the run will write.
 *
 * @module
 */
import type { RelationChange } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { closeAll, typeormMajor } from '../support/databases.js'
import { Basket, Course, GRAPH, Line, Passport, Person, Slip, Student } from '../support/graph.js'
import { fresh, label, openWithHooks, work, type Hooks } from '../support/hooks.js'
import { Article, Author, Comment, ENTITIES, make, Tag } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

afterEach(closeAll)

/** A data source whose every beforeFlush is logged, and the log. */
async function watched(more: Hooks = {}): Promise<{ dataSource: DataSource; flushes: unknown[] }> {
  const flushes: unknown[] = []
  const watch: Hooks = {
    beforeFlush() {
      flushes.push(work(this.session.uow))
    },
  }
  const dataSource = await openWithHooks({ entities: [...ENTITIES, ...GRAPH] }, watch, more)
  return { dataSource, flushes }
}

/** Hooks that log which relations or columns of a dirty entity are changed. */
function changedNames(log: string[], ...names: string[]): Hooks {
  return {
    beforeUpdate: (entity, state) => {
      log.push(`${label(entity)}: ${names.filter((name) => state.changed(name)).join(', ')}`)
    },
  }
}

describeWays('the unit of work before a flush', (way) => {
  it('holds a new entity and all that is cascaded from it, parents first', async () => {
    const { dataSource, flushes } = await watched()
    const article = make(Article, { title: 'First', author: make(Author, { name: 'Ann' }), comments: [make(Comment, { text: 'hi' })] })
    await way.save(dataSource, article)
    expect(flushes).toEqual([{ new: ['Author Ann', 'Article First', 'Comment hi'] }])
  })

  it('holds new, changed and unchanged entities of one save apart', async () => {
    const { dataSource, flushes } = await watched()
    const [ann, bob] = await way.save(dataSource, [make(Author, { name: 'Ann' }), make(Author, { name: 'Bob' })])
    ann!.name = 'Anna'
    await way.save(dataSource, [ann!, bob!, make(Author, { name: 'Cleo' })])
    expect(flushes[1]).toEqual({ new: ['Author Cleo'], dirty: ['Author Anna'] })
  })

  it('is empty where nothing is to be written; TypeORM does not even begin to flush then', async () => {
    const { dataSource, flushes } = await watched()
    const ann = await way.save(dataSource, make(Author, { name: 'Ann' }))
    await way.save(dataSource, ann)
    expect(flushes.slice(1)).toEqual(way.pick({ ambient: [], session: [{}] }))
  })

  it('holds removed entities and what the remove cascades to, children first', async () => {
    const { dataSource, flushes } = await watched()
    const basket = await way.save(dataSource, make(Basket, { name: 'b', lines: [make(Line, { name: 'l' })] }))
    // TypeORM 0.3 cascades no removes
    await way.remove(dataSource, typeormMajor() === '1' ? basket : [basket, ...basket.lines!])
    expect(flushes[1]).toEqual({ deleted: ['Line l', 'Basket b'] })
    expect(await dataSource.manager.count(Line, { withDeleted: true })).toBe(0)
  })

  it('holds what softRemove and recover cascade to', async () => {
    const { dataSource, flushes } = await watched()
    const basket = await way.save(dataSource, make(Basket, { name: 'b', lines: [make(Line, { name: 'l' })] }))
    await way.softRemove(dataSource, basket)
    await way.recover(dataSource, basket)
    expect(flushes.slice(1)).toEqual([{ softRemoved: ['Basket b', 'Line l'] }, { recovered: ['Basket b', 'Line l'] }])
  })

  it('holds a child that a one-to-many dropped as dirty', async () => {
    const { dataSource, flushes } = await watched()
    const [kept, dropped] = [make(Article, { title: 'kept' }), make(Article, { title: 'dropped' })]
    const ann = await way.save(dataSource, make(Author, { name: 'Ann', articles: [kept, dropped] }))
    ann.articles = [kept]
    await way.save(dataSource, ann)
    expect(flushes[1]).toEqual({ dirty: ['Article dropped'] })
    expect(await dataSource.manager.countBy(Article, { author: { id: ann.id } })).toBe(1)
  })

  it('holds a dropped child as deleted or soft-removed where its relation says so', async () => {
    const { dataSource, flushes } = await watched()
    const basket = await way.save(
      dataSource,
      make(Basket, { name: 'b', lines: [make(Line, { name: 'l' })], slips: [make(Slip, { name: 's' })] }),
    )
    Object.assign(basket, { lines: [], slips: [] })
    await way.save(dataSource, basket)
    expect(flushes[1]).toEqual({ deleted: ['Line l'], softRemoved: ['Slip s'] })
    expect(await dataSource.manager.count(Line, { withDeleted: true })).toBe(0)
    expect(await dataSource.manager.count(Slip)).toBe(0)
  })

  it('holds the row behind an inverse one-to-one that was emptied', async () => {
    const { dataSource, flushes } = await watched()
    const person = await way.save(dataSource, make(Person, { name: 'p', passport: make(Passport, { name: 'old' }) }))
    const { id } = person.passport!
    person.passport = null
    await way.save(dataSource, person)
    expect(flushes[1]).toEqual({ dirty: ['Passport old'] })
    expect((await fresh(dataSource, Passport, id, 'holder')).holder).toBeNull()
  })
})

describeWays('junction rows in the unit of work', (way) => {
  it('make their owner dirty and are no entities', async () => {
    const names: string[] = []
    const { dataSource, flushes } = await watched(changedNames(names, 'tags', 'title'))
    const tag = await way.save(dataSource, make(Tag, { name: 't' }))
    const article = await way.save(dataSource, make(Article, { title: 'a' }))
    article.tags = [tag]
    await way.save(dataSource, article)
    expect(flushes[2]).toEqual({ dirty: ['Article a'] })
    expect(names).toEqual(['Article a: tags'])
  })

  it('of a new owner belong to its insert', async () => {
    const { dataSource, flushes } = await watched()
    await way.save(dataSource, make(Article, { title: 'a', tags: [make(Tag, { name: 't' })] }))
    expect(flushes).toEqual([{ new: expect.arrayContaining(['Article a', 'Tag t']) }])
  })

  it('of an edit on the inverse side make that side dirty', async () => {
    const names: string[] = []
    const { dataSource, flushes } = await watched(changedNames(names, 'courses'))
    const [course, student] = [make(Course, { name: 'c' }), make(Student, { name: 's' })]
    await way.save(dataSource, [course, student])
    student.courses = [course]
    await way.save(dataSource, student)
    expect(flushes[1]).toEqual({ dirty: ['Student s'] })
    expect(names).toEqual(['Student s: courses'])
  })

  it.each<[string, keyof Person & string]>([
    ['owning', 'follows'],
    ['inverse', 'followers'],
  ])('of an entity with itself tell the %s side by its name', async (_side, relation) => {
    const names: string[] = []
    const { dataSource, flushes } = await watched(changedNames(names, 'follows', 'followers'))
    const [ann, bob] = await way.save(dataSource, [make(Person, { name: 'Ann' }), make(Person, { name: 'Bob' })])
    Object.assign(ann!, { [relation]: [bob] })
    await way.save(dataSource, ann!)
    Object.assign(ann!, { [relation]: [] })
    await way.save(dataSource, ann!)
    expect(flushes.slice(1)).toEqual([{ dirty: ['Person Ann'] }, { dirty: ['Person Ann'] }])
    expect(names).toEqual([`Person Ann: ${relation}`, `Person Ann: ${relation}`])
  })

  it('are told as added and removed members of the owner', async () => {
    const told: unknown[] = []
    const { dataSource } = await watched({
      afterCommit: (changes) => {
        for (const { relations } of changes) {
          for (const [name, { added, removed }] of Object.entries(relations as Record<string, RelationChange>))
            told.push([name, added.map(label), removed.map((member) => (member as Tag).id)])
        }
      },
    })
    const [one, two] = await way.save(dataSource, [make(Tag, { name: 'one' }), make(Tag, { name: 'two' })])
    const article = await way.save(dataSource, make(Article, { title: 'a', tags: [one!] }))
    article.tags = [two!]
    await way.save(dataSource, article)
    expect(told).toEqual([
      ['tags', ['Tag one'], []],
      ['tags', ['Tag two'], [one!.id]],
    ])
  })

  it('go with a removed owner, which alone is deleted', async () => {
    const { dataSource, flushes } = await watched()
    const course = await way.save(dataSource, make(Course, { name: 'c', students: [make(Student, { name: 's' })] }))
    await way.remove(dataSource, course)
    expect(flushes[1]).toEqual({ deleted: ['Course c'] })
    expect(await dataSource.manager.countBy(Student, { name: 's' })).toBe(1)
  })
})
