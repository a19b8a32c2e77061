/**
 * Act 12: the catalogue as JSON files that follow its changes, and the story of one film, from the audit trail that was kept all along.
 *
 * @module
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { install, withContext, withSession } from 'flushpoint'
import { auditOf, ChangeCache, dumpCache, dumpData, type AuditedChange, type DumpReport } from 'flushpoint/extensions'
import type { DataSource } from 'typeorm'
import { Film } from '../entities/film.js'
import { ada, ben } from '../people.js'
import { screen } from '../report/screen.js'
import { printTable } from '../report/tables.js'

/** Whether the file of the film tells what its row tells in the end. */
export async function showHistory(dataSource: DataSource): Promise<boolean> {
  const dir = mkdtempSync(join(tmpdir(), 'flushpoint-films-'))
  try {
    // #region dump
    const dumped = await dumpData(dataSource, dir, { exclude: ['AuditEntry'] })
    // #endregion
    printDump(dumped)
    const film = await dataSource.getRepository(Film).findOneByOrFail({ title: 'Seven' })
    const file = await followChanges(dataSource, { dir, id: film.id })
    await printHistory(dataSource, film.id)
    return await agrees(dataSource, { path: join(dir, file), id: film.id })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function printDump({ models, rows }: DumpReport): void {
  const parts = models.map(({ model, rows: count }) => `${count} of ${model}`)
  screen.print(`  ${rows} rows are ${rows} JSON files: ${parts.join(', ')}`)
}

/** @returns The path of the film's file, in the folder. */
async function followChanges(dataSource: DataSource, { dir, id }: { readonly dir: string; readonly id: number }): Promise<string> {
  // #region follow
  const uninstall = install(dataSource, { extensions: [ChangeCache.with({ roots: [Film] })] })
  try {
    await withContext({ actor: ben }, () =>
      withSession(dataSource, async (session) => {
        const film = await session.getOrFail(Film, id)
        film.title = 'Seven Sins'
        film.mpaaRating = 'NC-17'
      }),
    )
  } finally {
    uninstall()
  }
  const { renamed } = await dumpCache({ dir })
  // #endregion
  for (const { from, to } of renamed) screen.print(`  a commit later, ${from} is ${to}`)
  return renamed[0]!.to
}

async function printHistory(dataSource: DataSource, id: number): Promise<void> {
  // #region history
  await withContext({ actor: ada }, () =>
    withSession(dataSource, async (session) => {
      const audit = auditOf(session)
      const [last] = await audit.history(Film, id, { limit: 1 })
      if (last !== undefined) await audit.revert(last)
    }),
  )
  const history = await auditOf(dataSource).history(Film, id)
  const first = await auditOf(dataSource).asOf(Film, id, history.at(-1)!)
  // #endregion
  screen.print('', '  Ada takes the last change back. The film, from its first day on:')
  printTable(
    ['who', 'did', 'what'],
    [...history].reverse().map((change) => [change.actor ?? '–', change.operation, told(change)]),
  )
  screen.print(`  On its first day it was called ${JSON.stringify(first?.title)}.`)
}

function told({ operation, changes }: AuditedChange): string {
  if (operation === 'insert') return `${Object.keys(changes).length} columns`
  return Object.entries(changes)
    .map(([path, { from, to }]) => `${path}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`)
    .join('\n')
}

/** The file was written before the change was taken back. */
async function agrees(dataSource: DataSource, { path, id }: { readonly path: string; readonly id: number }): Promise<boolean> {
  const document = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Partial<Film>) : {}
  const row = await dataSource.getRepository(Film).findOneByOrFail({ id })
  return document.title === 'Seven Sins' && document.mpaaRating === 'NC-17' && row.title === 'Seven' && row.mpaaRating === 'R'
}
