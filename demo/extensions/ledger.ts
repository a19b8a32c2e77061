/**
 * Counts what was really committed, from nothing but the net changes; the end of the demo compares it with the database.
 *
 * @module
 */
import { SessionExtension, type Change } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { Film } from '../entities/film.js'

export type Counts = Record<'film' | 'director' | 'distributor' | 'genre' | 'film_genre', number>

/** What is known of one data source; its sessions come and go. */
class Book {
  readonly #rows = new Map<string, number>()

  enter(change: Change): void {
    const difference = { insert: 1, delete: -1, update: 0, softRemove: 0, recover: 0 }[change.kind]
    this.#rows.set(change.table, this.#count(change.table) + difference)
    if (change.is(Film)) this.#enterGenres(change)
  }

  /** A junction row is no entity: it shows as a relation of its film, and goes with it. */
  #enterGenres({ relations }: Change<Film>): void {
    const { added = [], removed = [] } = relations.genres ?? {}
    this.#rows.set('film_genre', this.#count('film_genre') + added.length - removed.length)
  }

  #count(table: string): number {
    return this.#rows.get(table) ?? 0
  }

  counts(): Counts {
    return {
      film: this.#count('film'),
      director: this.#count('director'),
      distributor: this.#count('distributor'),
      genre: this.#count('genre'),
      film_genre: this.#count('film_genre'),
    }
  }
}

const books = new WeakMap<DataSource, Book>()

function bookOf(dataSource: DataSource): Book {
  const book = books.get(dataSource) ?? new Book()
  books.set(dataSource, book)
  return book
}

export class Ledger extends SessionExtension {
  override afterCommit(changes: readonly Change[]) {
    for (const change of changes) bookOf(this.session.dataSource).enter(change)
  }
}

export function committedCounts(dataSource: DataSource): Counts {
  return bookOf(dataSource).counts()
}
