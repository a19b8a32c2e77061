/**
 * Extensions written in place, a log they write to, and one data source for a whole spec file.
 *
 * @module
 */
import { install, mapper, MapperExtension, SessionExtension, type Mapper, type MapperExtensionInput, type Session } from 'flushpoint'
import type { EntityClass, InstallOptions, SessionExtensionInput, SessionHooks } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { openDataSource } from './databases.js'
import { ENTITIES } from './models.js'

/** What extensions have seen, in order; emptied after each test by {@link useDatabase}. */
export const log: string[] = []

type SessionHookName = Exclude<keyof SessionHooks, 'session'>
type MapperHookName = Exclude<keyof MapperExtension, 'mapper'>
type MapperHooks = Partial<Pick<MapperExtension, MapperHookName>>

const WRITES = ['Insert', 'Update', 'Delete', 'SoftRemove', 'Recover'] as const
export const ROW_HOOKS = WRITES.flatMap((name) => [`before${name}` as const, `after${name}` as const])
export const FLUSH_HOOKS = ['beforeFlush', ...ROW_HOOKS, 'afterFlush'] as const

/** A session extension class with these hooks; `this` is the extension. */
export function sessionExtension(
  hooks: Partial<Omit<SessionHooks, 'session'>> & ThisType<SessionExtension>,
  name = 'InPlace',
): new (session: Session) => SessionExtension {
  return withHooks(class extends SessionExtension {}, hooks, name)
}

/** A mapper extension class with these hooks; `this` is the extension. */
export function mapperExtension(hooks: MapperHooks & ThisType<MapperExtension>, name = 'InPlace'): new (mapper: Mapper) => MapperExtension {
  return withHooks(class extends MapperExtension {}, hooks, name)
}

function withHooks<C extends abstract new (...args: never[]) => object>(type: C, hooks: object, name: string): C {
  Object.defineProperty(type, 'name', { value: name })
  for (const [hook, value] of Object.entries(hooks)) {
    Object.defineProperty(type.prototype, hook, { value: value as unknown, configurable: true, writable: true })
  }
  return type
}

/** Writes `S1.beforeInsert First` for each of these hooks. */
export function sessionLog(name: string, hooks: readonly SessionHookName[] = FLUSH_HOOKS): new (session: Session) => SessionExtension {
  return sessionExtension(logging(name, hooks), name)
}

/** Writes `M1.beforeInsert First` for each of these hooks. */
export function mapperLog(name: string, hooks: readonly MapperHookName[] = ROW_HOOKS): new (mapper: Mapper) => MapperExtension {
  return mapperExtension(logging(name, hooks), name)
}

function logging(name: string, hooks: readonly string[]): Record<string, (...args: unknown[]) => void> {
  return Object.fromEntries(hooks.map((hook) => [hook, (first?: unknown) => void log.push(`${name}.${hook} ${label(first)}`.trim())]))
}

/** What tells an entity of the shared models from another. */
export function label(entity: unknown): string {
  if (typeof entity !== 'object' || entity === null) return ''
  const { title, name, text } = entity as { title?: string; name?: string; text?: string }
  return title ?? name ?? text ?? ''
}

export interface Database {
  readonly ds: DataSource
  /** Installs flushpoint for the present test, with these session extensions. */
  use(...extensions: SessionExtensionInput[]): DataSource
  install(options: InstallOptions): DataSource
}

/** With ENGINE=fast every spec of the ambient way has its rows written in sets. */
const FAST: InstallOptions = process.env['ENGINE'] === 'fast' ? { fastWrites: true } : {}

/** One data source for the file; after each test it has neither rows nor extensions, and its entities no list. */
export function useDatabase(entities: readonly EntityClass[] = ENTITIES): Database {
  let ds: DataSource
  const uninstalls: (() => void)[] = []
  beforeAll(async () => void (ds = await openDataSource({ entities: [...entities] as never })))
  afterEach(async () => {
    uninstalls.splice(0).forEach((uninstall) => uninstall())
    for (const entity of entities) mapper(entity, { extensions: [] })
    await emptyTables(ds)
    log.length = 0
  })
  const use = (options: InstallOptions) => {
    uninstalls.push(install(ds, { ...FAST, ...options }))
    return ds
  }
  return {
    get ds() {
      return ds
    },
    use: (...extensions) => use({ extensions }),
    install: use,
  }
}

async function emptyTables(ds: DataSource): Promise<void> {
  const known = ds.entityMetadatas
  const last = [...known].sort((a, b) => Number(b.isJunction) - Number(a.isJunction) || known.indexOf(b) - known.indexOf(a))
  for (const { tablePath } of last) {
    const table = tablePath.split('.').map((part) => ds.driver.escape(part))
    await ds.query(`DELETE FROM ${table.join('.')}`)
  }
}

/** Declares a list that holds for the present test. */
export function extend(entity: EntityClass, ...extensions: MapperExtensionInput[]): void {
  mapper(entity, { extensions })
}

/** The error a promise or a call ends with; fails when there is none. */
export async function errorOf(action: Promise<unknown> | (() => unknown)): Promise<Error & { code?: string; fix?: string }> {
  try {
    await (typeof action === 'function' ? action() : action)
  } catch (error) {
    return error as Error & { code?: string; fix?: string }
  }
  throw new Error('Expected an error, got none')
}
