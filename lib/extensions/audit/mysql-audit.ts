/**
 * MySQL's and MariaDB's way to read the rows of an audit trail out of a JSON document.
 *
 * Invariant: `JSON_TABLE` goes through a document in its order; what it could not read would be NULL, which the table refuses.
 *
 * @module
 */
import type { AuditDialect } from './audit-dialect.js'

const text = (name: string, length: number, place: number) =>
  `${name} VARCHAR(${length}) CHARACTER SET utf8mb4 PATH '$[${place}]' ERROR ON ERROR`
const long = (name: string, place: number) => `${name} LONGTEXT CHARACTER SET utf8mb4 PATH '$[${place}]' ERROR ON ERROR`
const json = (name: string, place: number) => `${name} JSON PATH '$[${place}]'`

export const mysqlAudit: AuditDialect = {
  /** The driver writes the values into the text, and a quote becomes up to two characters on the way there. */
  maxTextLength: 1_500_000,
  noJson: 'NULL',
  fragile: /\\u0000|\\ud[89a-f]/, // NUL and half characters
  placeholder: () => '?',
  text: (parameter) => parameter,
  pairText: ({ key, changes }) => `[${JSON.stringify(key)},${changes}]`,
  pairs: (texts) => `[${texts.join()}]`,
  fromPairs: (parameter) => `JSON_TABLE(${parameter}, '$[*]' COLUMNS (${text('k', 255, 0)}, ${json('c', 1)})) AS v`,
  fromLists: (parameter) =>
    `JSON_TABLE(${parameter}, '$[*]' COLUMNS (${text('e', 255, 0)}, ${text('o', 10, 1)}, ${text('k', 255, 2)}, ${long('c', 3)}, ${long('r', 4)})) AS v`,
}
