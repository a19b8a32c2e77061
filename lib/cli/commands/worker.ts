/**
 * `flushpoint worker`: a relay in a process of its own.
 *
 * Invariant: asked to stop, it ends what it has in hand or gives it back, and only then ends; a moment without a database does not end it.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { CliError } from '../../core/errors.js'
import { LONGEST_TIMER_MS } from '../../core/whole-number.js'
import { command, EXIT, type CommandPorts, type ExitCode } from '../command.js'
import { closeDataSource } from '../data-source/open-data-source.js'
import { DATA_SOURCE_OPTIONS } from '../data-source/options.js'
import { flag, integer, type ValuesOf } from '../options.js'
import type { RelayOptions, WorkerRelay } from '../worker-relay.js'
import { WorkerLog } from './worker-log.js'

const OPTIONS = {
  ...DATA_SOURCE_OPTIONS,
  loops: integer('N', {
    min: 1,
    max: 64,
    absent: undefined,
    help: 'how many loops share the work in this process, at most 64 (default: as the outbox is set up)',
  }),
  batch: integer('N', {
    min: 1,
    max: 10_000,
    absent: undefined,
    help: 'how many messages a loop reads at once, at most 10000 (default: as the outbox is set up)',
  }),
  timeoutMs: integer('MS', {
    min: 0,
    max: LONGEST_TIMER_MS,
    absent: 30_000,
    help: 'how long it waits for handlers when it is asked to stop (default 30000)',
  }),
  quiet: flag('prints nothing but errors', 'q'),
  json: flag('prints lines of JSON'),
}

/** What closing the relay and the data source may take beyond the time for handlers. */
const GRACE_MS = 5_000

export const worker = command({
  name: 'worker',
  summary: 'handles messages of the outbox until it is asked to stop',
  options: OPTIONS,
  notes: [
    'SIGTERM or SIGINT once: takes nothing more, waits for what is in hand, exits with 0. A second time: exits at once, with 143 or 130.',
    'npx keeps SIGTERM to itself: under a supervisor or in a container run node_modules/.bin/flushpoint.',
    'Any number of workers share the work. Tables are left as they are: synchronize, migrationsRun and dropSchema count for nothing here.',
  ],
  run: runWorker,
})

async function runWorker(values: ValuesOf<typeof OPTIONS>, ports: CommandPorts): Promise<ExitCode> {
  if (values.json) ports.claimOutput()
  const stopping = ports.stopSignal()
  const opened = await Promise.race([ports.openDataSource(values), aborted(stopping)])
  if (opened === undefined || stopping.aborted) return EXIT.fine
  const { dataSource, file } = opened
  const desk = ports.deskOf(dataSource)
  const relay = ports.relayOf(dataSource, relayOptions(values))
  const log = new WorkerLog(ports.screen, values)
  await relay.start()
  await Promise.race([log.begin({ file, dataSource, desk, relay }), aborted(stopping)])
  await aborted(stopping)
  await stopped({ relay, dataSource, timeoutMs: values.timeoutMs })
  log.end()
  return EXIT.fine
}

function relayOptions({ loops, batch }: ValuesOf<typeof OPTIONS>): RelayOptions {
  return { ...(loops !== undefined && { loops }), ...(batch !== undefined && { batchSize: batch }) }
}

/** @throws {CliError} CLI_STOP_TOO_SLOW when the relay or the database does not let go. */
async function stopped({ relay, dataSource, timeoutMs }: { relay: WorkerRelay; dataSource: DataSource; timeoutMs: number }): Promise<void> {
  const wholeMs = Math.min(timeoutMs + GRACE_MS, LONGEST_TIMER_MS)
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new CliError('CLI_STOP_TOO_SLOW', { timeoutMs: wholeMs })), wholeMs)
  })
  const closing = relay.stop({ timeoutMs }).then(() => closeDataSource(dataSource))
  await Promise.race([closing, tooLate]).finally(() => clearTimeout(timer))
}

function aborted(abortSignal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (abortSignal.aborted) resolve(undefined)
    else abortSignal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
