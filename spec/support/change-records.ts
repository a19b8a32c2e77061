/**
 * What a change cache has recorded, and folders of files for it.
 *
 * @module
 */
import type { ChangeRecord, RecordCache } from 'flushpoint/extensions'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Keys and records, in the order of the keys. */
export async function entriesIn(cache: RecordCache): Promise<readonly (readonly [key: string, record: ChangeRecord])[]> {
  const found: [string, ChangeRecord][] = []
  for await (const [key, record] of cache.iterator!(undefined) as AsyncIterable<[string, ChangeRecord]>) found.push([key, record])
  return found.sort(([a], [b]) => (a < b ? -1 : 1))
}

export async function recordsIn(cache: RecordCache): Promise<readonly ChangeRecord[]> {
  return (await entriesIn(cache)).map(([, record]) => record)
}

/** `Article 1`, list by list. */
export function namesOf({ created, updated, deleted }: ChangeRecord) {
  const names = (rows: readonly { readonly model: string; readonly id: string }[]) => rows.map(({ model, id }) => `${model} ${id}`)
  return { created: names(created), updated: names(updated), deleted: names(deleted) }
}

const folders: string[] = []

/** An empty folder, gone after the test. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flushpoint-dump-'))
  folders.push(folder)
  return folder
}

/** What is in a folder, by path; hidden folders are left out. */
export async function filesIn(folder: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {}
  for (const model of (await readdir(folder)).sort()) {
    if (model.startsWith('.')) continue
    for (const name of (await readdir(join(folder, model))).sort())
      found[`${model}/${name}`] = await readFile(join(folder, model, name), 'utf8')
  }
  return found
}

afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
})
