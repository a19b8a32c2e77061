/**
 * Act 1: imports all films through `repository.save`, 500 to a transaction, and shows which rows were refused and why.
 *
 * @module
 */
import { withContext } from 'flushpoint'
import type { DataSource, Repository } from 'typeorm'
import { genreNames, isoDate, readMovies, type Movie } from '../data/movies.js'
import { Director } from '../entities/director.js'
import { Distributor } from '../entities/distributor.js'
import { Film } from '../entities/film.js'
import { Genre } from '../entities/genre.js'
import { ImpossibleFilm } from '../extensions/reasonable-film.js'
import { importer } from '../people.js'
import { withProgress } from '../report/progress.js'
import { screen } from '../report/screen.js'
import { printTable } from '../report/tables.js'

const BATCH = 500

/** What films share: one object per name, whether it is saved already or will be with its first film. */
class Names<E extends { name: string }> {
  readonly #known = new Map<string, E>()

  constructor(private readonly type: new () => E) {}

  get(name: string): E {
    const entity = this.#known.get(name) ?? Object.assign(new this.type(), { name })
    this.#known.set(name, entity)
    return entity
  }
}

export async function importFilms(dataSource: DataSource): Promise<void> {
  const movies = readMovies()
  const refused: [Movie, ImpossibleFilm][] = []
  const toFilm = filmBuilder()

  await withProgress(movies.length, async (advance) => {
    for (let start = 0; start < movies.length; start += BATCH) {
      // #region with-context
      await withContext({ actor: importer }, () =>
        dataSource.transaction(async (manager) => {
          for (const movie of movies.slice(start, start + BATCH)) {
            const reason = await refusalOf(manager.getRepository(Film), toFilm(movie))
            if (reason !== undefined) refused.push([movie, reason])
            advance()
          }
        }),
      )
      // #endregion
    }
  })

  screen.print('', `  ${refused.length} of ${movies.length} rows were refused:`)
  const rows = refused.map(([movie, { reasons }]) => [String(movie.Title ?? '–'), movie['Release Date'], reasons.join('; ')])
  printTable(['title', 'release date', 'why'], rows)
}

/** Saves one film; a refusal came before any statement, so the transaction goes on without this film. */
async function refusalOf(films: Repository<Film>, film: Film): Promise<ImpossibleFilm | undefined> {
  try {
    await films.save(film)
    return undefined
  } catch (error) {
    if (error instanceof ImpossibleFilm) return error
    throw error
  }
}

function filmBuilder(): (movie: Movie) => Film {
  const [directors, distributors, genres] = [new Names(Director), new Names(Distributor), new Names(Genre)]
  return (movie) =>
    Object.assign(new Film(), {
      title: movie.Title,
      releasedOn: isoDate(movie['Release Date']),
      mpaaRating: movie['MPAA Rating'],
      rating: movie['IMDB Rating'],
      votes: movie['IMDB Votes'],
      budget: movie['Production Budget'],
      gross: movie['Worldwide Gross'] || null,
      director: movie.Director === null ? null : directors.get(movie.Director),
      distributor: movie.Distributor === null ? null : distributors.get(movie.Distributor),
      genres: genreNames(movie).map((name) => genres.get(name)),
    })
}
