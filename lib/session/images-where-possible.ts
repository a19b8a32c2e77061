/**
 * Asks a statement by query for its rows, and goes without where they cannot be told.
 *
 * Invariant: a statement is sent all the same; what else fails is not hidden.
 *
 * @module
 */
import { hasErrorCode } from '../core/errors.js'
import type { BulkImages, BulkStatement } from '../mapper/bulk-statement.js'

/** To be called in beforeBulk. @throws {SessionError} BULK_IMAGES_TOO_LATE */
export function wantImagesWherePossible(statement: BulkStatement, images: BulkImages): void {
  try {
    statement.wantImages(images)
  } catch (error) {
    if (!hasErrorCode(error, 'BULK_IMAGES_UNSUPPORTED')) throw error
  }
}
