/**
 * Act 10: thousands of films are changed at once, each in its own columns, and written by a handful of statements; hooks run for each of them.
 *
 * @module
 */
import { openSession, withContext } from 'flushpoint'
import { IsNull, Not, type DataSource } from 'typeorm'
import { Film } from '../entities/film.js'
import { ada } from '../people.js'
import { describeResult } from '../report/changes.js'
import { screen } from '../report/screen.js'

export async function writeMany(dataSource: DataSource): Promise<void> {
  await withContext({ actor: ada }, async () => {
    screen.print('', '  Ada counts the votes of a festival, and rates again what was rated too high:')
    // #region many
    await using session = openSession(dataSource)
    const films = await session.find(Film, { votes: Not(IsNull()) })
    for (const film of films) {
      film.votes! += 10
      if (film.rating! > 9) film.rating! -= 0.5 // other columns in each row, and still one statement
    }
    const { steps } = await session.explain()
    for (const { kind, table, rows, path } of steps) screen.print(`  ${kind} ${table}: ${rows.length} rows by path ${path}`)
    screen.print(describeResult(await session.flush()))
    // #endregion
  })
}
