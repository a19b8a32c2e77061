/**
 * Asks for the rows behind every update by query, so that they appear in the change log like any other.
 *
 * @module
 */
import { SessionExtension, type BulkStatement } from 'flushpoint'

// #region want-images
export class RowImages extends SessionExtension {
  override beforeBulk(statement: BulkStatement) {
    if (statement.kind === 'update') statement.wantImages('both')
  }
}
// #endregion
