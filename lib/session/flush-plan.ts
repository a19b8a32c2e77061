/**
 * What the next flush would send, as plain data that prints itself.
 *
 * Made from the same plan a flush is made from. Invariant: making it sends nothing, runs no hook and changes no entity.
 *
 * @module
 */
import type { FlushPlan, PlanStep } from '../mapper/unit-of-work.js'
import type { Draft } from './draft.js'
import type { Persistence, StepText, WriteRow, WriteStep } from './persistence.js'
import { PlanRows, type PlannedRows } from './plan-rows.js'
import type { SessionWork } from './session-work.js'
import { WorkPlan } from './work-plan.js'

export function planOf(work: SessionWork, persistence: Persistence): FlushPlan {
  const planned = new PlanRows(new WorkPlan(work, {})).build()
  const texts = persistence.explain(planned.steps)
  const draftOf = draftsByRow(planned)
  return new PrintedPlan(texts.map((text) => planStep(text, draftOf)))
}

function draftsByRow({ steps, draftsOf }: PlannedRows): ReadonlyMap<WriteRow, Draft | undefined> {
  return new Map(steps.flatMap(({ rows }, step) => rows.map((row, index) => [row, draftsOf[step]![index]] as const)))
}

function planStep({ step, ...text }: StepText, draftOf: ReturnType<typeof draftsByRow>): PlanStep {
  const columns = step.relation === undefined ? columnsOf({ ...step, rows: text.rows }) : step.relation.columnNames
  const rows = text.rows.map((row) => {
    const draft = draftOf.get(row)
    return Object.freeze({ entity: row.entity, because: draft?.because ?? 'changed', properties: Object.freeze(Object.keys(row.values)) })
  })
  const { sql, parameters, path, reason } = text
  const table = step.relation?.junction?.table ?? step.map.table
  return Object.freeze({ kind: step.kind, table, columns, rows, sql, parameters, path, ...(reason === undefined ? {} : { reason }) })
}

/** As the database calls them. */
function columnsOf({ kind, map, rows }: WriteStep): readonly string[] {
  const names = new Map<string, readonly string[]>([
    ...map.columns.map(({ path, name }) => [path, [name]] as const),
    ...map.toOnes.map(({ path, columnNames }) => [path, columnNames] as const),
  ])
  const deleteDate = (kind === 'softRemove' || kind === 'recover') && map.deleteDate !== undefined ? [map.deleteDate.name] : []
  return [...new Set([...deleteDate, ...rows.flatMap((row) => Object.keys(row.values).flatMap((path) => names.get(path) ?? path))])]
}

const HEADINGS = ['#', 'step', 'table', 'rows', 'columns', 'because', 'path'] as const

class PrintedPlan implements FlushPlan {
  readonly steps: readonly PlanStep[]

  constructor(steps: readonly PlanStep[]) {
    this.steps = Object.freeze(steps)
    Object.freeze(this)
  }

  get isEmpty(): boolean {
    return this.steps.length === 0
  }

  toString(): string {
    if (this.isEmpty) return 'FlushPlan (nothing to write)'
    const lines = this.steps.map((step, index) => [
      String(index + 1),
      step.kind,
      step.table,
      String(step.rows.length),
      listed(step.columns),
      reasons(step),
      step.path,
    ])
    const widths = HEADINGS.map((heading, column) => Math.max(heading.length, ...lines.map((line) => line[column]!.length)))
    const printed = [HEADINGS, widths.map((width) => '-'.repeat(width)), ...lines].map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    return printed.join('\n')
  }
}

function listed(names: readonly string[]): string {
  const text = names.join(', ')
  return text.length > 48 ? `${text.slice(0, 45)}...` : text
}

/** "3 changed, 1 cascade" */
function reasons({ rows }: PlanStep): string {
  const counts = new Map<string, number>()
  for (const { because } of rows) counts.set(because, (counts.get(because) ?? 0) + 1)
  return [...counts].map(([because, count]) => (counts.size === 1 ? because : `${count} ${because}`)).join(', ')
}
