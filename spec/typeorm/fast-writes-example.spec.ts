/**
 * The example of `fastWrites` that the README shows.
 *
 * @module
 */
import { install } from 'flushpoint'
import { describeDatabase, openDataSource, recordStatements } from '../support/databases.js'
import { Article, ENTITIES, make } from '../support/models.js'
import { briefly } from '../support/sessions.js'

describeDatabase('fastWrites, as the README shows it,', () => {
  it('inserts and updates by one statement each', async () => {
    const dataSource = await openDataSource({ entities: ENTITIES })
    const articles = ['one', 'two', 'three'].map((title) => make(Article, { title }))
    const recording = recordStatements(dataSource)

    // #region fast-writes
    install(dataSource, { fastWrites: true })
    await dataSource.manager.save(articles) // one INSERT, where TypeORM may send one for each
    for (const article of articles) article.title += '!'
    await dataSource.manager.save(articles) // a SELECT, one UPDATE
    // #endregion

    const sent = recording.sql().map((sql) => briefly(sql))
    expect(sent).toEqual(['BEGIN', 'INSERT article', 'COMMIT', 'SELECT article', 'BEGIN', 'UPDATE article', 'COMMIT'])
    expect((await dataSource.manager.find(Article, { order: { id: 'ASC' } })).map(({ title }) => title)).toEqual(['one!', 'two!', 'three!'])
  })
})
