/**
 * Act 4: a savepoint is rolled back while the transaction around it commits; only the outer work is ever announced.
 *
 * @module
 */
import { sessionOf, withContext } from 'flushpoint'
import type { DataSource, Repository } from 'typeorm'
import { Film } from '../entities/film.js'
import { ada } from '../people.js'
import { screen } from '../report/screen.js'

class NotThisOne extends Error {}

export async function savepoint(dataSource: DataSource): Promise<void> {
  screen.print('', '  Ada renames one film; another, in a nested transaction, goes wrong:')
  await withContext({ actor: ada }, async () => {
    // #region savepoint
    await dataSource.transaction(async (manager) => {
      // #region on-commit
      sessionOf(manager).onCommit((changes) => screen.print(`  onCommit: ${changes.length} film to index again`))
      // #endregion
      await rename(manager.getRepository(Film), 'The Matrix', 'Matrix')
      try {
        await manager.transaction(async (nested) => {
          await rename(nested.getRepository(Film), 'The Matrix Reloaded', 'Matrix Reloaded')
          throw new NotThisOne()
        })
      } catch (error) {
        if (!(error instanceof NotThisOne)) throw error // the savepoint is undone, the transaction goes on
      }
    })
    // #endregion
  })
}

async function rename(films: Repository<Film>, title: string, to: string): Promise<void> {
  const film = await films.findOneByOrFail({ title })
  film.title = to
  await films.save(film)
}
