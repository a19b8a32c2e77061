/**
 * Commands without a process and without a database: a screen that keeps what is printed, and a desk that answers what it was given.
 *
 * @module
 */
import { PassThrough } from 'node:stream'
import type { DataSource } from 'typeorm'
import type { Command, CommandPorts, DataSourcePlace } from '../../lib/cli/command.js'
import { COMMANDS } from '../../lib/cli/commands.js'
import { run } from '../../lib/cli/run.js'
import { StreamScreen, type OutputStream } from '../../lib/cli/screen/screen.js'
import type { RelayOptions, WorkerRelay } from '../../lib/cli/worker-relay.js'
import type { CloudEvent } from '../../lib/outbox/cloud-event.js'
import type { BlockedKey, DeadLetter, OutboxDesk, OutboxStatus } from '../../lib/outbox/outbox-desk.js'

/** A stream that is a terminal, if so wanted, and keeps what is written to it. */
export class FakeStream extends PassThrough implements OutputStream {
  readonly isTTY: boolean
  text = ''

  constructor(readonly columns?: number) {
    super()
    this.isTTY = columns !== undefined
    this.on('data', (chunk: Buffer) => (this.text += chunk.toString()))
  }

  hasColors(): boolean {
    return this.isTTY
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1)
  }
}

export interface Streams {
  readonly out: FakeStream
  readonly err: FakeStream
  readonly screen: StreamScreen
}

/** @param columns of a terminal; a pipe without */
export function fakeScreen(columns?: number): Streams {
  const [out, err] = [new FakeStream(columns), new FakeStream(columns)]
  return { out, err, screen: new StreamScreen({ out, err }) }
}

/** Answers what it was given, and keeps what it was asked. */
export class FakeDesk implements OutboxDesk {
  readonly asked: unknown[][] = []

  constructor(
    readonly answers: {
      readonly status?: Partial<OutboxStatus>
      readonly dead?: readonly DeadLetter[]
      readonly blockedKeys?: readonly BlockedKey[]
      readonly count?: number
      readonly events?: readonly CloudEvent[]
    } = {},
  ) {}

  async status(): Promise<OutboxStatus> {
    this.asked.push(['status'])
    return { messages: 0, subscriptions: [], relays: [], ...this.answers.status }
  }

  async dead(...args: Parameters<OutboxDesk['dead']>): Promise<readonly DeadLetter[]> {
    this.asked.push(['dead', ...args])
    return this.answers.dead ?? []
  }

  async blockedKeys(...args: Parameters<OutboxDesk['blockedKeys']>): Promise<readonly BlockedKey[]> {
    this.asked.push(['blockedKeys', ...args])
    return this.answers.blockedKeys ?? []
  }

  async redrive(...args: Parameters<OutboxDesk['redrive']>): Promise<number> {
    this.asked.push(['redrive', ...args])
    return this.answers.count ?? 0
  }

  async discard(...args: Parameters<OutboxDesk['discard']>): Promise<number> {
    this.asked.push(['discard', ...args])
    return this.answers.count ?? 0
  }

  async replay(...args: Parameters<OutboxDesk['replay']>): Promise<number> {
    this.asked.push(['replay', ...args])
    return this.answers.count ?? 0
  }

  async *tail(...[options]: Parameters<OutboxDesk['tail']>): AsyncIterable<CloudEvent> {
    const { abortSignal, ...rest } = options ?? {}
    this.asked.push(['tail', rest])
    yield* this.answers.events ?? []
    if (rest.follow && !abortSignal!.aborted)
      await new Promise((resolve) => abortSignal!.addEventListener('abort', resolve, { once: true }))
  }
}

/** As much of a data source as commands look at. */
export class FakeDataSource {
  isInitialized = true
  readonly options = { type: 'postgres', password: 'hunter2' }
  readonly driver = { database: 'films' }

  async destroy(): Promise<void> {
    this.isInitialized = false
  }
}

export interface Scene {
  readonly desk?: OutboxDesk
  readonly relay?: WorkerRelay
  readonly columns?: number
  readonly commands?: readonly Command[]
  readonly open?: () => Promise<FakeDataSource>
}

export interface Play extends Streams {
  readonly dataSource: FakeDataSource
  readonly places: DataSourcePlace[]
  readonly relayOptions: RelayOptions[]
  /** What happened beside the output, in order. */
  readonly notes: string[]
  readonly stop: AbortController
  /** Runs a command line. */
  run(...words: readonly string[]): Promise<number>
}

export function play({ desk = new FakeDesk(), relay, columns, commands = COMMANDS, open }: Scene = {}): Play {
  const streams = fakeScreen(columns)
  const [dataSource, stop] = [new FakeDataSource(), new AbortController()]
  const [places, relayOptions, notes]: [DataSourcePlace[], RelayOptions[], string[]] = [[], [], []]
  const ports: CommandPorts = {
    screen: streams.screen,
    openDataSource: async (place) => {
      places.push(place)
      return { file: 'ormconfig.ts', dataSource: (open === undefined ? dataSource : await open()) as unknown as DataSource }
    },
    deskOf: () => desk,
    relayOf: (_dataSource, options) => {
      relayOptions.push(options)
      return relay!
    },
    stopSignal: () => {
      notes.push('listens for signals')
      return stop.signal
    },
    claimOutput: () => void notes.push('claims the output'),
  }
  return { ...streams, dataSource, places, relayOptions, notes, stop, run: (...words) => run({ words, commands, version: '1.2.3' }, ports) }
}
