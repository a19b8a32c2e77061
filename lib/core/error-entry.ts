/**
 * One entry of the error catalogue.
 *
 * Invariant: an entry makes its message of plain data, and names what is to be done about it.
 *
 * @module
 */
export interface ErrorEntry<Data> {
  readonly message: (data: Data) => string
  readonly fix: string
}

export const entry = <Data>(message: (data: Data) => string, fix: string): ErrorEntry<Data> => ({ message, fix })
export const nearestOf = (nearest: string | undefined) => (nearest === undefined ? '' : `; did you mean "${nearest}"?`)
