/** Who is measured with which receivers. */
import { existsSync } from 'node:fs'

/** Those whose answer has to be awaited give a promise always; the others, none while receivers are synchronous. */
export const TITLES = {
  signal: { title: 'new Signal().send', isAwaited: true },
  control: { title: 'the same again (A/A control)', isAwaited: true },
  model: { title: 'signalsOf(Model).x.send', isAwaited: true },
  loop: { title: 'EventEmitter, a loop that awaits', isAwaited: true },
  emittery: { title: 'emittery, emitSerial', isAwaited: true },
  tapable: { title: 'tapable, AsyncSeriesHook.promise', isAwaited: true },
  dispatch: { title: 'new Signal().dispatch', isAwaited: false },
  emit: { title: 'EventEmitter, emit', isAwaited: false },
}

export const CASES = Object.fromEntries(
  [false, true].flatMap((isAsync) =>
    [0, 1, 10].map((receivers) => [
      `${isAsync ? 'async' : 'sync'}-${receivers}`,
      { receivers, isAsync, title: `${receivers} ${isAsync ? 'async' : 'synchronous'} receiver${receivers === 1 ? '' : 's'}` },
    ]),
  ),
)

/** Who does not wait is not measured with those that have to be waited for. */
export function takesPart(name, { isAsync }) {
  return TITLES[name].isAwaited || !isAsync
}

export function contendersHere(wanted) {
  for (const name of wanted)
    if (!(name in TITLES)) throw new RangeError(`Cannot measure "${name}": choose of ${Object.keys(TITLES).join(', ')}`)
  const isMissing = (name) =>
    ['emittery', 'tapable'].includes(name) && !existsSync(new URL(`../contenders/node_modules/${name}`, import.meta.url))
  return { names: wanted.filter((name) => !isMissing(name)), missing: wanted.filter(isMissing) }
}
