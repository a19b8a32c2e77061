/**
 * What a spec notes and what a data source sends, in one list.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { recordStatements } from './databases.js'

export interface Watch {
  /** Writes down that the spec has got here. */
  note(text: string): void
  /** Notes and what was sent between them: `BEGIN`, `article`, `COMMIT`. */
  lines(): string[]
}

export function watch(dataSource: DataSource): Watch {
  const recording = recordStatements(dataSource)
  const notes: { readonly at: number; readonly text: string }[] = []
  const sent = () => recording.sql().map((sql) => briefly(sql))
  return {
    note: (text) => void notes.push({ at: recording.statements.length, text }),
    lines: () => {
      const all: (string | undefined)[] = []
      const statements = sent()
      for (let index = 0; index <= statements.length; index++)
        all.push(...notes.filter(({ at }) => at === index).map(({ text }) => text), statements[index])
      return all.filter((line) => line !== undefined)
    },
  }
}

/** Undefined for what only reads. */
function briefly(sql: string): string | undefined {
  if (/^(BEGIN|START)/.test(sql)) return 'BEGIN'
  const [, control, insert, update, remove] =
    /^(COMMIT|ROLLBACK TO|ROLLBACK|SAVEPOINT|RELEASE)|^INSERT INTO \W?(\w+)|^UPDATE \W?(\w+)|^DELETE FROM \W?(\w+)/.exec(sql) ?? []
  return control ?? insert ?? update ?? remove
}
