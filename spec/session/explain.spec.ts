/**
 * What the next flush would send, told without sending it.
 *
 * @module
 */
import { openSession, type FlushPlan, type OpenSession, type PlanStep } from 'flushpoint'
import { errorOf, extend, log, mapperLog, sessionLog, useDatabase } from '../support/chains.js'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { plannedRuns, sentRuns } from '../support/flush-sql.js'
import { Basket, GRAPH, Line, Slip } from '../support/graph.js'
import { Article, Author, Comment, ENTITIES, make, Note, Tag } from '../support/models.js'
import { Friend } from '../support/shapes.js'

const author = (name: string) => make(Author, { name })

describeDatabase('explain', () => {
  let session: OpenSession
  afterEach(() => session.close()) // before the tables are emptied
  const database = useDatabase([...ENTITIES, ...GRAPH, Friend])
  beforeEach(
    () => void (session = openSession(database.ds, { extensions: [sessionLog('S', ['beforeFlush', 'beforeInsert', 'afterAttach'])] })),
  )

  const stepsOf = ({ steps }: FlushPlan) => steps.map(({ kind, table, rows }) => `${kind} ${table} ${rows.length}`)
  const step = (plan: FlushPlan, kind: string, table: string): PlanStep => {
    const found = plan.steps.find((one) => one.kind === kind && one.table === table)
    if (found === undefined) throw new Error(`No ${kind} of ${table} in:\n${String(plan)}`)
    return found
  }

  /** An author with an article that has a comment and a tag: all of it new. */
  const wholeGraph = () =>
    make(Author, {
      name: 'Ann',
      articles: [make(Article, { title: 'x', tags: [make(Tag, { name: 'red' })], comments: [make(Comment, { text: 'first' })] })],
    })

  it('gives an empty plan where nothing is pending', async () => {
    await database.ds.manager.save(author('Ann'))
    await session.find(Author)
    const plan = await session.explain()
    expect([plan.isEmpty, plan.steps, String(plan)]).toEqual([true, [], 'FlushPlan (nothing to write)'])
  })

  it('lists the steps in the order in which they are sent, parents before children, links last', async () => {
    session.add(wholeGraph())
    const plan = await session.explain()
    const order = stepsOf(plan)
    expect(order.slice().sort()).toEqual([
      'insert article 1',
      'insert author 1',
      'insert comment 1',
      'insert tag 1',
      'link article_tags_tag 1',
    ])
    const at = (text: string) => order.findIndex((one) => one.includes(text))
    expect(at('insert author')).toBeLessThan(at('insert article'))
    expect(at('insert article')).toBeLessThan(at('insert comment'))
    expect(Math.max(at('insert tag'), at('insert article'))).toBeLessThan(at('link'))
  })

  it('says why each row is there, and which entity and properties it is about', async () => {
    const [l1, l2] = [make(Line, { name: 'l1' }), make(Line, { name: 'l2' })]
    await database.ds.manager.save(make(Basket, { name: 'b', lines: [l1, l2], slips: [make(Slip, { name: 's' })] }))
    const basket = await session.find(Basket).with('lines', 'slips').one()
    const [line, slip] = [basket.lines.find(({ name }) => name === 'l2')!, basket.slips[0]!]
    basket.lines.splice(basket.lines.indexOf(line), 1)
    basket.slips.length = 0
    basket.name = 'changed'
    const ann = wholeGraph()
    session.add(ann)
    const plan = await session.explain()
    const row = (kind: string, table: string) => step(plan, kind, table).rows[0]!
    expect(row('update', 'basket')).toEqual({ entity: basket, because: 'changed', properties: ['name'] })
    expect(row('delete', 'line')).toMatchObject({ because: 'orphan' })
    expect(row('delete', 'line').entity).toBe(line)
    expect(row('softRemove', 'slip').entity).toBe(slip)
    expect(row('softRemove', 'slip').because).toBe('orphan')
    expect(row('insert', 'author').because).toBe('changed')
    expect(row('insert', 'article').because).toBe('cascade')
    expect(row('insert', 'article').entity).toBe(ann.articles![0])
    expect(row('insert', 'article').properties).toEqual(expect.arrayContaining(['title', 'author']) as string[])
    expect(row('link', 'article_tags_tag').entity).toBeNull()
  })

  it('names tables and columns as the database does', async () => {
    await database.ds.manager.save(make(Note, { text: 'n' }))
    session.softRemove(await session.find(Note).one())
    session.add(wholeGraph())
    const plan = await session.explain()
    expect(step(plan, 'insert', 'article').columns).toEqual(expect.arrayContaining(['title', 'authorId']) as string[])
    expect(step(plan, 'insert', 'article').columns).not.toContain('author')
    expect([...step(plan, 'link', 'article_tags_tag').columns].sort()).toEqual(['articleId', 'tagId'])
    expect(step(plan, 'softRemove', 'note').columns).toContain('deletedAt')
  })

  it('gathers rows of one kind and table in one step', async () => {
    await database.ds.manager.save(['Ann', 'Bob', 'Cid', 'Dan'].map(author))
    const authors = await session.find(Author).order({ name: 'ASC' })
    authors.slice(0, 2).forEach((one) => (one.name += '!'))
    session.delete(authors[3]!)
    session.add(author('Eve'), author('Fay'), author('Gus'))
    expect(stepsOf(await session.explain()).sort()).toEqual(['delete author 1', 'insert author 3', 'update author 2'])
  })

  it('writes <key of …> where a key is not known yet, and the value where it is', async () => {
    const known = await database.ds.manager.save(author('known'))
    const bob = (await session.get(Author, known.id))!
    session.add(make(Article, { title: 'of the known', author: bob }))
    const { sql, parameters } = step(await session.explain(), 'insert', 'article')
    expect(parameters.join()).not.toContain('<key of')
    expect(`${sql} ${parameters.join(' ')}`).toMatch(new RegExp(`\\b${known.id}\\b`))
    session.clear()
    session.add(wholeGraph())
    const plan = await session.explain()
    expect(step(plan, 'insert', 'article').parameters).toContain('<key of Author>')
    expect(step(plan, 'link', 'article_tags_tag').parameters).toEqual(
      expect.arrayContaining(['<key of Article>', '<key of Tag>']) as string[],
    )
  })

  it('gives for one row exactly the SQL and the parameters that are then sent', async () => {
    await database.ds.manager.save([make(Note, { text: 'n' }), author('Ann'), make(Tag, { name: 'red' })] as object[])
    const [note, ann, red] = [await session.find(Note).one(), await session.find(Author).one(), await session.find(Tag).one()]
    note.text = 'changed'
    ann.name = 'Anna'
    session.delete(red)
    session.add(make(Friend, { name: 'f' }))
    const plan = await session.explain()
    const recording = recordStatements(database.ds)
    await session.flush()
    const sent = recording.statements.map(({ sql, parameters }) => ({ sql, parameters }))
    for (const { sql, parameters } of plan.steps) expect(sent).toContainEqual({ sql, parameters })
    expect(plan.steps).toHaveLength(4)
    recording.stop()
  })

  it('sends nothing, runs no hook and changes nothing', async () => {
    extend(Author, mapperLog('M'))
    const ann = wholeGraph()
    session.add(ann)
    log.length = 0
    const [text, uow] = [JSON.stringify(ann), String(session.uow)]
    const recording = recordStatements(database.ds)
    const first = await session.explain()
    expect(String(await session.explain())).toBe(String(first))
    expect([recording.statements.length, log]).toEqual([0, []])
    expect([JSON.stringify(ann), String(session.uow), session.scope, session.journal]).toEqual([text, uow, null, []])
    recording.stop()
  })

  it('is frozen, and stays as it was when the session goes on', async () => {
    session.add(author('Ann'))
    const plan = await session.explain()
    const text = String(plan)
    session.add(author('Bob'))
    await session.flush()
    expect([String(plan), plan.steps.length]).toEqual([text, 1])
    expect(Object.isFrozen(plan) && Object.isFrozen(plan.steps) && plan.steps.every((one) => Object.isFrozen(one))).toBe(true)
    expect((await session.explain()).isEmpty).toBe(true)
  })

  it('prints itself as a table: a heading, a rule and a line for each step', async () => {
    session.add(wholeGraph())
    const plan = await session.explain()
    const lines = String(plan).split('\n')
    expect(lines).toHaveLength(2 + plan.steps.length)
    expect(lines[0]).toMatch(/^#\s+step\s+table\s+rows\s+columns\s+because\s+path$/)
    expect(lines[1]).toMatch(/^[- ]+$/)
    plan.steps.forEach(({ kind, table }, index) =>
      expect(lines[2 + index]).toMatch(new RegExp(`^${index + 1}\\s+${kind}\\s+${table}\\s+1\\s`)),
    )
    const column = lines[0]!.indexOf('table')
    for (const line of lines.slice(2)) expect(line[column - 1]).toBe(' ')
    expect(new Set(lines.slice(2).map((line) => line.slice(column).search(/\S/)))).toEqual(new Set([0]))
  })

  it('shows a cycle through a nullable key as a second update', async () => {
    const ann = make(Friend, { name: 'a' })
    ann.best = make(Friend, { name: 'b', best: ann })
    session.add(ann)
    const plan = await session.explain()
    expect(plan.steps.at(-1)).toMatchObject({ kind: 'update', table: 'friend' })
    expect(plan.steps.at(-1)!.rows).toHaveLength(1)
    const recording = recordStatements(database.ds)
    await session.begin()
    await session.flush()
    expect(sentRuns(recording)).toEqual(plannedRuns(plan))
    await session.rollback() // rows that point at each other cannot simply be deleted
    recording.stop()
  })

  it('throws what the flush would throw before any SQL', async () => {
    const tag = (name: string) => make(Tag, { name })
    await database.ds.manager.save([tag('red'), tag('blue')])
    const [red, blue] = await session.find(Tag).order({ name: 'DESC' })
    ;[red!.name, blue!.name] = [blue!.name, red!.name]
    expect(await errorOf(session.explain())).toMatchObject({ code: 'UNIQUE_CYCLE' })
    expect(await errorOf(session.flush())).toMatchObject({ code: 'UNIQUE_CYCLE' })
    session.clear()
    session.add(make(Comment, { text: 'c', article: make(Article, { title: 'not added' }) }))
    expect(await errorOf(session.explain())).toMatchObject({ code: 'RELATION_TARGET_UNSAVED' })
  })

  it('works inside a transaction and in a savepoint alike', async () => {
    await session.transaction(async () => {
      session.add(author('Ann'))
      expect(stepsOf(await session.explain())).toEqual(['insert author 1'])
      await session.transaction(async () => {
        expect((await session.explain()).isEmpty).toBe(true)
        session.add(author('Bob'))
        expect(stepsOf(await session.explain())).toEqual(['insert author 1'])
      })
    })
  })
})
