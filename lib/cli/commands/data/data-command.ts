/**
 * What the commands about files of rows share: their options, the data source they work on, how far they are, and the table at the end.
 *
 * Invariant: while a command runs, standard output carries its results alone.
 *
 * @module
 */
import { SingleBar } from 'cli-progress'
import type { DataSource } from 'typeorm'
import { CliError, ConfigurationError, DataError, messageOf } from '../../../core/errors.js'
import type { DataOptions, DataProgress, ModelReport } from '../../../extensions/fixtures/data-options.js'
import { InvalidDataError, type DataProblem } from '../../../extensions/fixtures/problems.js'
import { EXIT, type CommandPorts, type ExitCode } from '../../command.js'
import { closeDataSource } from '../../data-source/open-data-source.js'
import { DATA_SOURCE_OPTIONS } from '../../data-source/options.js'
import { flag, texts, word } from '../../options.js'
import { counted, duration, printable } from '../../screen/printable.js'
import type { Screen } from '../../screen/screen.js'
import { printTable, type Column } from '../../screen/table.js'

export const DATA_OPTIONS = {
  dir: word('DIR', 'the folder with one folder for each entity'),
  ...DATA_SOURCE_OPTIONS,
  include: texts('ENTITY', { help: 'this entity alone; may be repeated' }),
  exclude: texts('ENTITY', { help: 'all but this entity; may be repeated' }),
  json: flag('prints one JSON value instead of a table'),
}

export const FOLDER_NOTE = 'DIR has a folder for each entity, and in it one JSON file for each row: Film/7_Alien.json.'

interface DataValues {
  readonly dataSource: string | undefined
  readonly export: string | undefined
  readonly require: readonly string[]
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly json: boolean
}

/** What one command does, and how it shows what came of it. */
export interface DataWork<T> {
  readonly command: string
  readonly work: (dataSource: DataSource, options: DataOptions) => Promise<T>
  readonly show: (report: T) => ExitCode
}

/** Opens the data source for one command, shows how far it is, and closes all of it afterwards. What goes wrong with data is told in one message. */
export async function withData<T>(values: DataValues, ports: CommandPorts, { command, work, show }: DataWork<T>): Promise<ExitCode> {
  ports.claimOutput()
  const { dataSource } = await ports.openDataSource(values)
  const abortSignal = ports.stopSignal()
  const progress = progressOn(ports.screen)
  const options = {
    ...(values.include.length > 0 && { include: values.include }),
    exclude: values.exclude,
    abortSignal,
    onProgress: (one: DataProgress) => progress.show(one),
  }
  try {
    return show(await work(dataSource, options))
  } catch (error) {
    progress.end()
    const isStopped = abortSignal.aborted && error === abortSignal.reason
    const failure = failureOf(isStopped ? new CliError('CLI_STOPPED', { command }) : error)
    if (failure === undefined) throw error
    return showFailure(failure, ports.screen, values.json)
  } finally {
    progress.end()
    await closeDataSource(dataSource).catch((error: unknown) => ports.screen.note(`Cannot close the data source: ${messageOf(error)}`))
  }
}

interface Failure {
  readonly code: string
  readonly message: string
  readonly problemCount?: number
  readonly problems?: readonly DataProblem[]
}

/** undefined for what nobody foresaw: that is shown with its stack. Causes are left out, since databases quote values of rows in theirs. */
function failureOf(error: unknown): Failure | undefined {
  if (!(error instanceof DataError || error instanceof ConfigurationError || error instanceof CliError)) return undefined
  const { code, message } = error
  return { code, message, ...(error instanceof InvalidDataError && { problemCount: error.problemCount, problems: error.problems }) }
}

function showFailure(failure: Failure, screen: Screen, isJson: boolean): ExitCode {
  if (isJson) screen.print(JSON.stringify(failure, null, 2))
  else screen.note(...failure.message.split('\n').map((line) => printable(line)))
  return EXIT.error
}

interface ProgressView {
  show(progress: DataProgress): void
  end(): void
}

const WORDS: Readonly<Record<DataProgress['phase'], string>> = { dump: 'dumping', check: 'checking', load: 'loading' }
const LINE_EVERY_MS = 5_000

/** The bar stays empty while files are being counted. */
const UNKNOWN = Number.MAX_SAFE_INTEGER

/** A bar on a terminal, beside the results; elsewhere a line now and then. */
function progressOn(screen: Screen): ProgressView {
  return screen.width === undefined ? lines(screen) : bar(screen.notes)
}

function bar(stream: NodeJS.WritableStream): ProgressView {
  const shown = new SingleBar({
    stream,
    format: '{phase} {model} [{bar}] {value}{of}',
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
  })
  let isStarted = false
  return {
    show: ({ phase, model, done, total }) => {
      const payload = { phase: WORDS[phase], model, of: total === undefined ? '' : ` of ${total}` }
      if (!isStarted) shown.start(total ?? UNKNOWN, done, payload)
      isStarted = true
      shown.setTotal(total ?? UNKNOWN)
      shown.update(done, payload)
    },
    end: () => shown.stop(),
  }
}

function lines(screen: Screen): ProgressView {
  let last = Date.now()
  return {
    show: ({ phase, model, done, total }) => {
      if (Date.now() - last < LINE_EVERY_MS) return
      last = Date.now()
      screen.note(`${WORDS[phase]} ${model}: ${total === undefined ? counted(done, 'row') : `${done} of ${counted(total, 'row')}`}`)
    },
    end: () => {},
  }
}

/** Entities with rows, and how long it all took. */
export function printModels<M extends ModelReport>(
  screen: Screen,
  {
    models,
    rows,
    said,
    started,
  }: { readonly models: readonly M[]; readonly rows: number; readonly said: string; readonly started: number },
  more: readonly Column<M>[] = [],
): void {
  if (models.length > 0) {
    printTable(screen, models, [
      { title: 'entity', of: ({ model }) => model },
      { title: 'rows', of: ({ rows: count }) => count },
      ...more,
      { title: 'table', of: ({ table }) => table },
    ])
  }
  screen.print(`${counted(rows, 'row')} ${said} in ${duration(Date.now() - started)}.`)
}
