/**
 * The rows of movies.json (vega-datasets 3.2.1, BSD-3-Clause, see LICENSE-vega-datasets) as films, gaps and odd values included.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Movie {
  readonly Title: string | number | null
  readonly 'Worldwide Gross': number | null
  readonly 'Production Budget': number | null
  /** As in `Jun 12 1998`. */
  readonly 'Release Date': string
  readonly 'MPAA Rating': string | null
  readonly Distributor: string | null
  readonly 'Major Genre': string | null
  readonly 'Creative Type': string | null
  readonly Director: string | null
  readonly 'IMDB Rating': number | null
  readonly 'IMDB Votes': number | null
}

export function readMovies(): readonly Movie[] {
  return JSON.parse(readFileSync(join(__dirname, 'movies.json'), 'utf8')) as Movie[]
}

/** `Jun 12 1998` as `1998-06-12`. */
export function isoDate(date: string): string {
  const day = new Date(`${date} UTC`)
  return Number.isNaN(day.getTime()) ? '' : day.toISOString().slice(0, 10)
}

/** `Thriller/Suspense` and `Science Fiction` as three genres. */
export function genreNames(movie: Movie): string[] {
  const names = [...(movie['Major Genre'] ?? '').split('/'), movie['Creative Type'] ?? '']
  return [...new Set(names.filter((name) => name !== ''))]
}
