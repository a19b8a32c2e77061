/**
 * What specs of events share: events, plugins, and taking off after each test what was put on.
 *
 * @module
 */
import { AsyncResource } from 'node:async_hooks'
import {
  defineEvent,
  EventPlugin,
  eventsSettled,
  onEventError,
  type Connection,
  type EventFailure,
  type PluginEvent,
} from 'flushpoint/events'

declare module 'flushpoint/events' {
  interface EventPayloads {
    'test.event': { readonly id?: number }
    'test.some.other.event': { readonly id?: number }
    'event.a': { readonly id: number }
    'event.b': { readonly id: number }
  }
}

/** An event that tells a text. */
export const Noted = defineEvent<{ text: string }>()('test.noted')

export const noted = (text: string) => new Noted({ text })

export interface Failed extends EventFailure {
  readonly error: unknown
}

export interface Events {
  /** What listeners of the present test have written down. */
  readonly heard: string[]
  /** Keeps what was put on, to take it off after the test. */
  keep<C extends Connection>(connection: C): C
  /** Collects failures instead of letting them become warnings. */
  failures(): Failed[]
}

/** After each test listeners and plugins are taken off, and nothing is being delivered. */
export function useEvents(): Events {
  const heard: string[] = []
  const connections: Connection[] = []
  const keep = <C extends Connection>(connection: C): C => {
    connections.push(connection)
    return connection
  }
  afterEach(async () => {
    await eventsSettled()
    connections.splice(0).forEach((off) => off())
    heard.length = 0
  })
  return {
    heard,
    keep,
    failures: () => {
      const failed: Failed[] = []
      keep(onEventError((error, failure) => void failed.push({ ...failure, error })))
      return failed
    },
  }
}

/** A plugin that writes down what it processes. */
export class SamplePlugin extends EventPlugin {
  readonly processed: PluginEvent[] = []

  constructor(
    readonly slug: string,
    readonly wanted?: (name: string) => boolean,
  ) {
    super()
  }

  override wantsProcessEvent(name: string): boolean {
    return this.wanted?.(name) ?? super.wantsProcessEvent(name)
  }

  processEvent(event: PluginEvent): void | Promise<void> {
    this.processed.push(event)
  }

  get names(): string[] {
    return this.processed.map(({ name }) => name)
  }

  get ids(): unknown[] {
    return this.processed.map(({ payload }) => (payload as { id?: unknown } | undefined)?.id)
  }
}

const outside = new AsyncResource('spec')

/** As `eventsSettled`, which is refused in transactions: for specs whose listeners wait for none of theirs. */
export const delivered = () => outside.runInAsyncScope(eventsSettled)

/** A promise that the spec itself fulfils. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

/** The warnings of the present test, by code and message, instead of on the console. */
export function warnings(): { readonly code: string; readonly message: string }[] {
  const said: { code: string; message: string }[] = []
  jest.spyOn(process, 'emitWarning').mockImplementation(((message: string, { code }: { code: string }) => {
    said.push({ code, message })
  }) as unknown as typeof process.emitWarning)
  return said
}

export const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

/** The error a call ends with; fails when there is none. */
export function thrownBy(fn: () => unknown): Error & { code?: string; fix?: string } {
  try {
    fn()
  } catch (error) {
    return error as Error & { code?: string; fix?: string }
  }
  throw new Error('Expected an error, got none')
}
