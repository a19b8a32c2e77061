/**
 * Which classes a receiver is to hear of.
 *
 * Asks who knows them whether they are entities. Invariant: what is connected to is a class that TypeORM maps, a base class asked for with
 * its subclasses, or every model.
 *
 * @module
 */
import { describeValue, isClass } from '../core/describe-value.js'
import { SignalDefinitionError } from '../core/errors.js'
import type { EntityClass } from '../mapper/entity-types.js'
import { isEntityClass } from '../session/installed.js'
import { anyModel, type AnyModel } from './payloads.js'

export type Sender = EntityClass | AnyModel

/** Classes whose schema was given: no decorator tells of them, and no DataSource need be there yet. */
const withSchema = new WeakSet<object>()

/** @throws {SignalDefinitionError} SIGNAL_SENDERS_EMPTY · SIGNAL_SENDER_INVALID for the first that is none; then none is taken. */
export function sendersOf(signal: string, given: unknown): readonly Sender[] {
  const senders = Array.isArray(given) ? (given as readonly unknown[]) : [given]
  if (senders.length === 0) throw new SignalDefinitionError('SIGNAL_SENDERS_EMPTY', { signal })
  return [...new Set(senders.map((sender) => senderOf(signal, sender)))]
}

/** The class, also of an EntitySchema. @throws {SignalDefinitionError} SIGNAL_SENDER_INVALID */
export function senderOf(signal: string, given: unknown): Sender {
  if (given === anyModel || isClass(given)) return given as Sender
  if (!isSchema(given)) throw new SignalDefinitionError('SIGNAL_SENDER_INVALID', { signal, given: describeValue(given) })
  const { target } = given.options
  if (!isClass(target)) throw new SignalDefinitionError('SIGNAL_SENDER_INVALID', { signal, given: 'an EntitySchema without a target' })
  withSchema.add(target)
  return target as EntityClass
}

export function isSchema(given: unknown): given is { readonly options: { readonly target?: unknown } } {
  return (given as { '@instanceof'?: unknown } | null | undefined)?.['@instanceof'] === Symbol.for('EntitySchema')
}

/** @throws {SignalDefinitionError} SIGNAL_SENDER_INVALID for a class that no DataSource could map. */
export function assertEntity(signal: string, sender: Sender): void {
  if (sender === anyModel || withSchema.has(sender) || isEntityClass(sender)) return
  throw new SignalDefinitionError('SIGNAL_SENDER_INVALID', { signal, given: `${describeValue(sender)}, which is no mapped entity` })
}
