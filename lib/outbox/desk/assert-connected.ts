/**
 * Refuses DataSources that are not connected, as TypeORM does.
 *
 * Invariant: the error is TypeORM's own; its drivers themselves say different things, some of them nothing of it.
 *
 * @module
 */
import { CannotExecuteNotConnectedError, type DataSource } from 'typeorm'

const NotConnected = CannotExecuteNotConnectedError as new (connection?: string) => Error // 1.x knows no name

/** @throws {CannotExecuteNotConnectedError} */
export function assertConnected(dataSource: DataSource): void {
  if (!dataSource.isInitialized) throw new NotConnected((dataSource as { readonly name?: string }).name)
}
