/** statement.wantTransaction: a statement by query gets a transaction where it has none. */
import type { BulkStatement } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { errorOf, sessionExtension, useDatabase } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { Article, Note, Tag } from '../support/models.js'
import { watch } from '../support/watch.js'

describeDatabase('wantTransaction of a statement by query', () => {
  const db = useDatabase()
  const KINDS: readonly (readonly [kind: string, write: (dataSource: DataSource) => Promise<unknown>])[] = [
    ['insert', ({ manager }) => manager.insert(Note, { text: 'a' })],
    ['update', ({ manager }) => manager.update(Note, { text: 'a' }, { reason: 'so' })],
    ['delete', ({ manager }) => manager.delete(Note, { text: 'a' })],
    ['soft delete', ({ manager }) => manager.softDelete(Note, { text: 'a' })],
    ['restore', ({ manager }) => manager.restore(Note, { text: 'a' })],
    ['upsert', ({ manager }) => manager.upsert(Tag, { name: 'red' }, ['name'])],
    ['increment', ({ manager }) => manager.increment(Note, { text: 'a' }, 'version', 1)],
    ['of a relation', ({ manager }) => manager.createQueryBuilder(Article, 'a').relation('author').of(1).set(null)],
    ['of a query builder', ({ manager }) => manager.createQueryBuilder().delete().from(Note).where('id = 1').execute()],
  ]
  const wanting = sessionExtension({ beforeBulk: (statement) => statement.wantTransaction() })

  it.each(KINDS)('surrounds one outside of a transaction by its own, which beforeCommit takes part in: %s', async (_, write) => {
    const ds = db.use(
      wanting,
      sessionExtension({
        afterBulk() {
          this.session.onBeforeCommit(() => note('before commit'))
        },
        afterCommit: () => note('after commit'),
      }),
    )
    const { note, lines } = watch(ds)
    await write(ds)
    const all = lines()
    expect([all[0], all.length, all.slice(-3)]).toEqual(['BEGIN', 5, ['before commit', 'COMMIT', 'after commit']])
  })

  it('leaves one inside a transaction as it is', async () => {
    const ds = db.use(wanting)
    const { lines } = watch(ds)
    await ds.transaction((manager) => manager.insert(Note, { text: 'a' }))
    expect(lines()).toEqual(['BEGIN', 'note', 'COMMIT'])
  })

  it('undoes the statement where the commit is vetoed, or a hook behind it fails', async () => {
    const failing = sessionExtension({
      afterBulk: (statement) => {
        if ((statement.values as Partial<Note>).reason === 'hook') throw new Error('no')
      },
      beforeCommit: () => {
        throw new Error('veto')
      },
    })
    const ds = db.use(wanting, failing)
    expect(await errorOf(ds.manager.insert(Note, { text: 'a', reason: 'hook' }))).toMatchObject({ message: 'no' })
    expect(await errorOf(ds.manager.insert(Note, { text: 'a' }))).toMatchObject({ message: 'veto' })
    expect(await ds.manager.count(Note)).toBe(0)
  })

  it('is one with images, which need a transaction as well', async () => {
    const ds = db.use(
      wanting,
      sessionExtension({
        beforeBulk: (statement) => statement.wantImages('keys'),
        afterCommit: (changes) => note(`${changes.length} told`),
      }),
    )
    const { note, lines } = watch(ds)
    await ds.manager.insert(Note, { text: 'a' })
    expect(lines()).toEqual(['BEGIN', 'note', 'COMMIT', '1 told'])
  })

  it('is refused once the statement is sent', async () => {
    let error: unknown
    const ask = async (statement: BulkStatement) => void (error = await errorOf(() => statement.wantTransaction()))
    await db.use(sessionExtension({ afterBulk: ask })).manager.insert(Note, { text: 'a' })
    expect(error).toMatchObject({ code: 'BULK_IMAGES_TOO_LATE' })
  })
})
