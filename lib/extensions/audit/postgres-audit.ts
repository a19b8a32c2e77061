/**
 * PostgreSQL's way to read the rows of an audit trail out of a JSON document.
 *
 * Invariant: what functions return is read in its order, and parts of a document are stored as they were sent.
 *
 * @module
 */
import { memberText, type AuditDialect } from './audit-dialect.js'

const MEMBERS = ['value ->> 0 AS e', 'value ->> 1 AS o', 'value ->> 2 AS k', '(value ->> 3)::json AS c', '(value ->> 4)::json AS r']

export const postgresAudit: AuditDialect = {
  maxTextLength: 4_000_000,
  noJson: 'NULL::json',
  fragile: /\\u0000|\\ud[89a-f]/, // NUL and half characters
  placeholder: (number) => `$${number}`,
  text: (parameter) => `${parameter}::text`,
  pairText: memberText,
  pairs: (texts) => `{${texts.join()}}`,
  fromPairs: (parameter) => `json_each(${parameter}::json) AS v(k, c)`,
  fromLists: (parameter) => `(SELECT ${MEMBERS.join(', ')} FROM json_array_elements(${parameter}::json)) AS v`,
}
