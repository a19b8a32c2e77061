/**
 * Every statement of one query runner passes here: it takes its turn on a single connection, and failures that end a transaction are noted.
 *
 * Changes no statement. Invariant: a statement of the unit that holds the connection never waits.
 *
 * @module
 */
import type { QueryRunner } from 'typeorm'
import { messageOf, TransactionError } from '../core/errors.js'
import { warnOnce } from '../core/warn.js'
import type { RunnerUnit } from './runner-unit.js'
import { openedByHand } from './unit-frame.js'

type Query = QueryRunner['query']
type Arguments = Parameters<Query>

const RAW_TRANSACTION = /^\s*(begin|start\s+transaction|commit|rollback|end)\b(?!\s+to\b)/i
const INSERT = /^\s*(insert|replace|merge|upsert)\b/i
const MYSQL_FAMILY = new Set(['mysql', 'mariadb', 'aurora-mysql'])
const DEADLOCK_ERRNO = 1213

export function runQuery(unit: RunnerUnit, send: Query, args: Arguments): Promise<unknown> {
  unit.statements++
  if (!unit.isControlling) {
    if (RAW_TRANSACTION.test(args[0])) warnRaw(args[0])
    if (unit.endedByServer !== undefined) return Promise.reject(endedByServer(unit))
    const beginning = unit.isOpen ? undefined : unit.opened?.beginAround(args[0])
    if (beginning !== undefined) return beginning.then(() => sendNow(unit, send, args))
  }
  return sendNow(unit, send, args)
}

function sendNow(unit: RunnerUnit, send: Query, args: Arguments): Promise<unknown> {
  const { queue } = unit.installation
  if (queue !== undefined && unit.giveBack === undefined && !unit.isControlling) return inTurn(unit, send, args)
  return observed(unit, send, args)
}

async function inTurn(unit: RunnerUnit, send: Query, args: Arguments): Promise<unknown> {
  const giveBack = await unit.installation.queue!.acquire(unit, 'a statement outside of it', openedByHand())
  try {
    return await observed(unit, send, args)
  } finally {
    giveBack()
  }
}

/** A session's statements follow one another: what it is asked at the same time still goes over one connection. */
function inOrder(unit: RunnerUnit, send: () => Promise<unknown>): Promise<unknown> {
  const { lastSent } = unit
  const sent = lastSent === undefined ? send() : lastSent.then(send)
  const over = sent.then(nothing, nothing)
  unit.lastSent = over
  void over.then(() => {
    if (unit.lastSent === over) unit.lastSent = undefined
  })
  return sent
}

function nothing(): void {
  // how a statement ended is told to whoever sent it
}

function observed(unit: RunnerUnit, send: Query, args: Arguments): Promise<unknown> {
  const sendNow = () => send(...args) as Promise<unknown>
  const sent = unit.opened === undefined ? sendNow() : inOrder(unit, sendNow)
  if (unit.isOpen) sent.then(undefined, (error: unknown) => noteFailure(unit, error))
  return unit.insertCount !== undefined && INSERT.test(args[0]) ? counted(unit.insertCount, sent) : sent
}

async function counted(count: { affected: number | undefined }, sent: Promise<unknown>): Promise<unknown> {
  const result = await sent
  const { affected, raw } = (result ?? {}) as { affected?: number; raw?: unknown }
  count.affected ??= affected ?? (Array.isArray(raw) ? raw.length : undefined) // MariaDB answers INSERT … RETURNING with rows and no count
  return result
}

function noteFailure(unit: RunnerUnit, error: unknown): void {
  if (unit.isControlling) return
  unit.failedStatement ??= error
  const errno = (error as { driverError?: { errno?: unknown } } | undefined)?.driverError?.errno
  if (errno === DEADLOCK_ERRNO && MYSQL_FAMILY.has(unit.installation.dataSource.options.type)) unit.endedByServer ??= error
}

function endedByServer(unit: RunnerUnit): TransactionError {
  return new TransactionError('TRANSACTION_ENDED_BY_SERVER', { cause: messageOf(unit.endedByServer) }, { cause: unit.endedByServer })
}

function warnRaw(sql: string): void {
  const verb = RAW_TRANSACTION.exec(sql)![1]!.toUpperCase()
  warnOnce(
    'RAW_TRANSACTION_STATEMENT',
    verb,
    `A raw query("${verb}") was sent: neither TypeORM nor flushpoint can see that transaction, so hooks and journal do not follow it. Use startTransaction, commitTransaction and rollbackTransaction of the query runner.`,
  )
}
