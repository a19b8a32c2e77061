/**
 * Prints hooks and statements in the order they happen, where an act wants to show them.
 *
 * @module
 */
import type { Logger } from 'typeorm'
import { screen } from './screen.js'

export const timeline = {
  on: false,

  note(hook: string, ...details: readonly unknown[]): void {
    if (this.on) screen.print(`  │ ${hook.padEnd(18)}${details.map(String).filter(Boolean).join(': ')}`.trimEnd())
  },
}

/** Switches the timeline on while an act runs. */
export async function withTimeline<T>(act: () => Promise<T>): Promise<T> {
  timeline.on = true
  try {
    return await act()
  } finally {
    timeline.on = false
  }
}

/** A TypeORM logger that puts the statements that write, and those of transactions, between the hooks. */
export class StatementLines implements Logger {
  logQuery(sql: string): void {
    const statement = shortened(sql)
    if (statement !== undefined) timeline.note(`      ${statement}`)
  }

  log(level: 'log' | 'info' | 'warn', message: unknown): void {
    if (level === 'warn') screen.print(String(message))
  }

  logQueryError(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
}

/** Of many rows at once MariaDB names their source before the table. */
const MANY_ROWS = /^(UPDATE|DELETE t FROM) JSON_TABLE\(.*? STRAIGHT_JOIN /s

/** Each transaction writes the audit trail by one statement before its COMMIT, which would say the same each time. */
const AUDIT = 'audit_entry'

/** `UPDATE film` and the like, the same on every database; nothing for queries. */
function shortened(statement: string): string | undefined {
  const sql = statement.replace(MANY_ROWS, (_found, verb: string) => `${verb.replace(' t ', ' ')} `)
  const [, verb, table] = /^(INSERT INTO|UPDATE|DELETE FROM) (?:["`]\w+["`]\.)?["`](\w+)["`]/.exec(sql) ?? []
  if (verb !== undefined) return table === AUDIT ? undefined : `${verb} ${table}`
  if (/^(BEGIN|START TRANSACTION)/.test(sql)) return 'BEGIN'
  return /^(COMMIT|ROLLBACK|SAVEPOINT|RELEASE)/.test(sql) ? sql.replace(/ typeorm_\d+$/, '') : undefined
}
