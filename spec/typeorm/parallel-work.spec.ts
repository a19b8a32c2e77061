/**
 * Shows that work started side by side in one transaction stays inside it, and is told as the database has it.
 *
 * @module
 */
import { install, SessionExtension, type BulkStatement, type Change } from 'flushpoint'
import type { EntityManager } from 'typeorm'
import { describeDatabase, isSingleConnection, openDataSource } from '../support/databases.js'
import { Article, Author, Comment, ENTITIES, make, Tag } from '../support/models.js'
import { namesOf, openLogged } from '../support/transaction-log.js'

class Images extends SessionExtension {
  static committed: Change[] = []
  override beforeBulk(statement: BulkStatement) {
    statement.wantImages('both')
  }
  override afterCommit(changes: readonly Change[]) {
    Images.committed.push(...changes)
  }
}

const insertAuthor = (manager: EntityManager, name: string) => manager.save(make(Author, { name }))
const soon = () => new Promise<void>((resolve) => setImmediate(resolve))

beforeEach(() => (Images.committed = []))

describeDatabase('bulk statements beside other work', () => {
  it('are not written after the rollback of their transaction', async () => {
    const { dataSource } = await openLogged({ extensions: [Images] })
    await insertAuthor(dataSource.manager, 'Ann')
    const failing = dataSource.transaction(async (manager) => {
      const update = manager.createQueryBuilder().update(Author).set({ name: 'escaped' }).execute()
      update.catch(() => undefined)
      await soon()
      throw new Error('abort')
    })
    await expect(failing).rejects.toThrow('abort')
    expect(await namesOf(dataSource, Author)).toEqual(['Ann'])
  })

  it('tell the rows they met, with nothing written in between', async () => {
    const { dataSource } = await openLogged({ extensions: [Images] })
    await insertAuthor(dataSource.manager, 'Ann')
    Images.committed = []
    await dataSource.transaction((manager) =>
      Promise.all([
        insertAuthor(manager, 'Bea'),
        manager.createQueryBuilder().update(Author).set({ name: 'all' }).execute(),
        insertAuthor(manager, 'Cy'),
      ]),
    )
    const told = Images.committed.map(({ after }) => String(after?.name)).sort()
    expect(told).toEqual(await namesOf(dataSource, Author))
  })

  it('outlive a save beside them that is undone to its savepoint', async () => {
    const { dataSource } = await openLogged({ savepoints: true })
    await dataSource.manager.save(make(Tag, { name: 'taken' }))
    await dataSource.transaction((manager) =>
      Promise.allSettled([
        manager.save([make(Author, { name: 'Ann' }), make(Tag, { name: 'taken' })]),
        manager.insert(Author, { name: 'Bea' }),
      ]),
    )
    expect(await namesOf(dataSource, Author)).toEqual(['Bea'])
  })
})

describeDatabase('work that nobody awaited', () => {
  it('is part of the transaction it was called in', async () => {
    const { dataSource, lines } = await openLogged()
    await dataSource.transaction(async (manager) => {
      await insertAuthor(manager, 'Ann')
      void insertAuthor(manager, 'Bea')
    })
    expect(lines.at(-1)).toBe('commit: insert Ann, insert Bea')
    expect(await namesOf(dataSource, Author)).toEqual(['Ann', 'Bea'])
  })

  it('in a nested transaction ends before the outer one rolls back', async () => {
    const { dataSource } = await openLogged()
    const failing = dataSource.transaction(async (manager) => {
      void manager.transaction((nested) => insertAuthor(nested, 'Ann')).catch(() => undefined)
      await insertAuthor(manager, 'Bea')
      throw new Error('abort')
    })
    await expect(failing).rejects.toThrow('abort')
    await dataSource.transaction((manager) => insertAuthor(manager, 'Cy'))
    expect(await namesOf(dataSource, Author)).toEqual(['Cy'])
  })
})

describeDatabase('nested transactions side by side', () => {
  it('take turns, and each is undone alone', async () => {
    const { dataSource, lines } = await openLogged()
    await dataSource.transaction((manager) =>
      Promise.allSettled(
        ['Ann', 'Bea', 'Cy'].map((name) =>
          manager.transaction(async (nested) => {
            await insertAuthor(nested, name)
            if (name === 'Bea') throw new Error('not her')
          }),
        ),
      ),
    )
    expect(await namesOf(dataSource, Author)).toEqual(['Ann', 'Cy'])
    expect(lines.at(-1)).toBe('commit: insert Ann, insert Cy')
  })
})

describeDatabase('net changes', () => {
  it('tell what each of two objects changed of one row', async () => {
    const { dataSource } = await openLogged({ extensions: [Images] })
    const { id } = await dataSource.manager.save(make(Article, { title: 'a', slug: 's' }))
    Images.committed = []
    await dataSource.transaction(async (manager) => {
      await manager.save(Article, { id, title: 'b' })
      await manager.save(Article, { id, slug: 't' })
    })
    const last = Images.committed.at(-1)!
    expect(last.changes).toEqual({ title: { from: 'a', to: 'b' }, slug: { from: 's', to: 't' } })
    expect(last.after).toMatchObject({ title: 'b', slug: 't' })
  })

  it('tell the parent of a child that came through its collection', async () => {
    const { dataSource } = await openLogged({ extensions: [Images] })
    const article = await dataSource.manager.save(make(Article, { title: 'a', comments: [make(Comment, { text: 'c' })] }))
    const comment = Images.committed.find((change) => change.is(Comment))!
    expect(comment.after).toMatchObject({ text: 'c', article: { id: article.id } })
  })
})

describeDatabase('uninstall', () => {
  it('while transactions wait for their turn lets them have it', async () => {
    const dataSource = await openDataSource({ entities: ENTITIES })
    const uninstall = install(dataSource, { extensions: [Images] })
    const waiting = ['Ann', 'Bea', 'Cy'].map((name) => dataSource.transaction((manager) => insertAuthor(manager, name)))
    await soon()
    uninstall()
    const late = isSingleConnection() ? [dataSource.transaction((manager) => insertAuthor(manager, 'Di'))] : []
    await Promise.all([...waiting, ...late])
    await dataSource.transaction((manager) => insertAuthor(manager, 'Ed'))
    expect(await namesOf(dataSource, Author)).toEqual(['Ann', 'Bea', 'Cy', ...(isSingleConnection() ? ['Di'] : []), 'Ed'])
  })

  it('inside a transaction leaves its journal whole', async () => {
    const dataSource = await openDataSource({ entities: ENTITIES })
    const uninstall = install(dataSource, { extensions: [Images] })
    await dataSource.transaction(async (manager) => {
      await insertAuthor(manager, 'Ann')
      uninstall()
      await insertAuthor(manager, 'Bea')
    })
    expect(Images.committed.map(({ after }) => after?.name)).toEqual(['Ann', 'Bea'])
  })
})
