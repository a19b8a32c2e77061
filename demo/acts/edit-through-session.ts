/**
 * Act 7: a series of films is edited through a session: loaded, changed in place, explained, written in one transaction; and a savepoint
 * that is rolled back, after which the objects are what they were.
 *
 * @module
 */
import { currentSession, withContext, withSession, type Session } from 'flushpoint'
import { Like, type DataSource } from 'typeorm'
import { Director } from '../entities/director.js'
import { Film } from '../entities/film.js'
import { Genre } from '../entities/genre.js'
import { ada } from '../people.js'
import { describeResult } from '../report/changes.js'
import { screen } from '../report/screen.js'

class NotThisOne extends Error {}

export async function editThroughSession(dataSource: DataSource): Promise<void> {
  await withContext({ actor: ada }, async () => {
    screen.print('', '  Ada edits a series in one session; what she changed is found when it is flushed:')
    // #region with-session
    await withSession(dataSource, editSeries) // one transaction: committed at the end, rolled back when it throws
    // #endregion
    screen.print('', '  Ada tries something in a nested transaction; objects go back with the rows:')
    await withSession(dataSource, tryAndUndo)
  })
}

async function editSeries(session: Session): Promise<void> {
  // #region load
  const films = await session
    .find(Film, { title: Like('Star Wars%') })
    .with('director', 'genres')
    .order({ releasedOn: 'ASC' })
  const [hope, empire, jedi] = films as [Film, Film, Film]
  // #endregion

  // #region identity
  const again = await session.get(Film, hope.id) // no statement: the session has it
  const byLucas = films.filter(({ director }) => director === hope.director) // one object per row, so === is enough
  screen.print(
    `  ${films.length} films, ${byLucas.length} with one director object; the film by its key is the same object: ${again === hope}`,
  )
  // #endregion

  // #region change
  hope.title = 'Star Wars'
  empire.title = 'The Empire Strikes Back'
  empire.director = await directorNamed('Irvin Kershner') // new
  jedi.genres!.push(Object.assign(new Genre(), { name: 'Space Opera' })) // a many-to-many
  session.delete(films.at(-1)!)
  // #endregion

  // #region explain
  screen.print(String(session.uow), String(await session.explain())) // nothing is sent, no hook runs
  // #endregion

  // #region flush
  const result = await session.flush()
  screen.print(describeResult(result))
  // #endregion
}

// #region current-session
/** The director of that name, or a new one: no session is handed down, it is found where it is needed. */
async function directorNamed(name: string): Promise<Director> {
  const known = await currentSession().find(Director, { name }).oneOrNull()
  return known ?? Object.assign(new Director(), { name })
}
// #endregion

async function tryAndUndo(session: Session): Promise<void> {
  // #region undo
  const jedi = await session
    .find(Film, { slug: Like('%return-of-the-jedi%') })
    .with('genres', 'director')
    .one()
  const phantom = await session.find(Film, { slug: Like('%phantom-menace%') }).one()
  const ewoks = Object.assign(new Genre(), { name: 'Ewoks' })
  jedi.title = 'Return of the Jedi' // pending when the nested transaction begins, so it is none of its business
  try {
    await session.transaction(async () => {
      jedi.title = 'Revenge of the Jedi'
      jedi.genres.push(ewoks)
      jedi.director = null
      session.delete(phantom)
      await session.flush()
      throw new NotThisOne()
    })
  } catch (error) {
    if (!(error instanceof NotThisOne)) throw error // the savepoint is undone, the session goes on
  }
  const genres = jedi.genres.map(({ name }) => name).sort()
  screen.print(`  ${String(jedi)} by ${String(jedi.director)}: ${genres.join(', ')}`)
  for (const entity of [jedi, phantom, ewoks]) {
    const { status, key } = session.state(entity)
    screen.print(`  ${String(entity)}: ${status}, key ${JSON.stringify(key)}`)
  }
  // #endregion
}
