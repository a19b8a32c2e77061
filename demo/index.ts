/**
 * `npm run demo`: a film catalogue on an embedded database, or on the one that DB names (see ormconfig.ts).
 *
 * @module
 */
import { dataSource } from '../ormconfig.js'
import { emptyDatabase } from './database.js'
import { screen } from './report/screen.js'
import { runDemo } from './run.js'

async function main(): Promise<void> {
  const start = Date.now()
  await emptyDatabase()
  await dataSource.initialize()
  try {
    const { agrees } = await runDemo(dataSource)
    const seconds = ((Date.now() - start) / 1000).toFixed(1)
    screen.print('', `${agrees ? 'Everything announced is there' : 'The counts differ'}, ${seconds} s.`)
    process.exitCode = agrees ? 0 : 1
  } finally {
    await dataSource.destroy()
  }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
