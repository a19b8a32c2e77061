/**
 * Receivers of the net change of one field, after the commit.
 *
 * Invariant: told once per row and transaction, with the values from before it and after it; a field that ended where it began is told nobody.
 *
 * @module
 */
import { isEqual } from '../core/is-equal.js'
import { messageOf } from '../core/errors.js'
import type { Receiver } from '../core/receiver.js'
import type { Outcome } from '../core/signal.js'
import type { Change } from '../mapper/change.js'
import type { DataKeys, EntityClass, EntityRef } from '../mapper/entity-types.js'
import type { Session } from '../mapper/session.js'
import { connectTo } from './connectors.js'
import { checkModelOptions, SignalFamily } from './model-signal.js'
import { anyModel, type Connect, type EmbeddedField, type FieldChange, type FieldFilter, type ModelConnectOptions } from './payloads.js'
import { senderOf } from './senders.js'
import { tellLater } from './telling.js'
import { assertField } from './watched-fields.js'

interface AnyFieldChange {
  readonly sender: EntityClass
  readonly instance: object
  readonly from: unknown
  readonly to: unknown
  readonly change: Change
}

const families = new Map<string, SignalFamily<AnyFieldChange>>()

interface OnChange {
  <E extends object, F extends EmbeddedField<E> & string>(
    sender: EntityRef<E>,
    field: F,
    filter?: FieldFilter<E, F> & ModelConnectOptions,
  ): Connect<FieldChange<E, F>>
  <E extends object, F extends DataKeys<E> & keyof E & string>(
    sender: EntityRef<E>,
    field: F,
    filter?: FieldFilter<E, F> & ModelConnectOptions,
  ): Connect<FieldChange<E, F>>
}

/**
 * Connects to the net change of a field: after the outermost commit, once per row, whatever happened in between; nothing on rollback. A new
 * row counts as a change from undefined, a deleted one does not count; a to-one is told as the key it leads to. Rows that a query has written
 * are told where their images were asked for: `preBulkUpdate(User)(({ statement }) => statement.wantImages('both'))`.
 *
 * Receivers cannot change the outcome and do not hold it up: they are called while the program goes on, outside of the transaction and its
 * session, with the context of whoever committed; one commit after another. All of them run, and errors are reported to `onHookError`.
 * `signalsSettled()` waits for them.
 *
 * @param field A column, a to-one, or a column of an embedded object: `address.city`.
 * @param filter The values the field must have had, and have; compared as columns are, dates and buffers by value, entities by key.
 * @throws {SignalDefinitionError} SIGNAL_SENDER_INVALID here, and for a class that is not mapped when a receiver is connected; then also
 *   SIGNAL_RECEIVER_INVALID · SIGNAL_STATIC_ONLY. SIGNAL_FIELD_UNKNOWN when a receiver is connected, or by `dataSource.initialize()` where
 *   the class is mapped later.
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 * @example
 * onChange(User, 'email', { to: null })(({ instance, from }) => notify(instance, from))
 */
export const onChange: OnChange = (<E extends object>(
  sender: EntityRef<E>,
  field: string,
  filter: FieldFilter<E, string> & ModelConnectOptions = {},
): Connect<AnyFieldChange> => {
  const { from: _from, to: _to, ...options } = (filter as typeof filter | null) ?? {}
  const name = `onChange of ${field}`
  checkModelOptions(name, filter === null ? filter : options)
  const model = senderOf(name, sender)
  const signal = familyOf(field).of(model)
  const wanted = (['from', 'to'] as const).filter((side) => side in filter)
  const detail = Object.fromEntries(wanted.map((side) => [side, filter[side]]))
  const accepts = (change: AnyFieldChange) => wanted.every((side) => isMeant(change[side], filter[side]))
  const wrap = (receiver: Receiver<AnyFieldChange>) => ({ receiver, detail, accepts })
  const assertMore = ({ subclasses = false }: ModelConnectOptions) => {
    if (model !== anyModel) assertField({ sender: model, field, subclasses, isWatched: () => signal.connected.length > 0 })
  }
  return connectTo(name, [signal], { options, wrap, assertMore })
}) as OnChange

/** Changes tell to-ones as plain keys, and filters may name the entity. */
function isMeant(value: unknown, wanted: unknown): boolean {
  if (isEqual(value, wanted)) return true
  if (!isPlain(value) || typeof wanted !== 'object' || wanted === null || isPlain(wanted)) return false
  const parts = Object.entries(value)
  return parts.length > 0 && parts.every(([part, known]) => isEqual(known, (wanted as Readonly<Record<string, unknown>>)[part]))
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** Lets the receivers of every field that has changed be called. Never throws. */
export function tellFields(
  changes: readonly Change[],
  { session, extension }: { readonly session: Session; readonly extension: object },
): void {
  const watched = [...families].filter(([, family]) => !family.isEmpty)
  if (watched.length === 0) return
  const onError = (error: unknown) => session.reportError(error, { hook: 'afterCommit', extension })
  tellLater(() => tellAll(changes, watched), { context: session.context, onError })
}

/** @throws What receivers threw: all are called. */
async function tellAll(changes: readonly Change[], watched: readonly (readonly [string, SignalFamily<AnyFieldChange>])[]): Promise<void> {
  const errors: unknown[] = []
  for (const change of changes) {
    for (const [field, family] of watched) {
      const outcomes = await tellField(change, { field, family })
      for (const outcome of outcomes) if ('error' in outcome) errors.push(outcome.error)
    }
  }
  if (errors.length === 1) throw errors[0] as Error // as thrown
  if (errors.length > 1) throw new AggregateError(errors, errors.map(messageOf).join('; '))
}

async function tellField(
  change: Change,
  { field, family }: { readonly field: string; readonly family: SignalFamily<AnyFieldChange> },
): Promise<readonly Outcome[]> {
  const { target, entity } = change
  if (typeof target === 'string' || family.receiversFor(target).length === 0) return []
  const changed = (change.changes as Readonly<Record<string, { from: unknown; to: unknown } | undefined>>)[field]
  return changed === undefined ? [] : family.of(target).sendRobust({ sender: target, instance: entity as object, ...changed, change })
}

function familyOf(field: string): SignalFamily<AnyFieldChange> {
  let family = families.get(field)
  if (family === undefined) families.set(field, (family = new SignalFamily(`onChange of ${field}`)))
  return family
}
