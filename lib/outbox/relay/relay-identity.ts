/**
 * Who holds a lease: one loop of one process.
 *
 * Invariant: no two loops have one name, in whichever process.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'

export interface RelayIdentity {
  readonly owner: string
  readonly host: string
  readonly pid: number
}

export function newIdentity(): RelayIdentity {
  const host = hostname()
  return { owner: `${host.slice(0, 60)}-${process.pid}-${randomBytes(6).toString('hex')}`, host, pid: process.pid }
}
