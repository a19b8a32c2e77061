/**
 * Which tables a statement of the data definition language is about, as its text tells.
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
  /** Further tables that it drops. */
  readonly others?: readonly string[]
  /** What the table is renamed to, without its schema. */
  readonly newName?: string
}

/** What the database makes of a name without quotes. */
export type Folding = (name: string) => string

const NAME = '(?:"(?:[^"]|"")+"|`[^`]+`|\\[[^\\]]+\\]|[\\p{L}\\p{N}_$]+)'
const PATH = `${NAME}(?:\\s*\\.\\s*${NAME})*`
const statement = (text: string) =>
  new RegExp(`^${text.replaceAll(' ', '\\s+').replaceAll('<name>', NAME).replaceAll('<path>', `(${PATH})`)}`, 'iu')

const ALTER = 'alter table (?:if exists )?(?:only )?<path>'
const INDEX = '(?:(?:unique|fulltext|spatial) )*index (?:concurrently )?(?:if not exists )?(?:<name> )?'
/** The first that fits counts. */
const FORMS: readonly (readonly [SchemaStatement['verb'], RegExp])[] = [
  ['alter', statement(`${ALTER} rename (?:to|as) <path>`)],
  ['alter', statement('rename table <path> to <path>')],
  ['alter', statement(ALTER)],
  ['create', statement('create (?:or replace )?(?:unlogged )?table (?:if not exists )?<path>')],
  ['drop', statement('drop table (?:if exists )?<path>')],
  ['alter', statement(`create ${INDEX}on (?:only )?<path>`)],
  ['alter', statement('drop index (?:if exists )?<name> on <path>')],
  ['alter', statement('(?:drop|alter) index ')],
  ['alter', statement('comment on table <path>')],
  ['alter', statement(`comment on column (${NAME}(?:\\s*\\.\\s*${NAME})*?)\\s*\\.\\s*<name> is`)],
]

const NOISE = /^(?:[\s;]|--[^\n]*|#[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\/)*/
const PROBABLE = /^(?:create|drop|alter|rename|comment)\b/i

/** What a statement is about; undefined for anything but the definition of tables and indices. Of several in one text the first counts. */
export function schemaStatementOf(text: string, fold: Folding = (name) => name): SchemaStatement | undefined {
  const sql = text.slice(NOISE.exec(text)![0].length)
  if (!PROBABLE.test(sql)) return undefined
  for (const [verb, form] of FORMS) {
    const found = form.exec(sql)
    if (found === null) continue
    const [all, ...paths] = found
    const [table, newName] = paths.map((path) => unquoted(path, fold))
    const others = verb === 'drop' ? listed(sql.slice(all.length)).map((path) => unquoted(path, fold)) : []
    if (![...(table ?? []), ...(newName ?? []), ...others.flat()].every(canBeAskedFor)) return undefined
    return {
      ...{ verb, table: table?.join('.') },
      ...(others.length === 0 ? {} : { others: others.map((path) => path.join('.')) }),
      ...(newName === undefined ? {} : { newName: newName.at(-1)! }),
    }
  }
  return undefined
}

const PARTS = new RegExp(NAME, 'gu')
const NEXT = new RegExp(`^\\s*,\\s*(${PATH})`, 'u')

function unquoted(path: string, fold: Folding): string[] {
  return (path.match(PARTS) ?? []).map((name) => (/^["`[]/.test(name) ? name.slice(1, -1).replaceAll('""', '"') : fold(name)))
}

/** The paths of a list that goes on with these words. */
function listed(text: string): string[] {
  const found = NEXT.exec(text)
  return found === null ? [] : [found[1]!, ...listed(text.slice(found[0].length))]
}

/** TypeORM takes paths apart at their dots, and writes names into its own statements as they are. */
function canBeAskedFor(name: string): boolean {
  return !/['.\\]/.test(name)
}
