/**
 * Events that have been delivered, as plain data.
 *
 * @module
 */
import { eventsSettled, onEvent, type DomainEvent } from 'flushpoint/events'
import { delivered as allDelivered } from './events.js'

export interface TrackedEvents {
  /** Everything that was delivered since it was last asked. */
  events(): Promise<DomainEvent[]>
  /** As {@link events}: name, table and what else tells one from the other. */
  told(): Promise<string[]>
}

/** Listens to every event during each test. */
export function useEvents(): TrackedEvents {
  let delivered: DomainEvent[] = []
  let off: () => void
  beforeEach(() => {
    delivered = []
    off = onEvent('*')((event) => void delivered.push(event))
  })
  afterEach(async () => {
    await eventsSettled()
    off()
  })
  const events = async () => {
    await allDelivered()
    return delivered.splice(0)
  }
  return { events, told: async () => (await events()).map(tellEvent) }
}

/** `insert-rows author 2`, `update-row author [7]`, `create-table author`, `rename-table a -> b` */
export function tellEvent(event: DomainEvent): string {
  const { table, num_rows, pks, old_table, new_table, ignore, replace } = event.properties()
  const flags = [ignore === true && 'ignore', replace === true && 'replace'].filter(Boolean)
  const keys = pks === undefined ? undefined : `[${(pks as string[]).join(' ')}]`
  const names = old_table === undefined ? table : `${String(old_table)} -> ${String(new_table)}`
  return [event.name, names, num_rows, keys, ...flags].filter((part) => part !== undefined).join(' ')
}
