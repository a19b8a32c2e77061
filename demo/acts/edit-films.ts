/**
 * Act 2: three edits, each a transaction of its own: a title, a many-to-many alone, and a relation that a hook puts back.
 *
 * @module
 */
import { withContext } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { Director } from '../entities/director.js'
import { Film } from '../entities/film.js'
import { Genre } from '../entities/genre.js'
import { ada, ben } from '../people.js'
import { screen } from '../report/screen.js'

export async function editFilms(dataSource: DataSource): Promise<void> {
  const films = dataSource.getRepository(Film)

  screen.print('', '  Ada corrects a title; Slug and Authorship follow:')
  const seven = await films.findOneByOrFail({ title: 'Se7en' })
  // #region edit
  await withContext({ actor: ada }, async () => {
    seven.title = 'Seven'
    await films.save(seven)
  })
  // #endregion

  screen.print('', '  Ben adds a genre; only a junction row changes, yet its owner gets its hooks:')
  const bladeRunner = await films.findOneOrFail({ where: { title: 'Blade Runner' }, relations: { genres: true } })
  const drama = await dataSource.getRepository(Genre).findOneByOrFail({ name: 'Drama' })
  await withContext({ actor: ben }, async () => {
    bladeRunner.genres!.push(drama)
    await films.save(bladeRunner)
  })

  screen.print('', '  Ben changes a title and a director, but may not edit credits; ProtectedCredits puts the director back:')
  const alien3 = await films.findOneOrFail({ where: { title: 'Alien³' }, relations: { director: true } })
  const scott = await dataSource.getRepository(Director).findOneByOrFail({ name: 'Ridley Scott' })
  await withContext({ actor: ben }, async () => {
    alien3.title = 'Alien 3'
    alien3.director = scott
    await films.save(alien3)
  })
}
