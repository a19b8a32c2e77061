/**
 * Act 9: receivers flag best-sellers while they are written, and a typed event announces each of them once it is committed.
 *
 * @module
 */
import { openSession, withContext } from 'flushpoint'
import { defineEvent, eventsSettled, onEvent, track } from 'flushpoint/events'
import { postUpdate, preUpdate } from 'flushpoint/signals'
import { In, type DataSource } from 'typeorm'
import { Film } from '../entities/film.js'
import { ada } from '../people.js'
import { screen } from '../report/screen.js'

const BEST_SELLER_FROM = 1_000_000_000

// #region event
export const BestSeller = defineEvent<{ title: string; gross: number }>()('film.best-seller')
// #endregion

class ChangedHerMind extends Error {}

/** Receivers and listener, until what is returned is called. */
function listen(): () => void {
  // #region receivers
  const flag = preUpdate(Film)(({ instance, state }) => {
    if (state.changed('gross')) instance.isBestSeller = instance.gross! >= BEST_SELLER_FROM
  })
  const tell = postUpdate(Film)(({ instance, state }) => {
    if (state.changes.isBestSeller?.to === true) track(new BestSeller({ title: instance.title, gross: instance.gross! }))
  })
  const announce = onEvent(BestSeller)(({ title, gross, actor }) =>
    screen.print(`  announced: ${title} has made ${(gross / 1e9).toFixed(2)} billion, says ${String(actor)}`),
  )
  // #endregion
  return () => [flag, tell, announce].forEach((disconnect) => disconnect())
}

export async function signalsAndEvents(dataSource: DataSource): Promise<void> {
  const stop = listen()
  try {
    await withContext({ actor: ada }, async () => {
      screen.print('', '  Ada counts the money of three films again:')
      await using session = openSession(dataSource)
      const films = await session.find(Film, { title: In(['Titanic', 'Avatar', 'Jaws']) }).order({ title: 'ASC' })
      for (const film of films) film.gross! += 1_000_000
      await session.flush()
      await eventsSettled()

      screen.print('', '  Then she makes a best-seller of one, and changes her mind before the commit:')
      const work = session.transaction(async () => {
        films.find(({ title }) => title === 'Jaws')!.gross = BEST_SELLER_FROM
        await session.flush()
        throw new ChangedHerMind()
      })
      await work.catch((error: unknown) => {
        if (!(error instanceof ChangedHerMind)) throw error
      })
      await eventsSettled()
      screen.print('  nothing was announced')
    })
  } finally {
    stop()
  }
}
