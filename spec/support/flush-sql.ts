/**
 * The writes a flush sent, as a plan words them: kind and table, neighbours of one sort together.
 *
 * @module
 */
import type { FlushPlan } from 'flushpoint'
import type { Recording } from './databases.js'
import { plainSql } from './plain-sql.js'

export interface WriteRun {
  readonly write: string
  /** How many statements. */
  readonly count: number
}

const WRITE = /^\s*(insert into|update|delete from)\s+([\w"`.]+)/i
const VERBS: Readonly<Record<string, string>> = { 'insert into': 'insert', update: 'update', 'delete from': 'delete' }

/** Reads and transaction statements left out. */
export function sentRuns(recording: Recording): WriteRun[] {
  const writes = recording.sql().flatMap((sql) => {
    const [, verb, table] = WRITE.exec(plainSql(sql)) ?? []
    return verb === undefined ? [] : [{ write: `${VERBS[verb.toLowerCase()]!} ${bare(table!)}`, count: 1 }]
  })
  return merged(writes)
}

const KINDS = {
  insert: 'insert',
  link: 'insert',
  delete: 'delete',
  unlink: 'delete',
  update: 'update',
  softRemove: 'update',
  recover: 'update',
}

/** What {@link sentRuns} will be if the plan tells the truth: a step that goes row by row has a statement for each row. */
export function plannedRuns({ steps }: FlushPlan): WriteRun[] {
  return merged(
    steps.map(({ kind, table, path, rows }) => ({ write: `${KINDS[kind]} ${bare(table)}`, count: path === 'row' ? rows.length : 1 })),
  )
}

function bare(table: string): string {
  return table.replace(/["`]/g, '').split('.').at(-1)!
}

function merged(runs: readonly WriteRun[]): WriteRun[] {
  const result: WriteRun[] = []
  for (const run of runs) {
    const last = result.at(-1)
    if (last?.write === run.write) result[result.length - 1] = { write: run.write, count: last.count + run.count }
    else result.push(run)
  }
  return result
}
