/**
 * Act 11: a worker in a process of its own builds a search index of the films, out of messages that were committed together with the changes
 * they tell of. It is killed half-way and started again.
 *
 * @module
 */
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { install, sessionOf, withSession } from 'flushpoint'
import { Outbox, outboxOf } from 'flushpoint/outbox'
import { Like, type DataSource, type DataSourceOptions } from 'typeorm'
import { Film } from '../entities/film.js'
import { screen } from '../report/screen.js'
import { readIndex } from '../search/search-index.js'
import { Worker } from '../search/worker.js'

class NotLikeThat extends Error {}

/** Whether the index, which the worker has built, ends equal to the table. */
export async function buildSearchIndex(dataSource: DataSource): Promise<boolean> {
  const file = join(tmpdir(), `flushpoint-search-${process.pid}.jsonl`)
  rmSync(file, { force: true })
  const environment = { SEARCH_INDEX: file, SEARCH_DATABASE: JSON.stringify(connectionOf(dataSource)) }
  // #region record-changes
  const uninstall = install(dataSource, { extensions: [Outbox.with({ changes: [Film], worker: 'none' })] })
  // #endregion
  try {
    await touchEveryFilm(dataSource)
    await killHalfWay(new Worker(environment), dataSource, file)
    await changeMeanwhile(dataSource)
    await finish(new Worker(environment), dataSource)
    return await compare(dataSource, file)
  } finally {
    uninstall()
    rmSync(file, { force: true })
  }
}

function connectionOf({ options }: DataSource): Partial<DataSourceOptions> {
  const { entities, subscribers, migrations, logger, synchronize, ...connection } = options
  return { ...connection, synchronize: false } as Partial<DataSourceOptions>
}

async function touchEveryFilm(dataSource: DataSource): Promise<void> {
  await withSession(dataSource, async (session) => {
    for await (const film of session.find(Film)) film.gross = (film.gross ?? 0) + 1
    session.add(Object.assign(new Film(), { title: 'A Draft', releasedOn: '2010-01-01', rating: null, votes: null }))
  })
  const { messages } = await outboxOf(dataSource).status()
  screen.print(`  ${messages} changes are committed, and a message for each of them`)
}

async function killHalfWay(worker: Worker, dataSource: DataSource, file: string): Promise<void> {
  const half = (await outboxOf(dataSource).status()).messages / 2
  await until(() => readIndex(file).lines >= half, worker)
  await worker.end('SIGKILL')
  screen.print('  the worker is killed when half of them are in the index')
}

async function changeMeanwhile(dataSource: DataSource): Promise<void> {
  const films = dataSource.getRepository(Film)
  // #region meanwhile
  await dataSource.transaction(async (manager) => {
    for (const film of await manager.findBy(Film, { title: Like('Star Trek%') }))
      await manager.save(Object.assign(film, { title: `${film.title}!` }))
    await manager.remove(await manager.findOneByOrFail(Film, { title: 'A Draft' }))
  })
  const undone = dataSource.transaction(async (manager) => {
    await manager.update(Film, { title: 'Titanic' }, { title: 'The Boat' })
    throw new NotLikeThat(String(sessionOf(manager).journal.length))
  })
  // #endregion
  await undone.catch((error: unknown) => {
    if (!(error instanceof NotLikeThat)) throw error
  })
  const renamed = await films.countBy({ title: Like('Star Trek%!') })
  screen.print(`  meanwhile ${renamed} films get other titles, one is deleted, and one change is rolled back`)
}

async function finish(worker: Worker, dataSource: DataSource): Promise<void> {
  await until(async () => (await outboxOf(dataSource).status()).messages === 0, worker)
  const code = await worker.end('SIGTERM')
  screen.print(`  the worker is started again, handles what is left and is told to end: it does, with ${code}`)
}

async function compare(dataSource: DataSource, file: string): Promise<boolean> {
  const { titles } = readIndex(file)
  const films = await dataSource.getRepository(Film).find({ select: { id: true, title: true } })
  const isEqual = titles.size === films.length && films.every(({ id, title }) => titles.get(String(id)) === title)
  screen.print(`  the index holds ${titles.size} films, the table ${films.length}; ${isEqual ? 'each with the same title' : 'they differ'}`)
  return isEqual
}

const PATIENCE_MS = 60_000

/** @throws When the worker ends before, or takes too long. */
async function until(isReached: () => boolean | Promise<boolean>, worker: Worker): Promise<void> {
  const end = Date.now() + PATIENCE_MS
  while (!(await isReached())) {
    worker.assertAlive()
    if (Date.now() > end) throw new Error('The worker does not get on')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
