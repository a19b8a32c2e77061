/**
 * A table as a text that is the same as long as the table is.
 *
 * Knows no database: what a column's type is called it asks the driver. Invariant: the text does not depend on the order in which the
 * database tells columns and constraints.
 *
 * @module
 */
import type { Driver } from 'typeorm/driver/Driver.js'
import type { Table, TableColumn, TableForeignKey, TableIndex } from 'typeorm'
import { tableNameOf } from '../core/table-name.js'

/**
 * Key columns first, then the others by name; then constraints and indices by their columns. Names are quoted as in standard SQL, on every
 * database.
 */
export function schemaText(table: Table, driver: Driver): string {
  const key = table.columns.filter(({ isPrimary }) => isPrimary).sort(byName)
  const others = table.columns.filter(({ isPrimary }) => !isPrimary).sort(byName)
  const lines = [
    ...[...key, ...others].map((column) => columnText(column, driver)),
    ...(key.length === 0 ? [] : [`PRIMARY KEY ${list(key.map(({ name }) => name))}`]),
    ...table.uniques
      .map(({ name, columnNames, deferrable }) => join('UNIQUE', quote(name), list(columnNames), deferrableText(deferrable)))
      .sort(),
    ...table.checks.map(({ name, expression }) => join('CHECK', quote(name), expression ?? '')).sort(),
    ...table.exclusions.map(({ name, expression }) => join('EXCLUDE', quote(name), expression ?? '')).sort(),
    ...table.indices.map(indexText).sort(),
    ...table.foreignKeys.map((foreignKey) => foreignKeyText(foreignKey, driver)).sort(),
  ]
  return join(`TABLE ${quote(nameOf(driver, table))} (\n${lines.map((line) => `  ${line}`).join(',\n')}\n)`, commentText(table.comment))
}

function nameOf(driver: Driver, target: Table | TableForeignKey): string {
  return tableNameOf(driver.parseTableName(target), driver).table
}

function columnText(column: TableColumn, driver: Driver): string {
  return join(
    quote(column.name),
    driver.createFullType(column),
    (column.enum as string[] | undefined)?.length ? `(${column.enum!.map(literal).join(', ')})` : '',
    (column as { zerofill?: boolean }).zerofill ? 'ZEROFILL' : column.unsigned ? 'UNSIGNED' : '',
    column.charset ? `CHARACTER SET ${column.charset}` : '',
    column.collation ? `COLLATE ${column.collation}` : '',
    column.isNullable ? 'NULL' : 'NOT NULL',
    column.isGenerated ? join('GENERATED', column.generationStrategy ?? '', column.generatedIdentity ?? '') : '',
    column.generatedType ? `AS (${column.asExpression ?? ''}) ${column.generatedType}` : '',
    defaultText(column.default),
    column.onUpdate ? `ON UPDATE ${column.onUpdate}` : '',
    column.srid === undefined ? '' : `SRID ${column.srid}`,
    commentText(column.comment),
  )
}

function indexText({ name, columnNames, isUnique, isSpatial, isFulltext, where }: TableIndex): string {
  const kind = join(isUnique ? 'UNIQUE' : '', isSpatial ? 'SPATIAL' : '', isFulltext ? 'FULLTEXT' : '', 'INDEX')
  return join(kind, quote(name), list(columnNames), where ? `WHERE ${where}` : '')
}

function foreignKeyText(foreignKey: TableForeignKey, driver: Driver): string {
  const { name, columnNames, referencedColumnNames, onDelete, onUpdate, deferrable } = foreignKey
  return join(
    'FOREIGN KEY',
    quote(name),
    list(columnNames),
    `REFERENCES ${quote(nameOf(driver, foreignKey))} ${list(referencedColumnNames)}`,
    actionText('DELETE', onDelete),
    actionText('UPDATE', onUpdate),
    deferrableText(deferrable),
  )
}

/** What databases do where nothing was said is told by some of them, and left out by others. */
function actionText(event: 'DELETE' | 'UPDATE', action: string | undefined): string {
  return action === undefined || action === 'NO ACTION' ? '' : `ON ${event} ${action}`
}

function deferrableText(deferrable: string | undefined): string {
  return deferrable ? `DEFERRABLE ${deferrable}` : ''
}

function defaultText(value: unknown): string {
  return value === undefined || value === null ? '' : `DEFAULT ${String(value)}`
}

function commentText(comment: string | undefined): string {
  return comment ? `COMMENT ${literal(comment)}` : ''
}

/** Sorted: not every database tells the order. */
function list(names: readonly string[]): string {
  return `(${[...names].sort().map(quote).join(', ')})`
}

function quote(name: string | undefined): string {
  return name ? `"${name.replaceAll('"', '""')}"` : ''
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ')
}

function byName(one: TableColumn, other: TableColumn): number {
  return one.name < other.name ? -1 : 1
}
