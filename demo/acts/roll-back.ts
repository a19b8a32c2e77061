/**
 * Act 3: a transaction that fails; nothing is committed, and afterRollback knows what was undone.
 *
 * @module
 */
import { sessionOf, withContext } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { Director } from '../entities/director.js'
import { Film } from '../entities/film.js'
import { ada } from '../people.js'
import { screen } from '../report/screen.js'

class ChangedHerMind extends Error {}

export async function rollBack(dataSource: DataSource): Promise<void> {
  screen.print('', '  Ada gives a film to a new director, then changes her mind:')
  const work = withContext({ actor: ada }, () =>
    dataSource.transaction(async (manager) => {
      sessionOf(manager).onCommit(() => screen.print('  never printed: this transaction does not commit'))
      const film = await manager.findOneOrFail(Film, { where: { title: 'Memento' }, relations: { director: true } })
      film.director = Object.assign(new Director(), { name: 'Jonathan Nolan' })
      await manager.save(film)
      throw new ChangedHerMind()
    }),
  )
  await work.catch((error: unknown) => {
    if (!(error instanceof ChangedHerMind)) throw error
  })
}
