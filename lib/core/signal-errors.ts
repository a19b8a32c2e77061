/**
 * The part of the error catalogue that signals throw.
 *
 * Invariant: as in `errors.ts`, of which it is a part.
 *
 * @module
 */
import { entry, nearestOf } from './error-entry.js'

export const SIGNAL_ERRORS = {
  SIGNAL_RECEIVER_INVALID: entry<{ readonly signal: string; readonly given: string }>(
    ({ signal, given }) => `Cannot connect to ${signal}: wanted is a function of one payload object, current value is ${given}`,
    'pass a function like ({ sender, instance }) => { … }; for a method use connect(owner, "method"), which must be there',
  ),
  SIGNAL_SENDER_INVALID: entry<{ readonly signal: string; readonly given: string }>(
    ({ signal, given }) => `Cannot use ${signal}: its sender must be an entity class, current value is ${given}`,
    'pass a class that TypeORM maps, its EntitySchema, a list of them, or anyModel; a base class that is no entity itself needs { subclasses: true }; an EntitySchema must name its class as target, since signals are told by class',
  ),
  SIGNAL_SENDERS_EMPTY: entry<{ readonly signal: string }>(
    ({ signal }) => `Cannot connect to ${signal}: the list of senders is empty, wanted is one class at least`,
    'pass the classes whose instances the receiver is to hear of, or anyModel for all',
  ),
  SIGNAL_STATIC_ONLY: entry<{ readonly signal: string; readonly method: string }>(
    ({ signal, method }) => `Cannot connect ${method} to ${signal}: it is an instance method, wanted is a static one`,
    'make the method static, or connect the method of an object: signalsOf(Model).preSave.connect(object, "method")',
  ),
  SIGNAL_FIELD_UNKNOWN: entry<{ readonly field: string; readonly model: string; readonly nearest: string | undefined }>(
    ({ field, model, nearest }) => `Cannot watch "${field}" of ${model}: it is no column and no to-one${nearestOf(nearest)}`,
    'name a column, a to-one, or a column of an embedded object by its path ("address.city"); members of collections are told by postRelationAdd and postRelationRemove',
  ),
  SIGNALS_AWAIT_THEMSELVES: entry<Record<never, never>>(
    () => 'Cannot wait for signalsSettled() in a receiver of a change: it would wait for itself',
    'call it outside of receivers',
  ),
  SIGNAL_UNKNOWN: entry<{ readonly name: string; readonly model: string; readonly nearest: string | undefined }>(
    ({ name, model, nearest }) => `Cannot find the signal "${name}" of ${model}${nearestOf(nearest)}`,
    'use one of the signals there are, or make it first: signalsOf(Model).define("name")',
  ),
  SIGNAL_NAME_TAKEN: entry<{ readonly name: string }>(
    ({ name }) => `Cannot define the signal "${name}": signals of every model have something of that name`,
    'choose another name',
  ),
  SIGNAL_NAME_INVALID: entry<{ readonly given: string }>(
    ({ given }) => `Cannot define a signal: its name must be a text, current value is ${given}`,
    'give the name: signalsOf(Model).define("released")',
  ),
  SIGNAL_NOT_ASSIGNABLE: entry<{ readonly name: string }>(
    ({ name }) => `Cannot assign to the signal "${name}": signals are there from the beginning and stay what they are`,
    'connect the receiver: signalsOf(Model).preSave.connect(fn); a signal of your own is made by signalsOf(Model).define("name")',
  ),
} as const
