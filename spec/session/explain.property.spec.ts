/**
 * For graphs of any form: the flush sends what explain said it would, in that order.
 *
 * @module
 */
import fc from 'fast-check'
import { openSession, type FlushPlan, type OpenSession } from 'flushpoint'
import { useDatabase } from '../support/chains.js'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { plannedRuns, sentRuns } from '../support/flush-sql.js'
import { Basket, GRAPH, Line, Slip } from '../support/graph.js'
import { Article, Author, Comment, ENTITIES, make, Note, Tag } from '../support/models.js'
import { Friend } from '../support/shapes.js'

const SIZE = 3
type World = Awaited<ReturnType<typeof load>>
type Edit = (session: OpenSession, world: World, which: { at: number; to: number }) => void

/** Everything there is, with all relations. */
async function load(session: OpenSession) {
  return {
    authors: await session.find(Author).with('articles').order({ id: 'ASC' }),
    articles: await session.find(Article).with('author', 'tags', 'comments').order({ id: 'ASC' }),
    tags: await session.find(Tag).order({ id: 'ASC' }),
    baskets: await session.find(Basket).with('lines', 'slips').order({ id: 'ASC' }),
    friends: await session.find(Friend).with('best').order({ id: 'ASC' }),
    notes: await session.find(Note).order({ id: 'ASC' }),
  }
}

let counter = 0
const fresh = (prefix: string) => `${prefix}${++counter}`
const isGone = (session: OpenSession, entity: object) => session.uow.deleted.has(entity)

const EDITS: Readonly<Record<string, Edit>> = {
  'rename an author': (_session, { authors }, { at }) => (authors[at]!.name = fresh('author')),
  'rename a tag': (_session, { tags }, { at }) => (tags[at]!.name = fresh('tag')),
  'add an author with articles': (session, { tags }, { at }) =>
    session.add(
      make(Author, {
        name: fresh('author'),
        articles: [
          make(Article, { title: fresh('article'), tags: [tags[at]!, make(Tag, { name: fresh('tag') })] }),
          make(Article, { title: 'x' }),
        ],
      }),
    ),
  'add a comment': (session, { articles }, { at }) => {
    const article = articles[at]!
    if (!isGone(session, article)) article.comments.push(make(Comment, { text: fresh('comment') }))
  },
  'move an article': (_session, { articles, authors }, { at, to }) => void Object.assign(articles[at]!, { author: authors[to]! }),
  'leave an article without author': (_session, { articles }, { at }) => void Object.assign(articles[at]!, { author: null }),
  'change the tags of an article': (session, { articles, tags }, { at, to }) => {
    const article = articles[at]!
    if (!isGone(session, article)) article.tags.splice(0, article.tags.length, tags[to]!)
  },
  'delete an article': (session, { articles }, { at }) => session.delete(articles[at]!),
  'delete a comment': (session, { articles }, { at }) => {
    const comment = articles[at]!.comments[0]
    if (comment?.id !== undefined) session.delete(comment)
  },
  'drop a line and a slip': (_session, { baskets }, { at }) => {
    baskets[at]!.lines.pop()
    baskets[at]!.slips.pop()
  },
  'put in a line': (_session, { baskets }, { at }) => void baskets[at]!.lines.push(make(Line, { name: fresh('line') })),
  'turn friends': (_session, { friends }, { at, to }) => void (friends[at]!.best = friends[to]!),
  'add friends of each other': (session) => {
    const one = make(Friend, { name: fresh('friend') })
    one.best = make(Friend, { name: fresh('friend'), best: one })
    session.add(one)
  },
  'soft-remove a note': (session, { notes }, { at }) => session.softRemove(notes[at]!),
  'change a note': (_session, { notes }, { at }) => (notes[at]!.text = fresh('note')),
}

const edits = fc.array(fc.record({ name: fc.constantFrom(...Object.keys(EDITS)), at: fc.nat(SIZE - 1), to: fc.nat(SIZE - 1) }), {
  maxLength: 12,
})

describeDatabase('a flush', () => {
  const database = useDatabase([...ENTITIES, ...GRAPH, Friend])

  async function fill(): Promise<void> {
    const { manager } = database.ds
    const tags = await manager.save(Array.from({ length: SIZE }, () => make(Tag, { name: fresh('tag') })))
    for (let index = 0; index < SIZE; index++) {
      const comments = [make(Comment, { text: fresh('comment') })]
      await manager.save(
        make(Author, { name: fresh('author'), articles: [make(Article, { title: fresh('article'), tags: tags.slice(index), comments })] }),
      )
      await manager.save(
        make(Basket, { name: 'b', lines: [1, 2].map(() => make(Line, { name: 'l' })), slips: [make(Slip, { name: 's' })] }),
      )
      await manager.save([make(Friend, { name: fresh('friend') }), make(Note, { text: fresh('note') })] as object[])
    }
  }

  const rowsOf = (plan: FlushPlan, kind: string) => {
    const entities = plan.steps.filter((step) => step.kind === kind).flatMap(({ rows }) => rows.map(({ entity }) => entity))
    return new Set(entities)
  }

  it('sends the steps that explain told, table by table and row by row', async () => {
    await fill()
    let steps = 0
    await fc.assert(
      fc.asyncProperty(edits, async (list) => {
        await using session = openSession(database.ds)
        const world = await load(session)
        for (const { name, ...which } of list) EDITS[name]!(session, world, which)
        await session.begin()
        const plan = await session.explain()
        const recording = recordStatements(database.ds)
        try {
          const result = await session.flush()
          steps += plan.steps.length
          expect(sentRuns(recording)).toEqual(plannedRuns(plan))
          expect([result.inserted, result.deleted, result.softRemoved]).toEqual(
            ['insert', 'delete', 'softRemove'].map((kind) => rowsOf(plan, kind).size),
          )
          const counted = new Set([...rowsOf(plan, 'insert'), ...rowsOf(plan, 'softRemove')])
          const updated = [...rowsOf(plan, 'update')].filter((entity) => !counted.has(entity))
          expect(result.updated).toBeGreaterThanOrEqual(updated.length) // owners of links alone are updated, too
          expect((await session.explain()).isEmpty).toBe(true)
        } finally {
          recording.stop()
          await session.rollback()
        }
      }),
      { numRuns: 40 },
    )
    expect(steps).toBeGreaterThan(40)
  }, 60_000)
})
