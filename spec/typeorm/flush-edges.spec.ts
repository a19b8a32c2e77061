/**
 * Shows what happens at the edges of a flush: entities listed twice, relations to objects nobody saves, statements on junction tables.
 *
 * @module
 */
import { mapper, SessionExtension, type BulkStatement, type Change } from 'flushpoint'
import { closeAll, describeDatabase } from '../support/databases.js'
import { Article, Author, Comment, make, Tag } from '../support/models.js'
import { errorOf, openLogged } from '../support/transaction-log.js'
import { describeWays } from '../support/ways-in.js'

afterEach(closeAll)

let onComment: (comment: Comment, session: SessionExtension['session']) => void = () => undefined

class Edits extends SessionExtension {
  override beforeInsert(entity: object) {
    if (entity instanceof Comment) onComment(entity, this.session)
  }
  override beforeUpdate(entity: object) {
    if (entity instanceof Comment) onComment(entity, this.session)
  }
}

class AllImages extends SessionExtension {
  static changes: Change[] = []
  override beforeBulk(statement: BulkStatement) {
    statement.wantImages('both')
  }
  override afterCommit(changes: readonly Change[]) {
    AllImages.changes.push(...changes)
  }
}

describeWays('an entity listed twice in one save', (way) => {
  it('is one row and one change', async () => {
    const { dataSource, lines } = await openLogged()
    const ann = make(Author, { name: 'Ann' })
    await way.save(dataSource, [ann, ann])
    expect(await dataSource.manager.find(Author)).toEqual([{ id: ann.id, name: 'Ann' }])
    expect(lines.at(-1)).toBe('commit: insert Ann')
  })
})

describeWays('a many-to-one that does not cascade', (way) => {
  afterEach(() => (onComment = () => undefined))

  it('set by a hook to a new object nobody saves is refused, with the relation in the message', async () => {
    const { dataSource } = await openLogged({ extensions: [Edits] })
    onComment = (comment) => (comment.article = make(Article, { title: 'New' }))
    const error = await errorOf(way.save(dataSource, make(Comment, { text: 'first!' })))
    expect(error).toMatchObject({ code: 'RELATION_TARGET_UNSAVED', message: expect.stringContaining('Comment.article') as string })
    expect(await dataSource.manager.count(Comment)).toBe(0)
  })

  it('set by a hook to a new object that it adds is written', async () => {
    const { dataSource } = await openLogged({ extensions: [Edits] })
    onComment = (comment, session) => {
      comment.article = make(Article, { title: 'New' })
      session.add(comment.article)
    }
    const { id } = await way.save(dataSource, make(Comment, { text: 'first!' }))
    const stored = await dataSource.manager.findOneOrFail(Comment, { where: { id }, relations: { article: true } })
    expect(stored.article?.title).toBe('New')
  })
})

describeDatabase('images of statements', () => {
  beforeEach(() => (AllImages.changes = []))

  it('on a junction table are its keys, whatever was asked for', async () => {
    const { dataSource } = await openLogged({ extensions: [AllImages] })
    const { manager } = dataSource
    const [article, tag] = [await manager.save(make(Article, { title: 'A' })), await manager.save(make(Tag, { name: 't' }))]
    AllImages.changes = []
    await manager.createQueryBuilder().relation(Article, 'tags').of(article).add(tag)
    await manager.createQueryBuilder().relation(Article, 'tags').of(article).remove(tag)
    expect(AllImages.changes.map(({ kind, table, key }) => [kind, table, key])).toEqual([
      ['insert', 'article_tags_tag', { articleId: article.id, tagId: tag.id }],
      ['delete', 'article_tags_tag', { articleId: article.id, tagId: tag.id }],
    ])
  })

  it('show no net change where a row had the value already', async () => {
    const { dataSource } = await openLogged({ extensions: [AllImages] })
    await dataSource.manager.save([make(Author, { name: 'Ann' }), make(Author, { name: 'Bea' })])
    AllImages.changes = []
    await dataSource.manager.createQueryBuilder().update(Author).set({ name: 'Ann' }).execute()
    expect(AllImages.changes.map(({ before, after }) => [before?.name, after?.name])).toEqual([['Bea', 'Ann']])
  })
})

describeDatabase('saves that wait for their turn', () => {
  it('are refused once the transaction they were called in has ended', async () => {
    const { dataSource, lines } = await openLogged()
    const saves: Promise<unknown>[] = []
    const failing = dataSource.transaction((manager) => {
      const authors = [null, 'b', 'c', 'd'].map((name) => make(Author, { name: name as string }))
      saves.push(...authors.map((author) => manager.save(author)))
      return Promise.all(saves)
    })
    await expect(failing).rejects.toThrow(/null/i)
    const outcomes = await Promise.allSettled(saves)
    expect((outcomes.at(-1) as PromiseRejectedResult).reason).toMatchObject({ code: 'TRANSACTION_ALREADY_ENDED' })
    expect(await dataSource.manager.count(Author)).toBe(0)
    expect([lines.length, lines.at(-1)]).toEqual([2, expect.stringMatching(/^rollback transaction 1/)])
  })

  it('are refused once the savepoint they were called in was rolled back', async () => {
    const { dataSource } = await openLogged()
    await dataSource.transaction(async (manager) => {
      const nested = manager.transaction((inner) =>
        Promise.all([null, 'b', 'c'].map((name) => inner.save(make(Author, { name: name as string })))),
      )
      await expect(nested).rejects.toThrow(/null/i)
      await manager.save(make(Author, { name: 'outer' }))
    })
    expect((await dataSource.manager.find(Author)).map(({ name }) => name)).toEqual(['outer'])
  })
})

describeWays('a key changed by a hook', (way) => {
  class Rekeys extends SessionExtension {
    override beforeUpdate(entity: object) {
      Object.assign(entity, { id: 999 })
    }
    override beforeDelete(entity: object) {
      Object.assign(entity, { id: 999 })
    }
  }

  it.each(['save', 'remove'] as const)('never leads %s to another row', async (operation) => {
    const { dataSource } = await openLogged({ extensions: [Rekeys] })
    const ann = await way.save(dataSource, make(Author, { name: 'Ann' }))
    const bea = Object.assign(ann, { name: 'Bea' })
    const error = await errorOf(way[operation](dataSource, bea))
    if (way.isSession && operation === 'remove') {
      // A session deletes the row it knows, by the key it knows.
      expect([error, await dataSource.manager.count(Author)]).toEqual([undefined, 0])
      return
    }
    expect(error).toMatchObject({ code: 'KEY_CHANGED' })
    expect((await dataSource.manager.find(Author)).map(({ name }) => name)).toEqual(['Ann'])
  })
})

describeWays('a many-to-one that is empty', (way) => {
  it('and set to nothing is no change and no statement', async () => {
    const { dataSource, lines } = await openLogged()
    const comment = await way.save(dataSource, make(Comment, { text: 'a' }))
    lines.length = 0
    await way.save(dataSource, Object.assign(comment, { article: null }))
    expect(lines).toEqual([])
  })
})

describeDatabase('a save without listeners', () => {
  it('in a transaction of its own is silent from begin to commit', async () => {
    const { dataSource, lines } = await openLogged()
    await dataSource.manager.save(make(Author, { name: 'Ann' }), { listeners: false })
    expect([lines, await dataSource.manager.count(Author)]).toEqual([[], 1])
  })
})

describeDatabase('a statement whose rows cannot be told', () => {
  it('says so when images are asked for, and runs without', async () => {
    const codes: unknown[] = []
    class Asks extends SessionExtension {
      override beforeBulk(statement: BulkStatement) {
        try {
          statement.wantImages('keys')
        } catch (error) {
          codes.push((error as { code: string }).code)
        }
      }
    }
    const { dataSource } = await openLogged({ extensions: [Asks] })
    await dataSource.manager.createQueryBuilder().insert().into(Tag).values({ name: 't' }).orIgnore().execute()
    expect([codes, await dataSource.manager.count(Tag)]).toEqual([['BULK_IMAGES_UNSUPPORTED'], 1])
  })
})

describe('a declaration', () => {
  it.each([
    [{ extension: [] }, 'did you mean "extensions"?'],
    [{}, 'must be an array'],
  ])('of %p is refused with what is wanted', (declaration, text) => {
    expect(() => mapper(Author, declaration as never)).toThrow(text)
  })
})
