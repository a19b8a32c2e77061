/**
 * On which DataSources flushpoint is, and which classes TypeORM maps, as far as extensions may ask.
 *
 * Told by the ORM layer, which knows; keeps no options but the listed extensions. Invariant: a DataSource that flushpoint was taken off is
 * forgotten, and with nobody to tell, every class may be an entity.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import type { SessionExtensionInput } from '../mapper/session.js'

export interface Installed {
  readonly dataSource: DataSource
  /** As listed at this moment. */
  readonly extensions: readonly SessionExtensionInput[]
  /** True while it connects: its tables may still be made. */
  readonly isConnecting: boolean
}

type EntityCheck = (target: unknown) => boolean

/** Weakly: a DataSource that nobody uses any more is not kept for the sake of questions. */
const installed = new Set<WeakRef<Installed>>()
const listeners = new Set<(one: Installed) => void>()
const forgetters = new Set<(one: Installed) => void>()
let isDeclaredEntity: EntityCheck = () => true

/** Noting one twice is once. */
export function noteInstalled(one: Installed): void {
  if (!installedOnes().includes(one)) installed.add(new WeakRef(one))
  for (const listener of [...listeners]) listener(one)
}

export function forgetInstalled(one: Installed): void {
  for (const reference of installed) if (reference.deref() === one) installed.delete(reference)
  for (const listener of [...forgetters]) listener(one)
}

export function installedOnes(): readonly Installed[] {
  const found: Installed[] = []
  for (const reference of installed) {
    const one = reference.deref()
    if (one === undefined) installed.delete(reference)
    else found.push(one)
  }
  return found
}

/** What flushpoint is on this DataSource; undefined where it is on none. */
export function installedOn(dataSource: DataSource): Installed | undefined {
  return installedOnes().find((one) => one.dataSource === dataSource)
}

/** Whether it is connected, and through with its schema and migrations, which on a single connection have transactions of their own. */
export function isConnected(dataSource: DataSource): boolean {
  return dataSource.isInitialized && installedOn(dataSource)?.isConnecting !== true
}

/** Calls `listener` for each DataSource that flushpoint is put on from now on. @returns Stops it. */
export function onInstalled(listener: (one: Installed) => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** Calls `listener` for each DataSource that flushpoint is taken off from now on. @returns Stops it. */
export function onUninstalled(listener: (one: Installed) => void): () => void {
  forgetters.add(listener)
  return () => void forgetters.delete(listener)
}

/** Tells which classes are declared as entities, also before a DataSource maps them. */
export function answerEntityCheck(check: EntityCheck): void {
  isDeclaredEntity = check
}

/** Whether a class is an entity by its declaration, or is mapped by a DataSource that flushpoint is on. */
export function isEntityClass(target: unknown): boolean {
  return isDeclaredEntity(target) || installedOnes().some(({ dataSource }) => dataSource.hasMetadata(target as never))
}
