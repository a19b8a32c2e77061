/**
 * What the tables of a session's entities are called where extensions tell of them.
 *
 * Asks mappings alone. Invariant: a table goes by one name, whichever extension tells of it, and by that it is excluded.
 *
 * @module
 */
import { tableNameOf, type TableName } from '../core/table-name.js'
import type { Change } from '../mapper/change.js'
import type { Session } from '../mapper/session.js'

export class TableNames {
  readonly #session: Session
  readonly #names = new Map<Change['target'], TableName>()

  constructor(session: Session) {
    this.#session = session
  }

  /** The table of a class, or of an entity or junction by its name. */
  of(target: Change['target']): TableName {
    let name = this.#names.get(target)
    if (name === undefined) {
      const { dataSource } = this.#session
      name = tableNameOf(dataSource.driver.parseTableName(dataSource.getMetadata(target)), dataSource.driver)
      this.#names.set(target, name)
    }
    return name
  }
}
