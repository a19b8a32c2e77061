/**
 * Says once that receivers wait for signals that nobody sends.
 *
 * Knows `ModelSignals` by what it was told. Invariant: says nothing where it is listed, or was ever built, or may come out of a factory;
 * nor before there was time for that.
 *
 * @module
 */
import { isClass } from '../core/describe-value.js'
import { warnOnce } from '../core/warn.js'
import { installedOnes, onInstalled, type Installed } from '../session/installed.js'
import { anyModel } from './payloads.js'
import type { Sender } from './senders.js'

type ExtensionClass = abstract new (...args: never[]) => object

let extension: ExtensionClass | undefined
let isBuilt = false

/** Milliseconds: programs connect receivers while they load, and list the extension, or open a session with it, a little later. */
const PATIENCE_MS = 10_000
let timer: NodeJS.Timeout | undefined
const waiting = new Set<Sender>()
let stopWaiting: (() => void) | undefined

/** @param sending The extension that sends the signals. */
export function watchListing(sending: ExtensionClass): void {
  extension = sending
}

/** It has been built for a session, however that came to know it. */
export function noteBuilt(): void {
  isBuilt = true
}

/**
 * Somebody has connected to a model. Some seconds later, or after a DataSource has come, it is told where the extension is not listed by then:
 * where DataSources are there that flushpoint is on, only of models that they map.
 */
export function warnIfUnlisted(sender: Sender): void {
  if (isListed()) return
  waiting.add(sender)
  if (timer === undefined) lookLater()
  stopWaiting ??= onInstalled(lookLater)
}

function lookLater(): void {
  clearTimeout(timer)
  timer = setTimeout(look, PATIENCE_MS).unref()
}

function look(): void {
  timer = undefined
  const installed = installedOnes()
  if (isListed()) stop()
  else if (installed.length === 0 || installed.some(isWaitedFor)) say()
}

function isWaitedFor({ dataSource }: Installed): boolean {
  return [...waiting].some(
    (sender) => sender === anyModel || dataSource.entityMetadatas.some(({ target }) => target === sender || isBelow(target, sender)),
  )
}

function isBelow(target: unknown, sender: Exclude<Sender, symbol>): boolean {
  return isClass(target) && target.prototype instanceof sender
}

function isListed(): boolean {
  return isBuilt || installedOnes().some(({ extensions }) => extensions.some(mayBeMeant))
}

/** What a factory builds is not known before it does. */
function mayBeMeant(input: object): boolean {
  const listed = 'extension' in input ? input.extension : input
  return !isClass(listed) || listed === extension || listed.prototype instanceof extension!
}

function stop(): void {
  stopWaiting?.()
  stopWaiting = undefined
  clearTimeout(timer)
  timer = undefined
  waiting.clear()
}

function say(): void {
  stop()
  warnOnce(
    'SIGNALS_UNLISTED',
    'signals',
    'Receivers were connected to model signals, but no DataSource lists the extension that sends them. Fix: sessionSubscriber({ extensions: [ModelSignals] }).',
  )
}
