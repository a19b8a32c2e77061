/**
 * What sessions tell about transactions, noted line by line, for specs to compare as a whole.
 *
 * @module
 */
import {
  SessionExtension,
  sessionSubscriber,
  type Change,
  type InstallOptions,
  type SessionExtensionInput,
  type TransactionScope,
} from 'flushpoint'
import type { DataSource } from 'typeorm'
import { openDataSource, type ExtraOptions } from './databases.js'
import { ENTITIES } from './models.js'

type Named = { readonly name?: string; readonly title?: string; readonly text?: string } | null

/** One change by what its row is called: `insert Ann`, `update Ann -> Bea`. */
export function tell(change: Change): string {
  const before = nameOf(change.before as Named)
  const after = nameOf(change.after as Named)
  const isRenamed = change.kind === 'update' && before !== undefined && before !== after
  return `${change.kind} ${isRenamed ? `${before} -> ${after}` : (after ?? before)}`
}

export function tellAll(changes: readonly Change[]): string {
  return changes.length === 0 ? 'nothing' : changes.map(tell).join(', ')
}

function nameOf(image: Named): string | undefined {
  return image?.name ?? image?.title ?? image?.text
}

/** A session extension that notes every transaction hook. */
export function logTransactions(lines: string[]): SessionExtensionInput {
  return class TransactionLog extends SessionExtension {
    override afterBegin({ kind, depth }: TransactionScope) {
      lines.push(`begin ${kind} ${depth}`)
    }
    override beforeCommit() {
      lines.push('beforeCommit')
    }
    override afterCommit(changes: readonly Change[]) {
      lines.push(`commit: ${tellAll(changes)}`)
    }
    override afterRollback(changes: readonly Change[], { kind, depth }: TransactionScope) {
      lines.push(`rollback ${kind} ${depth}: ${tellAll(changes)}`)
    }
  }
}

export interface Logged {
  readonly dataSource: DataSource
  /** What the transaction hooks were told, in order. */
  readonly lines: string[]
}

/** A data source whose transactions are noted. */
export async function openLogged({ extensions = [], ...options }: InstallOptions = {}, extra: ExtraOptions = {}): Promise<Logged> {
  const lines: string[] = []
  const subscriber = sessionSubscriber({ ...options, extensions: [logTransactions(lines), ...extensions] })
  return { dataSource: await openDataSource({ entities: ENTITIES, subscribers: [subscriber], ...extra }), lines }
}

/** The same database seen by somebody without flushpoint, on a connection of their own. */
export function openStranger(dataSource: DataSource): Promise<DataSource> {
  return openDataSource({ ...dataSource.options, subscribers: [], synchronize: false } as ExtraOptions)
}

/** The names of all rows, sorted. */
export async function namesOf(dataSource: DataSource, entity: new () => { name: string }): Promise<string[]> {
  const rows = await dataSource.getRepository(entity).find()
  return rows.map(({ name }) => name).sort()
}

export interface Warnings {
  readonly messages: readonly string[]
  readonly codes: readonly string[]
}

/** Collects process warnings of flushpoint until the spec is over. */
export function collectWarnings(): Warnings {
  const messages: string[] = []
  const codes: string[] = []
  jest.spyOn(process, 'emitWarning').mockImplementation(((message: string, options: { code: string }) => {
    messages.push(message)
    codes.push(options.code)
  }) as unknown as typeof process.emitWarning)
  return { messages, codes }
}

/** The error a call rejects with. */
export async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  )
}
