/**
 * Where the databases differ in what an outbox asks of them.
 *
 * Knows no driver. Invariant: a value is bound, never written into the text.
 *
 * @module
 */
/** Collects the parameters of one statement. */
export interface Binding {
  /** Binds a value. @returns What stands for it in the text. */
  bind(value: unknown): string
}

/** Rows to insert: columns with one value for all rows, and columns with one for each. */
export interface InsertRows {
  readonly table: string
  readonly constants: Readonly<Record<string, unknown>>
  /** With the type PostgreSQL is to read them as. */
  readonly columns: readonly { readonly name: string; readonly type: 'text' | 'bigint' | 'int'; readonly values: readonly unknown[] }[]
  /** Whether rows that are there already are left as they are. */
  readonly ignoresExisting?: boolean
}

export interface OutboxDialect {
  /** How many rows one statement may insert. */
  readonly rowsPerInsert: number
  /** How many values one list may have. */
  readonly valuesPerList: number
  /** `column IN (values)`, for numbers or for texts. */
  among(binding: Binding, column: string, values: readonly (number | string)[]): string
  insert(binding: Binding, rows: InsertRows): string
  /** Behind `outbox_delivery`: that it is looked up by key. MariaDB takes the index for what is due, and reads all that waits for each row. */
  readonly byKey: string
  /** Behind a SELECT: its rows stay as they are until the transaction ends. */
  readonly forUpdate: string
}
