/**
 * Opens data sources as the program does, in a process of its own: `node -r ./.ci/register.cjs open-files.ts '[{...}]'`.
 *
 * Prints what became of each as JSON.
 *
 * @module
 */
import Module from 'node:module'
import { CliError, messageOf } from '../../../lib/core/errors.js'
import type { DataSourcePlace } from '../../../lib/cli/command.js'
import { openDataSource } from '../../../lib/cli/data-source/open-data-source.js'
import { wholeError } from '../../../lib/cli/screen/whole-error.js'

export interface Opening {
  readonly folder: string
  readonly place: DataSourcePlace
  /** Whether nothing compiles TypeScript yet. */
  readonly isPlainNode?: boolean
}

export interface Outcome {
  readonly file?: string
  readonly type?: string
  readonly tables?: readonly string[]
  readonly options?: unknown
  readonly code?: string
  readonly message?: string
  /** All that is printed of the cause. */
  readonly cause?: string
  /** What the files it loaded have put on `globalThis.loaded`. */
  readonly loaded: readonly string[]
}

const shared = globalThis as unknown as { loaded: string[] }
const { _extensions: extensions } = Module as unknown as { readonly _extensions: Record<string, unknown> }
const compile = extensions['.ts']

async function outcomeOf({ folder, place, isPlainNode }: Opening): Promise<Outcome> {
  shared.loaded = []
  if (isPlainNode === true) delete extensions['.ts']
  else extensions['.ts'] = compile
  try {
    const { dataSource, file } = await openDataSource(folder, place)
    const { synchronize, migrationsRun, dropSchema, type } = dataSource.options
    const rows: { name: string }[] = await dataSource.query(`SELECT name FROM sqlite_master`)
    await dataSource.destroy()
    return { file, type, options: { synchronize, migrationsRun, dropSchema }, tables: rows.map(({ name }) => name), loaded: shared.loaded }
  } catch (error) {
    const { code } = error as { code?: string }
    const cause = error instanceof CliError && error.cause !== undefined ? wholeError(error.cause).join('\n') : undefined
    return { ...(code !== undefined && { code }), message: messageOf(error), ...(cause !== undefined && { cause }), loaded: shared.loaded }
  }
}

async function main(): Promise<void> {
  const outcomes: Outcome[] = []
  for (const opening of JSON.parse(process.argv[2]!) as Opening[]) outcomes.push(await outcomeOf(opening))
  process.stdout.write(JSON.stringify(outcomes))
}

void main()
