/**
 * How each contender sends: `open(receivers, model)` connects them in order to a signal of its own, about that class, and gives back what
 * sends a payload.
 *
 * Must not import flushpoint or a contender before it is asked for: each is measured in a process of its own.
 */
import { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import { types } from 'node:util'

const require = createRequire(import.meta.url)
const inContenders = createRequire(new URL('../contenders/package.json', import.meta.url))

const NAME = 'released'

export const SENDERS = {
  signal: () => openSignals((signal) => (payload) => signal.send(payload)),
  control: () => openSignals((signal) => (payload) => signal.send(payload)),
  dispatch: () => openSignals((signal) => (payload) => signal.dispatch(payload)),
  model: openModelSignals,
  loop: () =>
    openEmitters((emitter) => async (payload) => {
      for (const listener of emitter.listeners(NAME)) await listener(payload)
    }),
  emit: () => openEmitters((emitter) => (payload) => emitter.emit(NAME, payload)),
  emittery: openEmittery,
  tapable: openTapable,
}

function openSignals(sendOf) {
  const { Signal } = require('flushpoint/signals')
  return (receivers) => {
    const signal = new Signal(NAME)
    for (const receiver of receivers) signal.connect(receiver)
    return sendOf(signal)
  }
}

function openModelSignals() {
  const { signalsOf } = require('flushpoint/signals')
  const { EntitySchema } = require('typeorm')
  return (receivers, model) => {
    const schema = new EntitySchema({ name: 'Article', target: model, columns: { id: { type: 'integer', primary: true } } })
    const signal = signalsOf(schema).define(NAME)
    for (const receiver of receivers) signal.connect(receiver)
    return (payload) => signal.send(payload)
  }
}

function openEmitters(sendOf) {
  return (receivers) => {
    const emitter = new EventEmitter()
    for (const receiver of receivers) emitter.on(NAME, receiver)
    return sendOf(emitter)
  }
}

async function openEmittery() {
  const { default: Emittery } = await import(inContenders.resolve('emittery'))
  return (receivers) => {
    const emitter = new Emittery()
    for (const receiver of receivers) emitter.on(NAME, receiver)
    return (payload) => emitter.emitSerial(NAME, payload)
  }
}

/** It has to be told which receivers answer with a promise. */
function openTapable() {
  const { AsyncSeriesHook } = inContenders('tapable')
  return (receivers) => {
    const hook = new AsyncSeriesHook(['payload'])
    for (const receiver of receivers) {
      if (types.isAsyncFunction(receiver)) hook.tapPromise(NAME, receiver)
      else hook.tap(NAME, receiver)
    }
    return (payload) => hook.promise(payload)
  }
}
