/**
 * Tells what each transaction changed, old → new, once it is committed; and what was undone when it is not.
 *
 * @module
 */
import { SessionExtension, type Change, type TransactionScope } from 'flushpoint'
import { counted, describeChanges } from '../report/changes.js'
import { screen } from '../report/screen.js'

// #region change-log
export class ChangeLog extends SessionExtension {
  planned = 0

  override afterBegin({ kind }: TransactionScope) {
    if (kind === 'transaction') this.planned = 0 // a session that is kept has one after another
  }

  // #region before-flush
  override beforeFlush() {
    const { new: added, dirty, deleted } = this.session.uow // complete: cascaded entities included
    this.planned += added.size + dirty.size + deleted.size
  }
  // #endregion

  // #region after-commit
  override afterCommit(changes: readonly Change[]) {
    const { actor } = this.session.context
    screen.print(`  committed by ${actor}: ${counted(changes)} (beforeFlush saw ${this.planned})`, ...describeChanges(changes))
  }
  // #endregion

  // #region after-rollback
  override afterRollback(changes: readonly Change[], scope: TransactionScope) {
    screen.print(`  undone with the ${scope.kind}: ${counted(changes)}`, ...describeChanges(changes))
  }
  // #endregion
}
// #endregion
