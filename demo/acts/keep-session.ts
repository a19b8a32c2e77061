/**
 * Act 8: a session that is kept for a while: reading at length, values from elsewhere, one film alone, a failed flush mended, another try.
 *
 * @module
 */
import { openSession, withContext, withScope, type OpenSession, type Session } from 'flushpoint'
import { IsNull, Like, Not, QueryFailedError, type DataSource } from 'typeorm'
import { Film } from '../entities/film.js'
import { ImpossibleFilm } from '../extensions/reasonable-film.js'
import { ada } from '../people.js'
import { describeResult } from '../report/changes.js'
import { screen } from '../report/screen.js'

export async function keepSession(dataSource: DataSource): Promise<void> {
  await withContext({ actor: ada }, async () => {
    await readAtLength(dataSource)
    const session = openSession(dataSource)
    try {
      await takeOver(session)
      await mendAndFlushAgain(session)
      await tryAgain(session)
    } finally {
      await session.close()
    }
    await inScope(dataSource)
  })
}

async function readAtLength(dataSource: DataSource): Promise<void> {
  screen.print('', '  Ada looks for the best film; a session that only reads needs no transaction:')
  // #region iterate
  await using session = openSession(dataSource)
  const rated = session.find(Film, { rating: Not(IsNull()) }) // a cursor: nothing is sent yet
  let best: Film | undefined
  for await (const film of rated.order({ votes: 'DESC' }).limit(1000)) {
    if (best === undefined || film.rating! > best.rating!) best = film
    else session.expunge(film) // let go of it: memory stays flat
  }
  screen.print(`  ${await rated.count()} are rated; the best of the thousand with most votes: ${best?.title}, ${best?.rating}`)
  // #endregion
}

async function takeOver(session: OpenSession): Promise<void> {
  screen.print('', '  Ada puts values from a form on one film and writes that film alone; another change waits:')
  const games = await session.find(Film, { title: 'War Games' }).one()
  const lyndon = await session.find(Film, { title: 'Barry Lyndon' }).one()

  // #region merge
  lyndon.mpaaRating = 'R'
  const form = { id: games.id, mpaaRating: 'PG', votes: 4242 }
  const merged = await session.merge(Film, form) // the session's own object, loaded if need be
  screen.print(`  merged into the object Ada has: ${merged === games}`)
  // #endregion

  // #region flush-one
  const { updated } = await session.flush(games)
  screen.print(`  written: ${updated}; still waiting: ${String(session.uow)}`)
  // #endregion

  // #region refresh
  await session.refresh(lyndon) // reads the row into the same object; what was pending on it is lost
  screen.print(`  refreshed: ${String(lyndon)}, ${lyndon.mpaaRating}, ${session.state(lyndon).status}`)
  // #endregion

  // #region expire
  session.expire(games) // the next query that returns it reads it anew; none is sent now
  const [same] = await session.find(Film, { id: games.id })
  screen.print(`  read again, the same object: ${same === games}`)
  // #endregion
}

async function mendAndFlushAgain(session: OpenSession): Promise<void> {
  screen.print('', '  Ada makes a mistake, mends it and flushes again; nothing of her work is forgotten:')
  // #region mend
  const [first, second] = (await session.find(Film, { title: Like('Ocean_s T%') }).order({ releasedOn: 'ASC' })) as [Film, Film]
  first.title = 'Ocean’s 12'
  second.rating = 71
  await session.flush().catch((error: unknown) => {
    if (!(error instanceof ImpossibleFilm)) throw error
    screen.print(`  refused: ${error.message}; still waiting: ${session.uow.dirty.size} films`)
  })
  second.rating = 7.1
  screen.print(describeResult(await session.flush()))
  // #endregion
}

/** What a database says when two transactions wait for each other. */
const deadlock = () => new QueryFailedError('UPDATE film', [], Object.assign(new Error('deadlock detected'), { code: '40P01' }))

async function tryAgain(session: OpenSession): Promise<void> {
  screen.print('', '  Ada votes; the first try meets a deadlock (a played one), the second starts from what the database holds:')
  // #region retry
  const votes = await session.withRetry(async (own: Session) => {
    const film = await own.find(Film, { title: 'Matrix' }).one() // read anew on each try
    film.votes! += 1
    await own.flush()
    if (own.info.attempt === 1) throw deadlock()
    return film.votes
  })
  screen.print(`  ${votes} votes after ${String(session.info['attempt'])} tries`)
  // #endregion
}

async function inScope(dataSource: DataSource): Promise<void> {
  screen.print('', '  Ada sends a request; its sessions are flushed and closed when it ends:')
  // #region scope
  await withScope(async () => {
    const session = openSession(dataSource)
    const film = await session.find(Film, { title: 'Spartacus' }).one()
    film.mpaaRating = 'PG-13'
  })
  // #endregion
}
