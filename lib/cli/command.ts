/**
 * What a command is, and what it is given by whoever runs it.
 *
 * Knows no process: streams, signals and exit are behind {@link CommandPorts}. Invariant: a command's options are all it ever hears of
 * the command line.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import type { OutboxDesk } from '../outbox/outbox-desk.js'
import type { Options, ValuesOf } from './options.js'
import type { Screen } from './screen/screen.js'
import type { RelayOptions, WorkerRelay } from './worker-relay.js'

/** As the process will exit. */
export const EXIT = { fine: 0, error: 1, usage: 2, trouble: 3 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Which file, which export of it, and what to load before. */
export interface DataSourcePlace {
  readonly dataSource?: string | undefined
  readonly export?: string | undefined
  readonly require?: readonly string[]
}

export interface OpenedDataSource {
  readonly dataSource: DataSource
  /** The file it comes from, as the user would write it. */
  readonly file: string
}

/** What commands need of the world. */
export interface CommandPorts {
  readonly screen: Screen
  openDataSource(place: DataSourcePlace): Promise<OpenedDataSource>
  deskOf(dataSource: DataSource): OutboxDesk
  relayOf(dataSource: DataSource, options: RelayOptions): WorkerRelay
  /** Aborts when the process is asked to end. Only who asks for it goes on then, and has to end by itself. */
  stopSignal(): AbortSignal
  /** From now on nothing but what the command prints goes to standard output. */
  claimOutput(): void
}

export interface Command {
  /** One word or two: `outbox status`. */
  readonly name: string
  readonly summary: string
  readonly options: Options
  /** What its help says beside the options, paragraph by paragraph. */
  readonly notes: readonly string[]
  run(values: ValuesOf<Options>, ports: CommandPorts): Promise<ExitCode>
}

export interface CommandParts<O extends Options> extends Pick<Command, 'name' | 'summary'> {
  readonly options: O
  readonly notes?: readonly string[]
  run(values: ValuesOf<O>, ports: CommandPorts): Promise<ExitCode>
}

/** Ties a command to the types of its options. */
export function command<O extends Options>({ name, summary, options, notes = [], run }: CommandParts<O>): Command {
  return { name, summary, options, notes, run: (values, ports) => run(values as ValuesOf<O>, ports) }
}
