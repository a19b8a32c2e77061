/**
 * SQLite's way to read the rows of an audit trail out of a JSON document.
 *
 * Invariant: `json_each` goes through a document in its order.
 *
 * @module
 */
import { memberText, type AuditDialect } from './audit-dialect.js'

const MEMBERS = ['e', 'o', 'k', 'c', 'r'].map((name, place) => `json_extract(value, '$[${place}]') AS ${name}`)

export const sqliteAudit: AuditDialect = {
  maxTextLength: 4_000_000,
  noJson: 'NULL',
  placeholder: () => '?',
  text: (parameter) => parameter,
  pairText: memberText,
  pairs: (texts) => `{${texts.join()}}`,
  fromPairs: (parameter) => `(SELECT key AS k, value AS c FROM json_each(${parameter})) AS v`,
  fromLists: (parameter) => `(SELECT ${MEMBERS.join(', ')} FROM json_each(${parameter})) AS v`,
}
