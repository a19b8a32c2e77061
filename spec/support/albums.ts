/**
 * Albums with their members, as specs of signals make and load them, and a log of relation signals.
 *
 * @module
 */
import { postRelationAdd, postRelationRemove, preRelationAdd, preRelationRemove, type RelationPayload } from 'flushpoint/signals'
import type { DataSource } from 'typeorm'
import { fresh } from './hooks.js'
import { make } from './models.js'
import { Album, Genre, Track, type Credit } from './music.js'
import type { Signals } from './signals.js'
import type { WayIn } from './ways-in.js'

export const album = (values: Partial<Album> = {}) => make(Album, { name: 'Blue', ...values })
export const genre = (name: string) => make(Genre, { name })
export const track = (name: string) => make(Track, { name })

/** An album nobody was told of, as this way loads it: with the relations that were given. */
export async function storedAlbum(ds: DataSource, way: WayIn, values: Partial<Album>): Promise<Album> {
  const { id } = await way.seed(ds, album(values))
  return way.load(ds, Album, { id }, ...Object.keys(values).filter((name) => Array.isArray(values[name as keyof Album])))
}

export async function genresOf(ds: DataSource, id: number): Promise<string[]> {
  return (await fresh(ds, Album, id, 'genres')).genres!.map(({ name }) => name).sort()
}

export async function tracksOf(ds: DataSource, id: number): Promise<string[]> {
  return (await fresh(ds, Album, id, 'tracks')).tracks!.map(({ name }) => name).sort()
}

/** Notes relation signals of the models until the test is over: `preAdd Blue.genres 7`. */
export function relationLog(signals: Signals, ...models: (typeof Album | typeof Genre | typeof Credit)[]): string[] {
  const lines: string[] = []
  const note = (what: string) => (payload: RelationPayload) =>
    void lines.push(`${what} ${(payload.instance as Album).name}.${payload.relationName} ${(payload.child as { id?: number }).id ?? 'new'}`)
  signals.keep(preRelationAdd(models)(note('preAdd')))
  signals.keep(postRelationAdd(models)(note('postAdd')))
  signals.keep(preRelationRemove(models)(note('preRemove')))
  signals.keep(postRelationRemove(models)(note('postRemove')))
  return lines
}
