/**
 * Prints every hook as it is called, at both levels, with the statements between them. Hooks may be class fields, too.
 *
 * @module
 */
import { MapperExtension, SessionExtension, type BulkStatement, type Change, type EntityState, type TransactionScope } from 'flushpoint'
import { counted } from '../report/changes.js'
import { timeline } from '../report/timeline.js'

export class Timeline extends SessionExtension {
  override afterBegin = ({ kind }: TransactionScope) => timeline.note('afterBegin', kind)
  override beforeFlush = () => timeline.note('beforeFlush', this.session.uow)
  override beforeInsert = (entity: object) => timeline.note('  beforeInsert', entity)
  override beforeUpdate = (entity: object, state: EntityState) => timeline.note('  beforeUpdate', entity, changed(state))
  override beforeDelete = (entity: object) => timeline.note('  beforeDelete', entity)
  override afterInsert = (entity: object) => timeline.note('  afterInsert', entity)
  override afterUpdate = (entity: object, state: EntityState) => timeline.note('  afterUpdate', entity, changed(state))
  override afterDelete = (entity: object) => timeline.note('  afterDelete', entity)
  override afterFlush = () => timeline.note('afterFlush')
  override beforeBulk = ({ kind, target }: BulkStatement) => timeline.note('beforeBulk', kind, nameOf(target))
  override afterBulk = ({ affected }: BulkStatement) => timeline.note('afterBulk', `${affected} rows`)
  override beforeCommit = () => timeline.note('beforeCommit')
  override afterCommit = (changes: readonly Change[]) => timeline.note('afterCommit', counted(changes))
  override afterRollback = (changes: readonly Change[], { kind }: TransactionScope) =>
    timeline.note('afterRollback', kind, counted(changes))
}

/** The same for one entity class; stands last in its list. */
export class MapperTimeline extends MapperExtension<object> {
  override beforeInsert = (entity: object) => timeline.note('    beforeInsert', 'mapper', entity)
  override beforeUpdate = (entity: object, state: EntityState) => timeline.note('    beforeUpdate', 'mapper', entity, changed(state))
  override beforeDelete = (entity: object) => timeline.note('    beforeDelete', 'mapper', entity)
  override afterInsert = (entity: object) => timeline.note('    afterInsert', 'mapper', entity)
  override afterUpdate = (entity: object, state: EntityState) => timeline.note('    afterUpdate', 'mapper', entity, changed(state))
  override afterDelete = (entity: object) => timeline.note('    afterDelete', 'mapper', entity)
}

function changed(state: EntityState): string {
  const names = Object.keys(state.entity)
  return names.filter((name) => state.changed(name)).join(', ')
}

function nameOf(target: BulkStatement['target']): string {
  return typeof target === 'string' ? target : target.name
}
