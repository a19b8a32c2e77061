/**
 * Relays for specs: started with short waits, stopped after each test.
 *
 * @module
 */
import {
  createRelay,
  subscription,
  type CloudEvent,
  type CreateRelayOptions,
  type Relay,
  type SubscriptionOptions,
} from 'flushpoint/outbox'
import type { DataSource } from 'typeorm'
import { triggerNamed } from '../../lib/events/trigger-event.js'
import { track } from 'flushpoint/events'
import { delivered, Noted } from './events.js'

const running: Relay[] = []
const errors: unknown[] = []

/** Starts a relay that looks often and tries again soon. Stopped after the test, which fails if it told of an error. */
export async function startRelay(dataSource: DataSource, options: CreateRelayOptions = {}): Promise<Relay> {
  const relay = createRelay(dataSource, { pollMs: [5, 50], onError: (error) => errors.push(error), ...options })
  running.push(relay)
  await relay.start()
  return relay
}

/** What subscriptions have heard, in order. */
export interface Heard {
  readonly events: readonly CloudEvent[]
  /** `name text` of each event about a text. */
  readonly lines: readonly string[]
}

export const SOON = { attempts: 5, baseMs: 5, maxMs: 20 } as const

/** A subscription that writes down what it hears. `fails` throws for an event, or lets it pass. */
export function hearing(
  heard: CloudEvent[],
  {
    name = 'ear',
    fails,
    ...options
  }: Partial<SubscriptionOptions> & { readonly fails?: (event: CloudEvent, attempt: number) => unknown } = {},
) {
  return subscription({
    name,
    retry: SOON,
    ...options,
    handle: async (event, { attempt }) => {
      await fails?.(event, attempt)
      heard.push(event)
    },
  })
}

/** Waits until `check` answers true; a spec that waits in vain fails with what it waited for. */
export async function until(what: string, check: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** What a relay has counted, once it has: it counts when the database has said that it is written down. */
export async function counted(relay: Relay, wanted: Partial<Relay['counters']>): Promise<void> {
  const isReached = ([name, count]: [string, number]) => relay.counters[name as keyof Relay['counters']] >= count
  await until('the relay has counted that', () => Object.entries(wanted).every(isReached))
  expect(relay.counters).toMatchObject(wanted)
}

/** Tells events about texts, in one transaction. */
export async function tellAll(dataSource: DataSource, texts: readonly string[]): Promise<void> {
  await dataSource.transaction(async () => texts.forEach((text) => track(new Noted({ text }))))
  await delivered()
}

/** Triggers an event by name, in one transaction. */
export async function triggerAll(dataSource: DataSource, events: readonly (readonly [name: string, payload: unknown])[]): Promise<void> {
  await dataSource.transaction(async () => events.forEach(([name, payload]) => triggerNamed(name, payload)))
}

export function textsOf(events: readonly CloudEvent[]): readonly string[] {
  return events.map(({ data }) => (data as { text: string }).text)
}

/** How many rows a table of the outbox has. */
export async function countRows(
  dataSource: DataSource,
  entity: 'OutboxMessage' | 'OutboxDelivery' | 'InboxMessage' | 'OutboxRelay',
): Promise<number> {
  return dataSource.manager.count(entity)
}

/** Errors that relays of this test have told of; looked at, they are not held against it. */
export function relayErrors(): readonly unknown[] {
  return errors.splice(0)
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((relay) => relay.stop({ timeoutMs: 500 })))
  const told = errors.splice(0)
  if (told.length > 0) throw new AggregateError(told, 'A relay told of errors')
})
