/**
 * Runs the whole demo on the database under test: what it prints is what happened, and what it announced is what is stored.
 *
 * @module
 */
import { auditEntities } from 'flushpoint/extensions'
import { outboxEntities } from 'flushpoint/outbox'
import type { DataSource, DataSourceOptions } from 'typeorm'
import { readBack, type Reading } from '../../demo/acts/read-back.js'
import { Director } from '../../demo/entities/director.js'
import { Distributor } from '../../demo/entities/distributor.js'
import { Film } from '../../demo/entities/film.js'
import { Genre } from '../../demo/entities/genre.js'
import { screen } from '../../demo/report/screen.js'
import { runDemo } from '../../demo/run.js'
import { dataSource as ofDemo } from '../../ormconfig.js'
import { databaseName, describeDatabase, openDataSource } from '../support/databases.js'

const COUNTS = { film: 3176, director: 551, distributor: 174, genre: 23, film_genre: 5900 }

describeDatabase('demo', () => {
  const { write, isTerminal } = screen
  const printed: string[] = []
  let dataSource: DataSource
  let reading: Reading

  beforeAll(async () => {
    Object.assign(screen, { isTerminal: false, write: (text: string) => void printed.push(...text.split('\n')) })
    const { subscribers, logger } = ofDemo.options
    const entities = [Film, Director, Distributor, Genre, ...outboxEntities(databaseName()), ...auditEntities(databaseName())]
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

  it('ends with a search index equal to the table, though its worker was killed half-way', () => {
    expect(printed.slice(printed.indexOf('11  A search index, built by a worker'))).toEqual(
      expect.arrayContaining([
        '  3177 changes are committed, and a message for each of them',
        '  the worker is killed when half of them are in the index',
        '  meanwhile 11 films get other titles, one is deleted, and one change is rolled back',
        '  the worker is started again, handles what is left and is told to end: it does, with 0',
        '  the index holds 3176 films, the table 3176; each with the same title',
      ]),
    )
  })

  it("ends with one film's history, a file that followed it, and its first day", () => {
    const last = printed.slice(printed.indexOf("13  One film's history"))
    expect(last).toEqual(
      expect.arrayContaining([
        '  3924 rows are 3924 JSON files: 551 of Director, 174 of Distributor, 23 of Genre, 3176 of Film',
        expect.stringMatching(/^ {2}a commit later, Film\/\d+_film Seven\.json is Film\/\d+_film Seven Sins\.json$/),
        '  On its first day it was called "Se7en".',
      ]),
    )
    const table = last.filter((line) => line.startsWith('  │ ')).map((line) => line.split('│').map((cell) => cell.trim()))
    expect(table.filter(([, who]) => who !== '').map(([, who, did]) => `${who} ${did}`)).toEqual([
      'who did',
      'importer insert',
      'ada update',
      'ada update',
      '– update',
      'ben update',
      'ada update',
    ])
    expect(table).toContainEqual(['', 'ada', 'update', 'title: "Se7en" → "Seven"', ''])
    expect(table).toContainEqual(['', 'ada', 'update', 'title: "Seven Sins" → "Seven"', ''])
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

  describe('edits through a session', () => {
    const lines = () => after('  Ada edits a series')

    it('finds one object per row', () => {
      expect(lines()[0]).toBe('  7 films, 4 with one director object; the film by its key is the same object: true')
    })

    it('explains a flush before it sends anything', () => {
      expect(lines().slice(1, 12)).toEqual([
        'UnitOfWork (new: Director, Genre; dirty: Film ×3; deleted: Film)',
        '#  step    table       rows  columns            because  path',
        '-  ------  ----------  ----  -----------------  -------  ----',
        '1  unlink  film_genre  1     filmId, genreId    changed  row',
        '2  insert  director    1     name               cascade  row',
        '3  insert  genre       1     name               cascade  row',
        '4  update  film        2     title, directorId  changed  set',
        '5  link    film_genre  1     filmId, genreId    changed  row',
        '6  delete  film        1                        changed  row',
        '  │       BEGIN',
        '  │ afterBegin        transaction',
      ])
    })

    it('sends what it has explained, in that order, with what hooks have added', () => {
      expect(lines().filter((line) => /INSERT|UPDATE|DELETE|statements/.test(line))).toEqual([
        '  │       DELETE FROM film_genre',
        '  │       INSERT INTO director',
        '  │       INSERT INTO genre',
        '  │       UPDATE film',
        '  │       INSERT INTO film_genre',
        '  │       DELETE FROM film',
        '  2 inserted, 3 updated, 1 deleted by 7 statements',
      ])
    })

    it('commits everything in one transaction at the end of the block', () => {
      const committed = lines().slice(lines().indexOf('  │ beforeCommit'))
      expect(committed.map((line) => line.replace(/{"id":\d+}/, '<key>'))).toEqual([
        '  │ beforeCommit',
        '  │       COMMIT',
        '  │ afterCommit       6 changes',
        '  committed by ada: 6 changes (beforeFlush saw 6)',
        '    + director "Irvin Kershner"',
        '    + genre "Space Opera"',
        '    ~ film "The Empire Strikes Back"',
        '        title: Star Wars Ep. V: The Empire Strikes Back → The Empire Strikes Back',
        '        slug: star-wars-ep-v-the-empire-strikes-back-1980 → the-empire-strikes-back-1980',
        '        updatedBy: importer → ada',
        '        director: null → <key>',
        '    ~ film "Star Wars Ep. VI: Return of the Jedi"',
        '        updatedBy: importer → ada',
        '        genres: + genre "Space Opera"',
        '    ~ film "Star Wars"',
        '        title: Star Wars Ep. IV: A New Hope → Star Wars',
        '        slug: star-wars-ep-iv-a-new-hope-1977 → star-wars-1977',
        '        updatedBy: importer → ada',
        '    - film "Star Wars: The Clone Wars"',
        '        genres: - genre "Adventure", - genre "Science Fiction"',
      ])
    })

    it('gives objects back the values they had before a nested transaction', () => {
      const tried = after('  Ada tries something')
      expect(tried).toContain('  undone with the savepoint: 3 changes')
      const restored = tried.findIndex((line) => line.startsWith('  film "Return of the Jedi" by'))
      expect(tried.slice(restored)).toEqual([
        '  film "Return of the Jedi" by director "Richard Marquand": Adventure, Science Fiction, Space Opera',
        '  film "Return of the Jedi": clean, key {"id":755}',
        '  film "Star Wars Ep. I: The Phantom Menace": clean, key {"id":2862}',
        '  genre "Ewoks": detached, key {}',
        '  │ beforeCommit',
        '  │       COMMIT',
        '  │ afterCommit       1 change',
        '  committed by ada: 1 change (beforeFlush saw 4)',
        '    ~ film "Return of the Jedi"',
        '        title: Star Wars Ep. VI: Return of the Jedi → Return of the Jedi',
        '        slug: star-wars-ep-vi-return-of-the-jedi-1983 → return-of-the-jedi-1983',
      ])
    })
  })

  describe('a session that is kept', () => {
    const told = (beginning: string) => after(beginning).filter((line) => /^ {2}[^│ ]/.test(line))

    it('reads at length without a transaction', () => {
      expect(after('  Ada looks for the best film')).toEqual([
        '  2968 are rated; the best of the thousand with most votes: The Shawshank Redemption, 9.2',
      ])
    })

    it('merges, flushes one film alone, refreshes and expires', () => {
      expect(told('  Ada puts values from a form')).toEqual([
        '  merged into the object Ada has: true',
        '  committed by ada: 1 change (beforeFlush saw 2)',
        '  written: 1; still waiting: UnitOfWork (dirty: Film)',
        '  refreshed: film "Barry Lyndon", null, clean',
        '  read again, the same object: true',
      ])
    })

    it('still has all work after a flush that failed', () => {
      expect(told('  Ada makes a mistake')).toEqual([
        '  undone with the transaction: 0 changes',
        '  refused: a rating of 71 is not between 0 and 10; still waiting: 2 films',
        '  committed by ada: 2 changes (beforeFlush saw 2)',
        '  0 inserted, 2 updated, 0 deleted by 4 statements',
      ])
    })

    it('counts a vote once, however often it tries', () => {
      expect(told('  Ada votes')).toEqual([
        '  undone with the transaction: 1 change',
        '  committed by ada: 1 change (beforeFlush saw 1)',
        '  380935 votes after 2 tries',
      ])
    })

    it('is flushed and closed with its scope', () => {
      expect(after('  Ada sends a request').slice(-4)).toEqual([
        '  committed by ada: 1 change (beforeFlush saw 1)',
        '    ~ film "Spartacus"',
        '        mpaaRating: null → PG-13',
        '        updatedBy: importer → ada',
      ])
    })
  })

  it('flags best-sellers by receivers, and announces each once it is committed', () => {
    const lines = after('  Ada counts the money of three films again')
    expect(lines.filter((line) => line.includes('isBestSeller: '))).toEqual(Array(2).fill('        isBestSeller: false → true'))
    expect(lines.slice(-2)).toEqual([
      '  announced: Avatar has made 2.77 billion, says ada',
      '  announced: Titanic has made 1.84 billion, says ada',
    ])
  })

  it('announces nothing of a change that is rolled back', () => {
    const lines = after('  Then she makes a best-seller of one')
    expect(lines).toContain('        isBestSeller: false → true')
    expect(lines.filter((line) => line.includes('announced: '))).toEqual([])
    expect(lines.at(-1)).toBe('  nothing was announced')
  })

  it('writes thousands of rows, each in its own columns, by one statement in a transaction', () => {
    const [explained, committed, counted, result] = after('  Ada counts the votes').slice(-4)
    expect(explained).toBe('  update film: 2968 rows by path set')
    expect(committed).toBe('  committed by ada: 2968 changes (beforeFlush saw 2968)')
    expect(counted).toBe('    ~ film ×2968')
    expect(result).toBe('  0 inserted, 2968 updated, 0 deleted by 4 statements')
  })

  it('notices rows that went without a commit it heard of', async () => {
    await dataSource.query('DELETE FROM film_genre')
    expect(await readBack(dataSource)).toEqual({ committed: COUNTS, stored: { ...COUNTS, film_genre: 0 }, agrees: false })
  })
})
