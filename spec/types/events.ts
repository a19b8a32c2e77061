/**
 * Events, listeners and plugins as a program writes them, and what must not compile.
 *
 * Checked by the compiler, never run. Names declared here merge into the whole program, so no other file relies on them.
 *
 * @module
 */
import {
  batchEvents,
  catalogue,
  defineEvent,
  defineEvents,
  DomainEvent,
  EventPlugin,
  InsertRowsEvent,
  LoginEvent,
  onEvent,
  onEventError,
  registerEvents,
  registerPlugin,
  setPluginDispatcher,
  track,
  triggerEvent,
  type EventPayloads,
  type ListenerCall,
  type StandardSchemaV1,
} from 'flushpoint/events'
import { openSession, type Session } from 'flushpoint'
import type { DataSource } from 'typeorm'

const Published = defineEvent<{ articleId: number; price: number }>()('article.published')
track(new Published({ articleId: 3, price: 2 }))
track(new Published({ articleId: 3, price: 2 }, { actor: 'me' }))
// @ts-expect-error no such property
new Published({ articleid: 3 })
// @ts-expect-error the payload is required
new Published()
// @ts-expect-error an event can only be read
new Published({ articleId: 3, price: 2 }).price = 3
const eventName: 'article.published' = Published.eventName

onEvent(Published)((e) => {
  const id: number = e.articleId
  const n: 'article.published' = e.name
  const at: Date = e.created
  const told: Readonly<Record<string, unknown>> = e.properties()
  // @ts-expect-error no such property
  e.articleid
  // @ts-expect-error the time is that of the construction
  e.created = new Date()
  void [id, n, at, told]
})
onEvent(Published)(async ({ articleId }, { abortSignal }: ListenerCall) => void [articleId, abortSignal.aborted], {
  once: true,
  concurrency: 2,
  timeoutMs: 5,
  abortSignal: AbortSignal.timeout(1),
})
onEvent('article.*')((e) => void [e.name, e.actor, e.properties()])
// @ts-expect-error an event known by its name alone tells no articleId
onEvent('article.*')((e) => void e.articleId)
onEvent(Published)((e) => e.articleId) // what it returns is nobody's
onEvent(Published)(async (e) => e.articleId)
// @ts-expect-error no such option
onEvent(Published)(() => {}, { concurency: 2 })
// @ts-expect-error a class that is no event
onEvent(Date)
// @ts-expect-error a listener of another event
onEvent(Published)((e: { readonly name: 'article.withdrawn' }) => void e)
{
  using off = onEvent(Published)(() => {})
  off()
}

// ---- without a payload, and with a schema

const Restarted = defineEvent<object>()('server.restarted')
track(new Restarted())

const Listed = defineEvent<{ price: number; count?: number }>()('article.listed', { fields: ['price', 'count'] })
track(new Listed({ price: 1 }))
// @ts-expect-error no such property to list
defineEvent<{ price: number }>()('article.listed', { fields: ['prize'] })
// @ts-expect-error every event has a name of its own
defineEvent<{ name: string; id: number }>()('article.named')

declare const schema: StandardSchemaV1<{ at: string }, { at: Date }>
const Sold = defineEvent('article.sold', schema)
track(new Sold({ at: '2026-01-01' }))
// @ts-expect-error the schema makes dates of texts
new Sold({ at: new Date() })
onEvent(Sold)(({ at }) => void at.getTime())
// @ts-expect-error what is no schema
defineEvent('article.sold', { at: String })

const Build = defineEvents('build', ['issued', 'completed'])
const issued: 'build.issued' = Build.issued
// @ts-expect-error a typo
Build.isued

// ---- classes

class Withdrawn extends DomainEvent {
  static override readonly eventName = 'article.withdrawn'
  constructor(readonly articleId: number) {
    super()
  }
}
registerEvents(Withdrawn, Published)[Symbol.dispose]()
const later: Promise<() => void> = registerEvents(async () => Promise.resolve([Withdrawn]))
onEvent(Withdrawn)(({ articleId }) => void articleId.toFixed())
onEvent(DomainEvent)(({ name }) => void name.length)
// @ts-expect-error the base has no name, and cannot be made
new DomainEvent()
// @ts-expect-error an instance is no class
registerEvents(new Withdrawn(3))

declare const dataSource: DataSource
track(new Withdrawn(3), { session: openSession(dataSource) })
// @ts-expect-error a DataSource commits nothing
track(new Withdrawn(3), { session: dataSource })

for (const { name, fields, isBuiltIn } of catalogue) void [name.length, fields.length, isBuiltIn]
const printed: string = String(catalogue)

// the trap of the name Event: forgotten import, DOM's Event, no error …
class DomSold extends Event {
  constructor(readonly price: number) {
    super('sold')
  }
}
// @ts-expect-error … and it is refused only where it is used
track(new DomSold(3))
// @ts-expect-error the same trap
registerEvents(DomSold)

// ---- built in

track(new LoginEvent())
track(new LoginEvent({ actor: { id: 'root' } }))
track(new InsertRowsEvent({ database: 'news', table: 'article', num_rows: 2, ignore: false, replace: false, actor: null }))
// @ts-expect-error replace is missing
new InsertRowsEvent({ database: 'news', table: 'article', num_rows: 2, ignore: false })
// @ts-expect-error a time of its own
new LoginEvent({ created: new Date() })
onEvent(InsertRowsEvent)(({ num_rows, table, name }: InsertRowsEvent) => {
  const n: 'insert-rows' = name
  void [num_rows.toFixed(), table.length, n]
})

// ---- plugins

declare module 'flushpoint/events' {
  interface EventPayloads {
    'build.issued': { id: number }
  }
}

class P extends EventPlugin<'build.issued'> {
  slug = 'p'
  override wantsProcessEvent(n: string) {
    return n === Build.issued
  }
  processEvent(e: { name: 'build.issued'; payload: { id: number } }) {
    e.payload.id
  }
}
triggerEvent('build.issued', { id: 3 })
triggerEvent(Build.issued, { id: 3 })
enum BuildEvents {
  issued = 'build.issued',
  lost = 'build.lost',
}
triggerEvent(BuildEvents.issued, { id: 3 })
// @ts-expect-error the payload of the name
triggerEvent(BuildEvents.issued, { id: '3' })
// @ts-expect-error a member that was not declared
triggerEvent(BuildEvents.lost, { id: 3 })
function forward<N extends keyof EventPayloads>(name: N, payload: EventPayloads[N], session: Session) {
  triggerEvent(name, payload)
  triggerEvent(name, payload, { session })
}
declare const openSessionOf: Session
triggerEvent('build.issued', { id: 3 }, { session: openSessionOf })
triggerEvent(BuildEvents.issued, { id: 3 }, { session: openSessionOf })
// @ts-expect-error no session
triggerEvent(BuildEvents.issued, { id: 3 }, { session: 3 })
// @ts-expect-error an option nobody knows
triggerEvent('build.issued', { id: 3 }, { sesion: openSessionOf })
void forward
// @ts-expect-error another payload
triggerEvent('build.issued', { id: '3' })
// @ts-expect-error a name nobody has declared
triggerEvent('build.isued', { id: 3 })

class Any extends EventPlugin {
  readonly slug = 'any'
  async processEvent({ name, payload }: { name: string; payload: unknown }, { abortSignal }: { abortSignal: AbortSignal }) {
    // @ts-expect-error nothing is known of the payload
    payload.id
    await Promise.resolve([name, abortSignal])
  }
}
class Both extends EventPlugin<'build.issued' | 'plugin_activated'> {
  readonly slug = 'both'
  processEvent(
    event: { name: 'build.issued'; payload: { id: number } } | { name: 'plugin_activated'; payload: { slug: string; active: boolean } },
  ) {
    if (event.name === 'build.issued') event.payload.id.toFixed()
    else event.payload.slug.length
  }
}
const handle = registerPlugin(new P(), { active: false })
handle.active = true
registerPlugin(new Any())()
registerPlugin(new Both())
// @ts-expect-error a class is no plugin
registerPlugin(P)
// @ts-expect-error its name is not to be set
handle.slug = 'q'

class Unfinished extends EventPlugin {
  slug = 'unfinished'
  // @ts-expect-error a filter answers at once
  override async wantsProcessEvent() {
    return Promise.resolve(true)
  }
  processEvent() {}
}
// @ts-expect-error there is nothing that processes
class WithoutHandler extends EventPlugin {
  slug = 'without'
}
const batched: Promise<number> = batchEvents(async () => Promise.resolve(7))
setPluginDispatcher({ dispatch: (plugin, event) => void [plugin.slug, event.name, event.payload] })
onEventError((error, { event, listener }) => console.error(event.name, listener, error))

void [eventName, issued, later, printed, Unfinished, WithoutHandler, batched]
