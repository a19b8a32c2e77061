/**
 * The names of all hooks, by level.
 *
 * Knows no behaviour. Invariant: a hook exists exactly if its name is here; a spec compares these lists with the two base classes.
 *
 * @module
 */
const ENTITY_HOOKS = [
  'beforeInsert',
  'afterInsert',
  'beforeUpdate',
  'afterUpdate',
  'beforeDelete',
  'afterDelete',
  'beforeSoftRemove',
  'afterSoftRemove',
  'beforeRecover',
  'afterRecover',
  'afterLoad',
  'beforeBulk',
  'afterBulk',
] as const

export const MAPPER_HOOKS = ENTITY_HOOKS

export const SESSION_HOOKS = [
  ...ENTITY_HOOKS,
  'beforeFlush',
  'beforeWrite',
  'afterFlush',
  'afterBegin',
  'beforeCommit',
  'afterCommit',
  'afterRollback',
  'afterSchemaChange',
  'afterAttach',
  'afterDetach',
  'cursorCreated',
  'beforeCursorNext',
  'afterCursorNext',
] as const
