/**
 * The relay that runs beside the program by itself.
 *
 * Invariant: one for each time a DataSource that lists an outbox with an embedded worker is connected; once stopped by somebody, it stays so.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { messageOf } from '../core/errors.js'
import { warn } from '../core/warn.js'
import { outsideOfWork } from '../events/open-work.js'
import { isConnected, onInstalled, onUninstalled, type Installed } from '../session/installed.js'
import { isOutbox, settingsOf } from './outbox-settings.js'
import { createRelay, type Relay } from './relay.js'
import { stopBeforeDestroy } from './relay/stop-before-destroy.js'

/** How often it is looked whether a DataSource is connected. */
const LOOK_MS = 50

const relays = new WeakMap<DataSource, Relay>()
/** Of those that are looked at: looks at once. */
const watched = new WeakMap<DataSource, () => void>()

/** The relay that runs, or ran last, in this process by itself, for its health and counters; undefined where none ever did. */
export function embeddedRelayOf(dataSource: DataSource): Relay | undefined {
  outsideOfWork(() => watched.get(dataSource)?.())
  return relays.get(dataSource)
}

const OFF = Symbol.for('flushpoint.no-embedded-relays')
const shared = globalThis as unknown as Record<symbol, true | undefined>

/** For programs that only look at an outbox, or whose work is a relay of their own. */
export function preventEmbeddedRelays(): void {
  shared[OFF] = true
}

/** Has DataSources get their relay when flushpoint is put on them, and lose it when it is taken off. */
export function startEmbeddedRelays(): void {
  onInstalled((installed) => outsideOfWork(() => watch(installed)))
  onUninstalled(({ dataSource }) => {
    if (watched.delete(dataSource)) void relays.get(dataSource)?.stop()
  })
}

function watch({ dataSource, extensions }: Installed): void {
  if (shared[OFF] === true || !extensions.some(isOutbox) || watched.has(dataSource)) return
  beginOnceConnected(dataSource)
}

/** Nothing tells when a DataSource connects, so it is looked at until it has; a DataSource that nobody uses any more is not kept for that. */
function beginOnceConnected(watchedOne: DataSource): void {
  const reference = new WeakRef(watchedOne)
  const look = () => {
    const dataSource = reference.deref()
    if (dataSource !== undefined && watched.get(dataSource) === look && !isConnected(dataSource)) return
    clearInterval(timer)
    if (dataSource === undefined || watched.get(dataSource) !== look) return
    watched.set(dataSource, () => {})
    if (settingsOf(dataSource)?.isEmbedded !== true) return
    begin(dataSource)
    beginAnewAfter(dataSource)
  }
  const timer = setInterval(look, LOOK_MS)
  timer.unref()
  watched.set(watchedOne, look)
}

function beginAnewAfter(dataSource: DataSource): void {
  const forget = stopBeforeDestroy(dataSource, {
    stop: () => Promise.resolve(),
    gone: () => {
      forget()
      if (watched.has(dataSource)) outsideOfWork(() => beginOnceConnected(dataSource))
    },
  })
}

/** A DataSource that was closed and connects anew gets another one. */
function begin(dataSource: DataSource): void {
  try {
    const relay = createRelay(dataSource, { keepsAlive: false })
    relays.set(dataSource, relay)
    relay.start().catch((error: unknown) => failed(error))
  } catch (error) {
    failed(error)
  }
}

function failed(error: unknown): void {
  warn('OUTBOX_RELAY_FAILED', `The embedded relay of an outbox cannot start: ${messageOf(error)}`)
}
