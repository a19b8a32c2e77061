/**
 * Describes what a flush wrote, and what a transaction changed: row by row, old → new, or as numbers where that would be too much.
 *
 * @module
 */
import type { Change, FlushResult, RelationChange } from 'flushpoint'

const MOST_ROWS = 12
const SIGNS = { insert: '+', update: '~', delete: '-', softRemove: '-', recover: '+' }

export function counted(changes: readonly Change[]): string {
  return changes.length === 1 ? '1 change' : `${changes.length} changes`
}

export function describeChanges(changes: readonly Change[]): string[] {
  if (changes.length === 0) return ['    nothing']
  return changes.length > MOST_ROWS ? [`    ${countByTable(changes)}`] : changes.flatMap(describeChange)
}

export function describeResult({ inserted, updated, deleted, statements }: FlushResult): string {
  return `  ${inserted} inserted, ${updated} updated, ${deleted} deleted by ${statements} statements`
}

function describeChange({ kind, entity, changes, relations }: Change): string[] {
  const columns = kind === 'update' ? (Object.entries(changes) as [string, { from: unknown; to: unknown }][]) : []
  const collections = Object.entries(relations) as [string, RelationChange][]
  return [
    `    ${SIGNS[kind]} ${String(entity)}`,
    ...columns.map(([name, { from, to }]) => `        ${name}: ${describeValue(from)} → ${describeValue(to)}`),
    ...collections.map(([name, relation]) => `        ${name}: ${describeRelation(relation)}`),
  ]
}

function describeRelation({ added, removed }: RelationChange): string {
  return [...added.map((entity) => `+ ${String(entity)}`), ...removed.map((entity) => `- ${String(entity)}`)].sort().join(', ')
}

function describeValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function countByTable(changes: readonly Change[]): string {
  const counts = new Map<string, number>()
  for (const { kind, table } of changes) {
    const name = `${SIGNS[kind]} ${table}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].map(([name, count]) => `${name} ×${count}`).join(', ')
}
