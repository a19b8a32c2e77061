/**
 * A small workshop: parts, builds, and the items in stock, with what its business code tells plugins; and the outbox and relay it tells them
 * through.
 *
 * @module
 */
import type { SessionExtensionInput } from 'flushpoint'
import {
  defineEvents,
  enablePluginEvents,
  registerPlugin,
  triggerEvent,
  type EventPlugin,
  type PluginDelivery,
  type PluginHandle,
} from 'flushpoint/events'
import type { CreateRelayOptions, OutboxOptions, Relay } from 'flushpoint/outbox'
import { Column, Entity, PrimaryColumn, PrimaryGeneratedColumn, type DataSource } from 'typeorm'
import { delivered, SamplePlugin, useEvents, type Events } from './events.js'
import { make } from './models.js'
import { openOutbox } from './outbox.js'
import { countRows, SOON, startRelay, until } from './relays.js'
import type { Work } from './ways-in.js'

@Entity('part_part')
export class Part {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

/** Its key is not called id. */
@Entity('part_category')
export class Category {
  @PrimaryColumn({ type: 'varchar', length: 20 }) code: string
  @Column() title: string
}

@Entity('build_build')
export class Build {
  @PrimaryGeneratedColumn() id: number
  @Column({ default: 'pending' }) state: 'pending' | 'issued' | 'completed'
}

@Entity('stock_stockitem')
export class StockItem {
  @PrimaryGeneratedColumn() id: number
  @Column() part: number
  @Column() quantity: number
  @Column({ type: 'varchar', length: 20, nullable: true }) serial?: string | null
  /** What it was split from. */
  @Column({ type: 'integer', nullable: true }) parent?: number | null
  /** What it is part of. */
  @Column({ type: 'integer', nullable: true }) installedIn?: number | null
}

export const WORKSHOP = [Part, Category, Build, StockItem]

export const BuildEvents = defineEvents('build', ['issued', 'completed'])
export const StockEvents = defineEvents('stockitem', ['split', 'installed', 'created_items'])

declare module 'flushpoint/events' {
  interface EventPayloads {
    'build.issued': { id: number }
    'build.completed': { readonly id: number }
    'stockitem.split': { readonly id: number; readonly parent: number }
    'stockitem.installed': { readonly id: number; readonly assembly: number }
    'stockitem.created_items': { readonly ids: readonly number[] }
  }
}

export const newBuild = () => make(Build, {})
export const newPart = (name = 'bolt') => make(Part, { name })
export const newCategory = (code: string) => make(Category, { code, title: 'all' })
export const newItem = (part: number, quantity = 1) => make(StockItem, { part, quantity })

export async function issueBuild({ save }: Work, build: Build): Promise<void> {
  build.state = 'issued'
  await save(build)
  triggerEvent(BuildEvents.issued, { id: build.id })
}

/** Installs what the build has used up, item by item. */
export async function completeBuild({ save }: Work, build: Build, components: readonly StockItem[]): Promise<void> {
  const output = await save(newItem(1))
  for (const component of components) {
    component.installedIn = output.id
    await save(component)
    triggerEvent(StockEvents.installed, { id: component.id, assembly: output.id })
  }
  build.state = 'completed'
  await save(build)
  triggerEvent(BuildEvents.completed, { id: build.id })
}

/** Takes parts of an item away, each as an item of its own. */
export async function splitItem({ save }: Work, item: StockItem, quantities: readonly number[]): Promise<readonly StockItem[]> {
  const children: StockItem[] = []
  for (const quantity of quantities) {
    item.quantity -= quantity
    const child = make(StockItem, { part: item.part, quantity, parent: item.id })
    await save([item, child])
    children.push(child)
    triggerEvent(StockEvents.split, { id: child.id, parent: item.id })
  }
  return children
}

/** Many rows by one statement, and one event for all of them. */
export async function createSerialised({ manager }: Work, part: number, serials: readonly string[]): Promise<readonly number[]> {
  const { identifiers } = await manager.insert(
    StockItem,
    serials.map((serial) => ({ part, quantity: 1, serial })),
  )
  const ids = identifiers.map(({ id }) => id as number)
  triggerEvent(StockEvents.created_items, { ids })
  return ids
}

/** Tries again soon, and hears nothing of plugins themselves. */
export class RecordingPlugin extends SamplePlugin {
  override readonly delivery: PluginDelivery = { retry: SOON }

  constructor(slug = 'sample', wanted: (name: string) => boolean = isOfTheWorkshop) {
    super(slug, wanted)
  }

  /** `build.issued 7` for each event. */
  get lines(): readonly string[] {
    return this.names.map((name, index) => `${name} ${String(this.ids[index])}`)
  }
}

export function isOfTheWorkshop(name: string): boolean {
  return name !== 'plugins_loaded' && name !== 'plugin_activated'
}

export interface Workshop extends Events {
  dataSource: DataSource
  /** With an outbox, and without a relay. */
  open(options?: OutboxOptions, extensions?: readonly SessionExtensionInput[]): Promise<DataSource>
  /** A relay that hands over what is there and what comes. */
  relay(options?: CreateRelayOptions): Promise<Relay>
  /** Taken off after the test. */
  register<P extends EventPlugin<never>>(plugin: P, options?: { readonly active?: boolean }): P & { readonly handle: PluginHandle }
  /** Waits until everybody has handled what is in the outbox. */
  emptied(): Promise<void>
}

/** For each test a workshop, which is open as soon as it is asked for; plugin events are on. */
export function useWorkshop(): Workshop {
  const events = useEvents()
  beforeEach(() => enablePluginEvents(true))
  afterEach(() => enablePluginEvents(false))
  const workshop: Workshop = {
    ...events,
    dataSource: undefined as unknown as DataSource,
    open: async (options = {}, extensions = []) =>
      (workshop.dataSource = await openOutbox(options, { entities: WORKSHOP, around: (outbox) => [...extensions, outbox] })),
    relay: (options) => startRelay(workshop.dataSource, options),
    register: (plugin, options) => Object.assign(plugin, { handle: events.keep(registerPlugin(plugin, options)) }),
    emptied: async () => {
      await delivered()
      await until('the outbox is empty', async () => (await countRows(workshop.dataSource, 'OutboxMessage')) === 0)
    },
  }
  return workshop
}
