/**
 * Putting flushpoint on a DataSource, and listing extensions: what fits, and the wrong use that must not compile.
 *
 * Checked by the compiler, never run.
 *
 * @module
 */
import { DataSource, EntitySchema, type DataSourceOptions, type EntitySubscriberInterface } from 'typeorm'
import {
  install,
  mapper,
  MapperExtension,
  SessionExtension,
  sessionSubscriber,
  withoutExtensions,
  type EntityState,
  type HookFailure,
  type InstallOptions,
  type Mapper,
  type Session,
} from 'flushpoint'
import { ChangeLog } from './hooks.js'
import { Anything, Article, Audit, Comment, NewsArticle, NewsOnly, Slug, SlugFrom } from './models.js'

interface Users {
  name(id: number): string
}

class Who extends SessionExtension {
  constructor(
    session: Session,
    readonly options: { table: string; users?: Users },
  ) {
    super(session)
  }
}

declare const users: Users

// ---- sessionSubscriber
export const options: DataSourceOptions = {
  type: 'better-sqlite3',
  database: 'news.sqlite',
  entities: [Article],
  subscribers: [sessionSubscriber({ extensions: [ChangeLog] })],
}
export const ds = new DataSource(options)
const bare: new () => EntitySubscriberInterface = sessionSubscriber()
void bare
// @ts-expect-error no such option
sessionSubscriber({ extension: [ChangeLog] })
// @ts-expect-error a list, not one class
sessionSubscriber({ extensions: ChangeLog })
// @ts-expect-error options, not a list
sessionSubscriber([ChangeLog])
// @ts-expect-error a mapper extension belongs to an entity class
sessionSubscriber({ extensions: [Slug] })
// @ts-expect-error a mapper extension with options does so too
sessionSubscriber({ extensions: [SlugFrom.with({ from: 'title' })] })
// @ts-expect-error an instance is no class
sessionSubscriber({ extensions: [new ChangeLog(null as never)] })
// @ts-expect-error required options are missing: the bare class is refused
sessionSubscriber({ extensions: [Who] })
// @ts-expect-error the base class has no hooks
sessionSubscriber({ extensions: [SessionExtension] })
// @ts-expect-error a factory makes its extension at once
sessionSubscriber({ extensions: [async (session: Session) => new ChangeLog(session)] })
// @ts-expect-error no such policy
sessionSubscriber({ globalManager: 'ignore' })
// @ts-expect-error a boolean
sessionSubscriber({ savepoints: 'always' })
// @ts-expect-error a class is made per DataSource: nothing of it is there yet
void sessionSubscriber().beforeInsert

// ---- install
const uninstall: () => void = install(ds, {
  extensions: [ChangeLog, Who.with({ table: 'audit' }), (session) => new Who(session, { table: 'x', users })],
  globalManager: 'join',
  savepoints: true,
  onHookError: (error: unknown, { hook, extension, session }: HookFailure) => void [error, hook, extension, session.context],
})
uninstall()
install(ds)
// @ts-expect-error nothing to give: it takes back just this call
uninstall(ds)
// @ts-expect-error required options are missing: the bare class is refused
install(ds, { extensions: [Who] })
// @ts-expect-error no such option
install(ds, { extension: [ChangeLog] })
// @ts-expect-error a DataSource, not its options
install(options)
// @ts-expect-error a DataSource, not its manager
install(ds.manager)
// @ts-expect-error a DataSource, not the class
install(DataSource)
// @ts-expect-error mapper extensions are declared with @Extensions or mapper(...)
install(ds, { extensions: [Audit] })
// @ts-expect-error an error listener is given the error first
install(ds, { onHookError: (failure: HookFailure) => void failure.hook })
// @ts-expect-error a function
install(ds, { resolve: new Map() })
// @ts-expect-error no such option of the extension
Who.with({ tabel: 'audit' })
// @ts-expect-error a required option is missing
Who.with({})
// @ts-expect-error undefined is no value of an optional option
Who.with({ table: 'audit', users: undefined })
export const shared: InstallOptions = { extensions: [ChangeLog] }

// ---- mapper
mapper(Article, { extensions: [Slug, Audit, (owner) => new Slug(owner)] })
// @ts-expect-error an extension of another entity
mapper(Comment, { extensions: [Slug] })
// @ts-expect-error an extension of a subclass does not fit a class above it
mapper(Article, { extensions: [NewsOnly] })
// @ts-expect-error a session extension belongs to the DataSource
mapper(Article, { extensions: [ChangeLog] })
// @ts-expect-error required options are missing: the bare class is refused
mapper(Article, { extensions: [SlugFrom] })
// @ts-expect-error no such option
mapper(Article, { extension: [Slug] })
mapper(NewsArticle, { extensions: [NewsOnly, Slug, Audit, Anything, SlugFrom.with({ from: 'title' })] })
const declared: readonly unknown[] = mapper(Article).extensions

interface Plain {
  id: number
  title: string
}
class PlainTitle extends MapperExtension<Plain> {
  override beforeInsert(entity: Plain, state: EntityState<Plain>) {
    void [entity.title, state.changes.title]
  }
}
const PlainSchema = new EntitySchema<Plain>({ name: 'plain', columns: {} as never })
mapper(PlainSchema, { extensions: [PlainTitle] })
// @ts-expect-error an extension of another entity
mapper(PlainSchema, { extensions: [Slug] })

// ---- withoutExtensions
const count: number = withoutExtensions(() => 1)
const saved: Promise<Article> = withoutExtensions({ journal: true }, () => ds.manager.save(new Article()))
// @ts-expect-error what it returns is what the function returns
const wrong: string = withoutExtensions(() => 1)
// @ts-expect-error silence ends with its function, so there must be one
withoutExtensions()
// @ts-expect-error options alone silence nothing
withoutExtensions({ journal: true })
// @ts-expect-error a function, not what it returned
withoutExtensions(saved)
// @ts-expect-error options come first
withoutExtensions(() => 1, { journal: true })
// @ts-expect-error no such option
withoutExtensions({ journals: true }, () => 1)
// @ts-expect-error a boolean
withoutExtensions({ journal: 'keep' }, () => 1)
// @ts-expect-error the function gets no argument
withoutExtensions((session: Session) => session)
void [declared, count, wrong]
export type Both = [EntityState<Article>, Mapper]
