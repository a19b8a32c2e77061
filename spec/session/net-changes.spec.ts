/** How the changes of one transaction fold to at most one change per row. */
import fc from 'fast-check'
import { openSession, type Change, type Session } from 'flushpoint'
import { inspect, isDeepStrictEqual } from 'node:util'
import type { Image, RowMap } from '../../lib/session/entity-map'
import { Journal } from '../../lib/session/journal'
import { netChanges } from '../../lib/session/net-changes'
import type { RowWritten } from '../../lib/session/row-change'
import { errorOf, sessionExtension, useDatabase } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { Article, make } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

class Row {
  constructor(readonly id: number) {}
}

const COLUMNS = ['a', 'b'] as const
const PATHS = ['id', ...COLUMNS, 'version']
const map: RowMap = {
  target: Row,
  name: 'Row',
  table: 'row',
  paths: new Set(PATHS),
  automatic: ['version'],
  properties: PATHS.map((path) => ({ path, isAutomatic: path === 'version', read: () => undefined })),
  isA: (target) => target === Row,
}

type Values = Record<string, unknown>
const NONE = {}

function written(
  kind: RowWritten['kind'],
  id: number,
  before: Image | null,
  after: Image | null,
  relations: RowWritten['relations'] = NONE,
): RowWritten {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  const changed = kind === 'delete' ? [] : names.filter((name) => before === null || !isDeepStrictEqual(before[name], after![name]))
  return { kind, entity: new Row(id), map, key: { id }, before, after, changed, relations }
}

function fold(...rows: RowWritten[]): readonly Change[] {
  const journal = new Journal()
  journal.append(rows)
  return netChanges(journal.entries)
}

const shown = (changes: readonly Change[]) =>
  changes.map(({ kind, before, after, changes: own }) => ({ kind, before, after, changed: Object.keys(own).sort() }) as unknown)
const v = (id: number, a: unknown, b: unknown = 0) => ({ id, a, b })

describe('a change', () => {
  const [change] = fold(written('update', 1, v(1, 'x'), v(1, 'y')))

  it('tells its values also as JSON, and where it is inspected', () => {
    const all = {
      kind: 'update',
      table: 'row',
      key: { id: 1 },
      before: v(1, 'x'),
      after: v(1, 'y'),
      changes: { a: { from: 'x', to: 'y' } },
    }
    expect(JSON.parse(JSON.stringify(change))).toEqual({ ...all, relations: {}, entity: { id: 1 } })
    expect(inspect(change)).toContain("changes: { a: { from: 'x', to: 'y' } }")
  })

  it('names what is in its changes, frozen, without making them', () => {
    expect([change!.changedPaths, Object.isFrozen(change!.changedPaths)]).toEqual([['a'], true])
    expect([change!.changed('a'), change!.changed('b')]).toEqual([true, false])
  })
})

describe('net changes', () => {
  it('of insert and update are one insert with the final values', () => {
    const net = fold(written('insert', 1, null, v(1, 'x')), written('update', 1, v(1, 'x'), v(1, 'y')))
    expect(shown(net)).toEqual([{ kind: 'insert', before: null, after: v(1, 'y'), changed: ['a', 'b', 'id'] }])
  })

  it('of two updates are one update from the first to the last values', () => {
    const net = fold(written('update', 1, v(1, 'x', 1), v(1, 'y', 1)), written('update', 1, v(1, 'y', 1), v(1, 'y', 2)))
    expect(shown(net)).toEqual([{ kind: 'update', before: v(1, 'x', 1), after: v(1, 'y', 2), changed: ['a', 'b'] }])
  })

  it('of updates that end where they began are none', () => {
    expect(fold(written('update', 1, v(1, 'x'), v(1, 'y')), written('update', 1, v(1, 'y'), v(1, 'x')))).toEqual([])
  })

  it('of updates that end where they began but for the version are none', () => {
    const there = written('update', 1, { ...v(1, 'x'), version: 1 }, { ...v(1, 'y'), version: 2 })
    const back = written('update', 1, { ...v(1, 'y'), version: 2 }, { ...v(1, 'x'), version: 3 })
    expect(fold(there, back)).toEqual([])
  })

  it('of update and delete are a delete with the first values', () => {
    const net = fold(written('update', 1, v(1, 'x'), v(1, 'y')), written('delete', 1, v(1, 'y'), null))
    expect(shown(net)).toEqual([{ kind: 'delete', before: v(1, 'x'), after: null, changed: [] }])
  })

  it('of insert and delete are none', () => {
    expect(fold(written('insert', 1, null, v(1, 'x')), written('delete', 1, v(1, 'x'), null))).toEqual([])
  })

  it('of delete and insert of one key are an update', () => {
    const net = fold(written('delete', 1, v(1, 'x'), null), written('insert', 1, null, v(1, 'y')))
    expect(shown(net)).toEqual([{ kind: 'update', before: v(1, 'x'), after: v(1, 'y'), changed: ['a'] }])
  })

  it('of delete and insert with the same values are none', () => {
    expect(fold(written('delete', 1, v(1, 'x'), null), written('insert', 1, null, v(1, 'x')))).toEqual([])
  })

  it('of soft removal and recovery are none when nothing else changed', () => {
    const gone = { ...v(1, 'x'), b: 'deleted' }
    expect(fold(written('softRemove', 1, v(1, 'x'), gone), written('recover', 1, gone, v(1, 'x')))).toEqual([])
  })

  it('of update and soft removal are a soft removal with the first values', () => {
    const net = fold(written('update', 1, v(1, 'x'), v(1, 'y')), written('softRemove', 1, v(1, 'y'), v(1, 'y', 'deleted')))
    expect(shown(net)).toEqual([{ kind: 'softRemove', before: v(1, 'x'), after: v(1, 'y', 'deleted'), changed: ['a', 'b'] }])
  })

  it('leave out first values that were never read, also when a later write has read them', () => {
    const blind = written('update', 1, { id: 1, b: 0 }, { id: 1, a: 'x', b: 0 })
    const net = fold(blind, written('update', 1, v(1, 'x'), v(1, 'y')))
    expect(shown(net)).toEqual([{ kind: 'update', before: { id: 1, b: 0 }, after: v(1, 'y'), changed: ['a'] }])
    const gone = fold(blind, written('delete', 1, v(1, 'x'), null))
    expect(shown(gone)).toEqual([{ kind: 'delete', before: { id: 1, b: 0 }, after: null, changed: [] }])
  })

  it('keep rows of different keys and tables apart, in the order they were first touched', () => {
    const other = { ...written('insert', 1, null, v(1, 'z')), map: { ...map, table: 'other' } }
    const net = fold(
      written('update', 2, v(2, 'x'), v(2, 'y')),
      other,
      written('insert', 1, null, v(1, 'x')),
      written('delete', 2, v(2, 'y'), null),
    )
    expect(net.map(({ kind, table, key }) => [kind, table, key])).toEqual([
      ['delete', 'row', { id: 2 }],
      ['insert', 'other', { id: 1 }],
      ['insert', 'row', { id: 1 }],
    ])
  })

  it('fold relations: what came and went is not told', () => {
    const [t1, t2] = [{ tag: 1 }, { tag: 2 }]
    const step = (added: object[], removed: object[]) => written('update', 1, v(1, 'x'), v(1, 'x'), { tags: { added, removed } })
    expect(fold(step([t1], []), step([t2], [t1])).map(({ relations }) => relations as unknown)).toEqual([
      { tags: { added: [t2], removed: [] } },
    ])
    expect(fold(step([t1], []), step([], [t1]))).toEqual([])
  })

  it('are frozen', () => {
    const net = fold(written('insert', 1, null, v(1, 'x')))
    expect([Object.isFrozen(net), Object.isFrozen(net[0])]).toEqual([true, true])
  })
})

/** A random step on a random row: what it does depends on whether the row is there. */
const step = fc.record({
  id: fc.integer({ min: 1, max: 3 }),
  a: fc.integer({ min: 0, max: 2 }),
  b: fc.constantFrom('p', 'q'),
  remove: fc.boolean(),
})
const rows = fc.dictionary(fc.constantFrom('1', '2', '3'), fc.record({ a: fc.integer({ min: 0, max: 2 }), b: fc.constantFrom('p', 'q') }), {
  noNullPrototype: true,
})

type Table = Map<number, Values>

/** Runs the steps on a table and writes down what each did, as a database and a journal would. */
function run(table: Table, steps: readonly { id: number; a: number; b: string; remove: boolean }[]): RowWritten[] {
  const journal: RowWritten[] = []
  for (const { id, a, b, remove } of steps) {
    const before = table.get(id)
    if (remove && before === undefined) continue
    if (remove) table.delete(id)
    else table.set(id, { id, a, b })
    const after = table.get(id) ?? null
    if (before === undefined) journal.push(written('insert', id, null, after))
    else if (after === null) journal.push(written('delete', id, before, null))
    else if (!isDeepStrictEqual(before, after)) journal.push(written('update', id, before, after))
  }
  return journal
}

function apply(table: Table, net: readonly Change[]): Table {
  const result = new Map(table)
  for (const change of net) {
    const { id } = change.key as { id: number }
    if (change.kind === 'insert') expect(result.has(id)).toBe(false)
    else expect(result.get(id)).toEqual(change.before)
    if (change.kind === 'delete') result.delete(id)
    else result.set(id, change.after as Values)
  }
  return result
}

const tableOf = (initial: Record<string, Values>): Table =>
  new Map(Object.entries(initial).map(([id, values]) => [Number(id), { id: Number(id), ...values }]))

describe('net changes of any sequence of writes', () => {
  it('applied to the first table give the last one, with at most one change for a row and none for a row that ended where it began', () => {
    fc.assert(
      fc.property(rows, fc.array(step, { maxLength: 25 }), (initial, steps) => {
        const last = tableOf(initial)
        const net = fold(...run(last, steps))
        expect(apply(tableOf(initial), net)).toEqual(last)
        const touched = [1, 2, 3].filter((id) => !isDeepStrictEqual(tableOf(initial).get(id), last.get(id)))
        expect(net.map(({ key }) => (key as { id: number }).id).sort()).toEqual(touched)
      }),
    )
  })

  it('name exactly the columns that differ', () => {
    fc.assert(
      fc.property(rows, fc.array(step, { maxLength: 25 }), (initial, steps) => {
        for (const change of fold(...run(tableOf(initial), steps))) {
          if (change.kind !== 'update') continue
          const differing = COLUMNS.filter((name) => !isDeepStrictEqual((change.before as Values)[name], (change.after as Values)[name]))
          expect(Object.keys(change.changes).sort()).toEqual(differing)
          for (const name of differing) expect(change.changed(name as never)).toBe(true)
        }
      }),
    )
  })

  it('do not depend on where the sequence is cut: folding the fold changes nothing', () => {
    fc.assert(
      fc.property(rows, fc.array(step, { maxLength: 25 }), fc.nat(25), (initial, steps, cut) => {
        const table = tableOf(initial)
        const journal = run(table, steps)
        const direct = fold(...journal)
        const parts = [journal.slice(0, cut), journal.slice(cut)].map(
          (part) => shown(fold(...part)) as { kind: RowWritten['kind']; before: Image | null; after: Image | null }[],
        )
        const again = fold(
          ...parts.flat().map(({ kind, before, after }) => written(kind, ((before ?? after) as { id: number }).id, before, after)),
        )
        const byKey = (net: readonly Change[]) =>
          [...net].sort((x, y) => String(JSON.stringify(x.key)).localeCompare(JSON.stringify(y.key)))
        expect(shown(byKey(again))).toEqual(shown(byKey(direct)))
      }),
    )
  })
})

describeWays('session.netChanges', (way) => {
  const db = useDatabase()

  it('is folded while the transaction is open, cut back with a savepoint, and still there when it has committed', async () => {
    const seen: string[] = []
    const told = (session: Session) => session.netChanges.map(({ kind, after }) => `${kind} ${(after as Article | null)?.title ?? ''}`)
    const kept = sessionExtension({
      afterCommit(changes) {
        expect(this.session.netChanges).toEqual(changes)
        seen.push(`committed ${told(this.session).join()}`)
      },
    })
    await way.transaction(db.use(kept), async (work) => {
      const article = make(Article, { title: 'one' })
      await work.save(article)
      article.title = 'two'
      await work.save(article)
      seen.push(`open ${told(work.session).join()}`)
      await errorOf(
        work.transaction(async (inner) => {
          await inner.save(make(Article, { title: 'undone' }))
          seen.push(`inside ${told(inner.session).join()}`)
          throw new Error('undo')
        }),
      )
      seen.push(`cut ${told(work.session).join()}`)
    })
    expect(seen).toEqual(['open insert two', 'inside insert two,insert undone', 'cut insert two', 'committed insert two'])
  })
})

describeDatabase('netChanges of a session that goes on', () => {
  const db = useDatabase()

  it('is that of its last commit until it begins another, and empty after a rollback', async () => {
    const session = openSession(db.use())
    const article = make(Article, { title: 'one' })
    session.add(article)
    await session.flush()
    expect(session.netChanges.map(({ kind }) => kind)).toEqual(['insert'])
    await session.begin()
    expect(session.netChanges).toEqual([])
    article.title = 'two'
    await session.flush()
    expect(session.netChanges.map(({ kind }) => kind)).toEqual(['update'])
    await session.rollback()
    expect(session.netChanges).toEqual([])
    await session.close()
  })
})
