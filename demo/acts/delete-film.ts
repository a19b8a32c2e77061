/**
 * Act 6: deletes a film with its genres; the change log still knows what it was.
 *
 * @module
 */
import { withContext } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { Film } from '../entities/film.js'
import { ada } from '../people.js'
import { screen } from '../report/screen.js'

export async function deleteFilm(dataSource: DataSource): Promise<void> {
  screen.print('', '  Ada deletes a film:')
  const films = dataSource.getRepository(Film)
  const film = await films.findOneOrFail({ where: { title: 'My Stepmother Is an Alien' }, relations: { genres: true } })
  await withContext({ actor: ada }, () => films.remove(film))
}
