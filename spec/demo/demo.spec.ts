/**
 * Runs the whole demo on the database under test: what it prints is what happened, and what it announced is what is stored.
 *
 * @module
 */
import type { DataSource, DataSourceOptions } from 'typeorm'
import { readBack, type Reading } from '../../demo/acts/read-back.js'
import { screen } from '../../demo/report/screen.js'
import { runDemo } from '../../demo/run.js'
import { dataSource as ofDemo } from '../../ormconfig.js'
import { describeDatabase, openDataSource } from '../support/databases.js'

const COUNTS = { film: 3177, director: 550, distributor: 174, genre: 22, film_genre: 5901 }

describeDatabase('demo', () => {
  const { write, isTerminal } = screen
  const printed: string[] = []
  let dataSource: DataSource
  let reading: Reading

  beforeAll(async () => {
    Object.assign(screen, { isTerminal: false, write: (line: string) => void printed.push(line) })
    const { entities, subscribers, logger } = ofDemo.options
    dataSource = await openDataSource({ entities, subscribers, logger } as Partial<DataSourceOptions>)
    reading = await runDemo(dataSource)
  }, 180_000)

  afterAll(() => void Object.assign(screen, { write, isTerminal }))

  /** The lines after the one that begins so, up to the next empty one. */
  function after(beginning: string): string[] {
    const start = printed.findIndex((line) => line.startsWith(beginning)) + 1
    return start === 0 ? [`not printed: ${beginning}`] : printed.slice(start, printed.indexOf('', start))
  }

  it('finds in the database exactly what afterCommit announced', () => {
    expect(reading).toEqual({ committed: COUNTS, stored: COUNTS, agrees: true })
  })

  it('imports in seven transactions, and refused rows are in none of them', () => {
    expect(printed.filter((line) => line.startsWith('  committed by importer'))).toEqual([
      '  committed by importer: 747 changes (beforeFlush saw 768)',
      '  committed by importer: 635 changes (beforeFlush saw 638)',
      '  committed by importer: 642 changes (beforeFlush saw 644)',
      '  committed by importer: 583 changes (beforeFlush saw 583)',
      '  committed by importer: 561 changes (beforeFlush saw 561)',
      '  committed by importer: 543 changes (beforeFlush saw 543)',
      '  committed by importer: 213 changes (beforeFlush saw 214)',
    ])
  })

  it('reports every refused row with its reason', () => {
    const rows = after('  23 of 3201 rows were refused:').filter((line) => /\d{4}/.test(line))
    expect(rows).toHaveLength(23)
    expect(rows[0]).toMatch(/│ Duel in the Sun +│ Dec 31 2046 +│ released in 2046, after the catalogue was made: rather 1946\? │$/)
    expect(rows.at(-1)).toMatch(/│ – +│ Nov 03 2006 +│ has no title +│$/)
  })

  it('shows a flush in order, with what each extension of the chain added', () => {
    expect(after('  Ada corrects a title')).toEqual([
      '  │       BEGIN',
      '  │ afterBegin        transaction',
      '  │ beforeFlush       UnitOfWork (dirty: Film)',
      '  │   beforeUpdate    film "Seven": title',
      '  │     beforeUpdate  mapper: film "Seven": title, slug, updatedBy',
      '  │       UPDATE film',
      '  │     afterUpdate   mapper: film "Seven": title, slug, updatedBy',
      '  │   afterUpdate     film "Seven": title, slug, updatedBy',
      '  │ afterFlush',
      '  │ beforeCommit',
      '  │       COMMIT',
      '  │ afterCommit       1 change',
      '  committed by ada: 1 change (beforeFlush saw 1)',
      '    ~ film "Seven"',
      '        title: Se7en → Seven',
      '        slug: se7en-1995 → seven-1995',
      '        updatedBy: importer → ada',
    ])
  })

  it('runs the hooks of a film of which only the genres changed', () => {
    expect(after('  Ben adds a genre')).toEqual([
      '  │       BEGIN',
      '  │ afterBegin        transaction',
      '  │ beforeFlush       UnitOfWork (dirty: Film)',
      '  │   beforeUpdate    film "Blade Runner": genres',
      '  │     beforeUpdate  mapper: film "Blade Runner": updatedBy, genres',
      '  │       INSERT INTO film_genre',
      '  │       UPDATE film',
      '  │     afterUpdate   mapper: film "Blade Runner": updatedBy, genres',
      '  │   afterUpdate     film "Blade Runner": updatedBy, genres',
      '  │ afterFlush',
      '  │ beforeCommit',
      '  │       COMMIT',
      '  │ afterCommit       1 change',
      '  committed by ben: 1 change (beforeFlush saw 1)',
      '    ~ film "Blade Runner"',
      '        updatedBy: importer → ben',
      '        genres: + genre "Drama"',
    ])
  })

  it('does not write a director whom a hook has put back', () => {
    expect(after('  Ben changes a title and a director').slice(-4)).toEqual([
      '    ~ film "Alien 3"',
      '        title: Alien³ → Alien 3',
      '        slug: alien3-1992 → alien-3-1992',
      '        updatedBy: importer → ben',
    ])
  })

  it('tells what a rollback has undone, and announces nothing', () => {
    expect(after('  Ada gives a film to a new director').slice(-8)).toEqual([
      '  │ afterFlush',
      '  │       ROLLBACK',
      '  │ afterRollback     transaction: 2 changes',
      '  undone with the transaction: 2 changes',
      '    + director "Jonathan Nolan"',
      '    ~ film "Memento"',
      '        director: {"id":1} → {"id":551}',
      '        updatedBy: importer → ada',
    ])
  })

  it('announces only the outer work when a savepoint is rolled back', () => {
    const lines = after('  Ada renames one film')
    expect(lines.slice(lines.indexOf('  │       SAVEPOINT'))).toEqual([
      '  │       SAVEPOINT',
      '  │ afterBegin        savepoint',
      '  │ beforeFlush       UnitOfWork (dirty: Film)',
      '  │   beforeUpdate    film "Matrix Reloaded": title',
      '  │     beforeUpdate  mapper: film "Matrix Reloaded": title, slug, updatedBy',
      '  │       UPDATE film',
      '  │     afterUpdate   mapper: film "Matrix Reloaded": title, slug, updatedBy',
      '  │   afterUpdate     film "Matrix Reloaded": title, slug, updatedBy',
      '  │ afterFlush',
      '  │       ROLLBACK TO SAVEPOINT',
      '  │ afterRollback     savepoint: 1 change',
      '  undone with the savepoint: 1 change',
      '    ~ film "Matrix Reloaded"',
      '        title: The Matrix Reloaded → Matrix Reloaded',
      '        slug: the-matrix-reloaded-2003 → matrix-reloaded-2003',
      '        updatedBy: importer → ada',
      '  │ beforeCommit',
      '  │       COMMIT',
      '  │ afterCommit       1 change',
      '  committed by ada: 1 change (beforeFlush saw 2)',
      '    ~ film "Matrix"',
      '        title: The Matrix → Matrix',
      '        slug: the-matrix-1999 → matrix-1999',
      '        updatedBy: importer → ada',
      '  onCommit: 1 film to index again',
    ])
  })

  it('shows the rows behind an update by query', () => {
    expect(after('  Ada marks films').slice(0, 12)).toEqual([
      '  │ beforeBulk        update: Film',
      '  │       BEGIN',
      '  │ afterBegin        transaction',
      '  │       UPDATE film',
      '  │ afterBulk         4 rows',
      '  │ beforeCommit',
      '  │       COMMIT',
      '  │ afterCommit       4 changes',
      '  committed by ada: 4 changes (beforeFlush saw 0)',
      '    ~ film "The Broadway Melody"',
      '        mpaaRating: null → Not Rated',
      '        updatedBy: importer → ada',
    ])
  })

  it('announces a deleted film by what it was', () => {
    expect(after('  Ada deletes a film').slice(-3)).toEqual([
      '  committed by ada: 1 change (beforeFlush saw 1)',
      '    - film "My Stepmother Is an Alien"',
      '        genres: - genre "Comedy", - genre "Science Fiction"',
    ])
  })

  it('notices rows that went without a commit it heard of', async () => {
    await dataSource.query('DELETE FROM film_genre')
    expect(await readBack(dataSource)).toEqual({ committed: COUNTS, stored: { ...COUNTS, film_genre: 0 }, agrees: false })
  })
})
