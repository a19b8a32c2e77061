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
import { connectTo } from './connectors.js'
import { SignalFamily } from './model-signal.js'
import type { Connect, FieldChange, FieldFilter, ModelConnectOptions } from './payloads.js'
import { senderOf } from './senders.js'

interface AnyFieldChange {
  readonly sender: EntityClass
  readonly instance: object
  readonly from: unknown
  readonly to: unknown
  readonly change: Change
}

const families = new Map<string, SignalFamily<AnyFieldChange>>()

/**
 * Connects to the net change of a field: after the outermost commit, once per row, whatever happened in between; nothing on rollback. A new
 * row counts as a change from undefined, a deleted one does not count; a to-one is told as the key it leads to. It cannot change the outcome:
 * all receivers run, and errors are reported to `onHookError`.
 *
 * @param filter The values the field must have had, and have; compared as columns are, dates and buffers by value, entities by key.
 * @throws {SignalDefinitionError} SIGNAL_SENDER_INVALID here, and for a class that is not mapped when a receiver is connected; then also
 *   SIGNAL_RECEIVER_INVALID · SIGNAL_STATIC_ONLY.
 * @example
 * onChange(User, 'email', { to: null })(({ instance, from }) => notify(instance, from))
 */
export function onChange<E extends object, F extends DataKeys<E> & keyof E & string>(
  sender: EntityRef<E>,
  field: F,
  filter: FieldFilter<E, F> & ModelConnectOptions = {},
): Connect<FieldChange<E, F>> {
  const { from: _from, to: _to, ...options } = filter
  const name = `onChange of ${field}`
  const signal = familyOf(field).of(senderOf(name, sender))
  const wanted = (['from', 'to'] as const).filter((side) => side in filter)
  const detail = Object.fromEntries(wanted.map((side) => [side, filter[side]]))
  const accepts = (change: AnyFieldChange) => wanted.every((side) => isMeant(change[side], filter[side]))
  const wrap = (receiver: Receiver<AnyFieldChange>) => ({ receiver, detail, accepts })
  return connectTo(name, [signal], { options, wrap }) as unknown as Connect<FieldChange<E, F>>
}

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

/** Calls the receivers of every field that has changed. @throws What they threw: all are called. */
export async function tellFields(changes: readonly Change[]): Promise<void> {
  const watched = [...families].filter(([, family]) => !family.isEmpty)
  if (watched.length === 0) return
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
