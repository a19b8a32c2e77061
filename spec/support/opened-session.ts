/**
 * One database for the file with a session for each test, for specs of what a session knows; sessions are closed after each test.
 *
 * @module
 */
import { hasErrorCode, openSession, type OpenSession, type SessionOptions } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { Part, Sample } from './columns.js'
import { openDataSource, recordStatements, type Recording } from './databases.js'
import { work } from './hooks.js'
import { Essay, Topic, Writer } from './library.js'
import { ENTITIES } from './models.js'
import { SESSION_MODELS } from './session-models.js'
import { SHAPES } from './shapes.js'

export interface Opened {
  readonly dataSource: DataSource
  readonly session: OpenSession
  readonly sent: Recording
  /** One more session on the same database. */
  another(options?: SessionOptions): OpenSession
}

const sessions = new Set<OpenSession>()
const recordings = new Set<Recording>()
let shared: Promise<DataSource> | undefined

/** The database of this spec file, with every entity of the session specs, and a new session on it. Rows of former tests stay. */
export async function openWithSession(options: SessionOptions = {}): Promise<Opened> {
  shared ??= openDataSource({ entities: [...ENTITIES, ...SHAPES, Sample, Part, Writer, Topic, Essay, ...SESSION_MODELS] })
  const dataSource = await shared
  const sent = recordStatements(dataSource)
  recordings.add(sent)
  const another = (given: SessionOptions = {}) => {
    const session = openSession(dataSource, given)
    sessions.add(session)
    return session
  }
  return { dataSource, session: another(options), sent, another }
}

/** What a session says of an entity, as far as it concerns its columns and relations. */
export function standing(session: OpenSession, entity: object): { status: string; changed: string[]; isModified: boolean } {
  const { status, changes } = session.state(entity)
  return { status, changed: Object.keys(changes).sort(), isModified: session.isModified(entity) }
}

export const CLEAN = { status: 'clean', changed: [], isModified: false }

/** The code of the error of ours a call throws or rejects with; undefined when there is none. */
export async function codeOf(call: () => unknown): Promise<string | undefined> {
  const error = await errorOf(call)
  if (error === undefined) return undefined
  const { code } = error as { code?: string }
  if (code !== undefined && hasErrorCode(error, code)) return code
  throw error as Error
}

export async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
    return undefined
  } catch (error) {
    return error
  }
}

/** A message that names this row. */
export function naming(entity: string, id: number): string {
  return expect.stringMatching(new RegExp(`${entity} \\{"id":"?${id}"?\\}`)) as string
}

/** Everything in this session is as in the database: nothing is pending, and a flush sends nothing. */
export async function expectClean(session: OpenSession, sent: Recording): Promise<void> {
  expect(work(session.uow)).toEqual({})
  sent.clear()
  const result = await session.flush()
  expect(sent.sql()).toEqual([])
  expect(result).toMatchObject({ inserted: 0, updated: 0, deleted: 0, softRemoved: 0, recovered: 0, statements: 0 })
}

afterEach(async () => {
  await Promise.all([...sessions].map((session) => session.close()))
  sessions.clear()
  for (const recording of [...recordings].reverse()) recording.stop()
  recordings.clear()
})
