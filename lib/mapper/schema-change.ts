/**
 * What an operation of a query runner has changed about one table.
 *
 * Types only; made in `typeorm`. Invariant: `kind` narrows the schemas: a table that was not there has none before, one that is gone none
 * after.
 *
 * @module
 */
export type SchemaChangeKind = 'createTable' | 'dropTable' | 'renameTable' | 'alterTable'

interface ChangeOfTable<K extends SchemaChangeKind, Before, After> {
  readonly kind: K
  /** The database the table is in, as the connection names it; of SQLite the name of the file, without folder and ending. */
  readonly database: string
  /** The table as it is called afterwards; with its schema in front (`audit.entry`) where that is not the connection's own. */
  readonly table: string
  /**
   * The table as a text: columns, primary key, constraints and indices in a fixed order. Made for comparing and showing, not for running.
   */
  readonly beforeSchema: Before
  /** As {@link beforeSchema}, afterwards. */
  readonly afterSchema: After
}

export interface TableCreated extends ChangeOfTable<'createTable', null, string> {
  readonly oldTable?: never
}

export interface TableDropped extends ChangeOfTable<'dropTable', string, null> {
  readonly oldTable?: never
}

export interface TableAltered extends ChangeOfTable<'alterTable', string, string> {
  readonly oldTable?: never
}

export interface TableRenamed extends ChangeOfTable<'renameTable', string, string> {
  /** What the table was called before. */
  readonly oldTable: string
}

export type SchemaChange = TableCreated | TableDropped | TableAltered | TableRenamed
