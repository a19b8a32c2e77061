/**
 * The demo from the first act to the last, on a data source of its own that is open and empty.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { buildSearchIndex } from './acts/search-index.js'
import { showHistory } from './acts/change-history.js'
import { bulkUpdate } from './acts/bulk-update.js'
import { deleteFilm } from './acts/delete-film.js'
import { editFilms } from './acts/edit-films.js'
import { editThroughSession } from './acts/edit-through-session.js'
import { importFilms } from './acts/import-films.js'
import { keepSession } from './acts/keep-session.js'
import { readBack, type Reading } from './acts/read-back.js'
import { rollBack } from './acts/roll-back.js'
import { savepoint } from './acts/savepoint.js'
import { screen } from './report/screen.js'
import { signalsAndEvents } from './acts/signals-and-events.js'
import { withTimeline } from './report/timeline.js'
import { writeMany } from './acts/write-many.js'

const ACTS: readonly [title: string, act: (dataSource: DataSource) => Promise<void>][] = [
  ['Edits', editFilms],
  ['A transaction that is rolled back', rollBack],
  ['A savepoint that is rolled back', savepoint],
  ['An update by query', bulkUpdate],
  ['A delete', deleteFilm],
  ['Edits through a session', editThroughSession],
  ['A session that is kept', keepSession],
  ['Signals and events', signalsAndEvents],
]

/** Prints everything and returns what the database holds in the end beside what was announced as committed. */
export async function runDemo(dataSource: DataSource): Promise<Reading> {
  screen.print('1  Importing films', '')
  await importFilms(dataSource)
  for (const [index, [title, act]] of ACTS.entries()) {
    screen.print('', `${index + 2}  ${title}`)
    await withTimeline(() => act(dataSource))
  }
  screen.print('', `${ACTS.length + 2}  Many rows at once`)
  await writeMany(dataSource)
  screen.print('', `${ACTS.length + 3}  A search index, built by a worker`, '')
  const isIndexed = await buildSearchIndex(dataSource)
  screen.print('', `${ACTS.length + 4}  What the database holds`, '')
  const reading = await readBack(dataSource)
  screen.print('', `${ACTS.length + 5}  One film's history`, '')
  const isTold = await showHistory(dataSource)
  return { ...reading, agrees: reading.agrees && isIndexed && isTold }
}
