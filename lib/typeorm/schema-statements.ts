/**
 * Which table a statement of the data definition language is about, as its text tells.
 *
 * Knows no database, and of SQL only how such statements begin. Invariant: what it does not recognise is about no table; what it does may
 * still turn out to have changed nothing.
 *
 * @module
 */
export interface SchemaStatement {
  readonly verb: 'create' | 'drop' | 'alter'
  /** The path of the table, without quotes; undefined where the statement names an index alone. */
  readonly table: string | undefined
  /** What the table is renamed to, without its schema. */
  readonly newName?: string
}

const NAME = '(?:"(?:[^"]|"")+"|`[^`]+`|\\[[^\\]]+\\]|[\\w$]+)'
const PATH = `(${NAME}(?:\\s*\\.\\s*${NAME})*)`
const statement = (text: string) => new RegExp(`^\\s*${text.replaceAll(' ', '\\s+').replaceAll('<path>', PATH)}`, 'i')

const ALTER = 'alter table (?:if exists )?(?:only )?<path>'
/** The first that fits counts. */
const FORMS: readonly (readonly [SchemaStatement['verb'], RegExp])[] = [
  ['alter', statement(`${ALTER} rename (?:to|as) <path>`)],
  ['alter', statement('rename table <path> to <path>')],
  ['alter', statement(ALTER)],
  ['create', statement('create table (?:if not exists )?<path>')],
  ['drop', statement('drop table (?:if exists )?<path>')],
  [
    'alter',
    statement(`create (?:(?:unique|fulltext|spatial) )*index (?:concurrently )?(?:if not exists )?(?:${NAME} )?on (?:only )?<path>`),
  ],
  ['alter', statement(`drop index (?:if exists )?${NAME} on <path>`)],
  ['alter', statement('drop index ')],
]

const PROBABLE = /^\s*(?:create|drop|alter|rename)\b/i

/** What a statement is about; undefined for anything but the definition of tables and indices. */
export function schemaStatementOf(sql: string): SchemaStatement | undefined {
  if (!PROBABLE.test(sql)) return undefined
  for (const [verb, form] of FORMS) {
    const found = form.exec(sql)
    if (found === null) continue
    const [, table, newName] = found
    const named = newName === undefined ? {} : { newName: unquoted(newName).at(-1)! }
    return { verb, table: table === undefined ? undefined : unquoted(table).join('.'), ...named }
  }
  return undefined
}

const PARTS = new RegExp(NAME, 'g')

function unquoted(path: string): string[] {
  return (path.match(PARTS) ?? []).map((name) => (/^\w/.test(name) ? name : name.slice(1, -1).replaceAll('""', '"')))
}
