/**
 * Statements for sets of rows, in the words of a statement for one row: verb and table first.
 *
 * @module
 */
const TABLE_EXPRESSION = /^WITH \w+ AS (?:MATERIALIZED )?\(.*?\) (?=(?:INSERT|UPDATE|DELETE) )/s
const JOINED = /^(UPDATE|DELETE t FROM|SELECT .*? FROM) JSON_TABLE\(.*?\) AS v STRAIGHT_JOIN /s

/** `WITH v AS (…) UPDATE "memo" AS t …` → `UPDATE "memo" AS t …` */
export function plainSql(sql: string): string {
  return sql.replace(TABLE_EXPRESSION, '').replace(JOINED, (_found, verb: string) => `${verb.replace('DELETE t', 'DELETE')} `)
}
