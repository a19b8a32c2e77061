/**
 * Act 5: an update by query. It has no entities, but RowImages asked for the rows, so the change log shows each of them.
 *
 * @module
 */
import { withContext } from 'flushpoint'
import { IsNull, LessThan, type DataSource } from 'typeorm'
import { Film } from '../entities/film.js'
import { ada } from '../people.js'
import { screen } from '../report/screen.js'

export async function bulkUpdate(dataSource: DataSource): Promise<void> {
  screen.print('', '  Ada marks films from before the ratings as not rated, in one statement:')
  await withContext({ actor: ada }, async () => {
    // #region bulk
    await dataSource
      .getRepository(Film)
      .update({ mpaaRating: IsNull(), releasedOn: LessThan('1935-01-01') }, { mpaaRating: 'Not Rated', updatedBy: 'ada' })
    // #endregion
  })
}
