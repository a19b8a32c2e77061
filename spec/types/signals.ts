/**
 * Receivers of model signals as a program writes them, and what must not compile.
 *
 * Checked by the compiler, never run.
 *
 * @module
 */
import type { BulkStatement, Change, EntityClass, EntityState, Key, Session } from 'flushpoint'
import {
  anyModel,
  ModelSignals,
  onChange,
  postBulkUpdate,
  postDelete,
  postRelationAdd,
  preBulkInsert,
  preSave,
  preUpdate,
  Signal,
  signalsOf,
  type Connection,
  type Outcome,
  type SignalPayload,
} from 'flushpoint/signals'
import { sessionSubscriber } from 'flushpoint'
import { EntitySchema } from 'typeorm'
import { Article, Author, Comment, Tag } from './models.js'

void sessionSubscriber({ extensions: [ModelSignals] })

// ---- what a payload knows

const off = preUpdate(Article)(({ instance, sender, state, session }) => {
  const title: string = instance.title
  const from: string | undefined = state.changes.title?.from
  const to: string | undefined = state.changes.title?.to
  const model: EntityClass<Article> = sender
  const own: Session = session
  void [title, from, to, model, own]
  // @ts-expect-error no such column
  void instance.titel
  // @ts-expect-error no such column
  void state.changes.titel
  // @ts-expect-error what was sent stays what it is
  state.changes.title = undefined
})
off()

preUpdate([Article, Comment])(
  ({ instance }) => {
    if (instance instanceof Comment) void instance.text
    else void instance.title
  },
  { once: true },
)
preUpdate([Article, Comment])((payload: SignalPayload<Article> | SignalPayload<Comment>) => void payload)
preUpdate([Article, Comment])((payload) => {
  const each: SignalPayload<Article> | SignalPayload<Comment> = payload
  void each
})
preUpdate([Article, Comment])((payload: SignalPayload) => void payload)
preSave(anyModel)(({ instance, state }) => {
  const any: object = instance
  const known: EntityState<object> = state
  void [any, known]
  // @ts-expect-error any model may be anything
  void instance.title
})
preSave(new EntitySchema<Tag>({ name: 'Tag', target: Tag, columns: {} }))(({ instance }) => void instance.name)
postDelete(Article, { subclasses: true, uid: 'log', abortSignal: AbortSignal.timeout(10) })(async ({ state }) => {
  await Promise.resolve(state.key.id)
})
{
  using connection: Connection = signalsOf(Article).preSave.connect(({ instance }) => void instance.title)
  connection()
}
postRelationAdd(Article)(({ instance, child, relationName }) => {
  if (relationName === 'tags' && child instanceof Tag) void child.name
  void instance.title
  // @ts-expect-error which class it is has to be asked
  void child.name
})
postBulkUpdate(Article)(({ statement, changes }) => {
  const told: BulkStatement<Article> = statement
  const rows: readonly Change<Article>[] = changes
  const title: string | undefined = changes[0]?.changes.title?.to
  void [told, rows, title]
  // @ts-expect-error a statement has no instance
  void statement.instance
})
// @ts-expect-error nor has its payload
preBulkInsert(Article)(({ instance }) => void instance)

// ---- receivers

// @ts-expect-error the payload is one object
preUpdate(Article)((instance: Article) => void instance)
// @ts-expect-error there is no second parameter
preUpdate(Article)(({ instance }: SignalPayload<Article>, more: object) => void [instance, more])
// @ts-expect-error the payload of another model
preUpdate(Article)(({ instance }: SignalPayload<Comment>) => void instance.text)
const titles: string[] = []
preUpdate(Article)(({ instance }) => titles.push(instance.title)) // what it returns is heard by sendRobust
// @ts-expect-error a method is connected by its owner: signalsOf(Article).preUpdate.connect(owner, 'method')
preUpdate(Article)(new Map(), 'get')
// @ts-expect-error no such option
preUpdate(Article)(() => undefined, { onec: true })

class Receivers {
  @preUpdate(Article)
  static onUpdate({ instance }: { instance: Article }) {
    void instance.title
  }
  @preUpdate([Article, Comment])
  @preSave(Article, { once: true })
  static async onWrite({ instance }: { readonly instance: object }) {
    await Promise.resolve(instance)
  }
  // @ts-expect-error an instance method has no instance to be called on
  @preUpdate(Article)
  wrong({ instance }: { instance: Article }) {
    void instance.title
  }
  // @ts-expect-error of another model
  @preUpdate(Article)
  static wrongModel({ instance }: { instance: Comment }) {
    void instance.text
  }
  // @ts-expect-error a payload, not an instance
  @preUpdate(Article)
  static wrongPayload(instance: Article) {
    void instance.title
  }
}
void Receivers

// ---- senders

// @ts-expect-error a string is no model
preSave('Article')
// @ts-expect-error an instance is none either
preSave(new Article())
// @ts-expect-error one of them is none
preSave([Article, 'Comment'])
// @ts-expect-error nobody would be heard
preSave([])
// @ts-expect-error a module that was not loaded yet
preSave(undefined)
// @ts-expect-error no such option
preSave(Article, { subclasess: true })

// ---- the signals of a model

signalsOf(new Article()).preInsert.connect(({ instance }) => void instance.title)
signalsOf(anyModel).postSave.connect(({ instance }) => void instance)
signalsOf(Article).preSave.connect(
  new (class Listener {
    listen(_payload: SignalPayload<Article>) {}
  })(),
  'listen',
  { subclasses: true },
)
const gone: boolean = signalsOf(Article).preSave.disconnect({ uid: 'log' })
const same = signalsOf(Article)
  .get('preRelationAdd')
  .connect(({ child }) => void child)
void [gone, same]
// @ts-expect-error no such signal
void signalsOf(Article).preSvae
// @ts-expect-error signals cannot be replaced
signalsOf(Article).preSave = new Signal('own')
class Listeners {
  readonly label = 'listeners'
  constructor() {
    signalsOf(Article).preSave.connect(this, 'onArticle')
  }
  onArticle({ instance }: SignalPayload<Article>) {
    void instance.title
  }
  onComment({ instance }: SignalPayload<Comment>) {
    void instance.text
  }
}
// @ts-expect-error the payload of another model
signalsOf(Article).preSave.connect(new Listeners(), 'onComment')
// @ts-expect-error no method
signalsOf(Article).preSave.connect(new Listeners(), 'label')
// @ts-expect-error its parameter is a key
signalsOf(Article).preSave.connect(new Map<string, string>(), 'get')
// @ts-expect-error no such method
signalsOf(Article).preSave.connect(new Map<string, string>(), 'gett')
// @ts-expect-error a text is no model
signalsOf('Article')

const released = signalsOf(Article).define<{ instance: Article; year: number }>('released')
released.connect(({ sender, instance, year }) => {
  const model: EntityClass<Article> = sender
  const text: string = `${instance.title} ${year.toFixed()}`
  void [model, text]
})
void released.send({ sender: Article, instance: new Article(), year: 1971 })
void released.sendConcurrent({ sender: Article, instance: new Article(), year: 1971 })
void released
  .sendRobust({ sender: Article, instance: new Article(), year: 1971 })
  .then((outcomes: readonly Outcome[]) => outcomes[0]?.value)
// @ts-expect-error without a sender nobody would hear of it
void released.send({ instance: new Article(), year: 1971 })
// @ts-expect-error of another model
void released.send({ sender: Comment, instance: new Article(), year: 1971 })
// @ts-expect-error something is missing
void released.send({ sender: Article, instance: new Article() })

const announced = signalsOf(Article).define('announced')
announced.connect(({ instance, sender }) => void [instance?.title, sender.name])
void announced.send({ sender: Article, instance: new Article() })
void announced.send({ sender: Article, year: 1971 })
// @ts-expect-error not of this model
void announced.send({ sender: Article, instance: new Tag() })

// ---- helpers for any model

function audit<E extends object>(model: EntityClass<E>, log: (instance: E) => void): Connection {
  return preUpdate(model)(({ instance }) => log(instance))
}
void audit(Article, ({ title }) => void title)

// ---- changes of a field

onChange(Author, 'name', { to: 'x' })(({ from, to, instance, change }) => {
  const text: string | undefined = to
  const before: string | undefined = from
  const all: Change<Author> = change
  void [text, before, instance.id, all]
})
onChange(
  Article,
  'editor',
)(({ to }) => {
  const editor: Key<Author> | null | undefined = to // a lazy relation, too, is told as the key it leads to
  void editor
  // @ts-expect-error a key may not tell the name
  const name: string = to!.name
  void name
})
onChange(Article, 'editor', { to: { id: 7 } })
onChange(Article, 'published')(({ to }) => void to?.toISOString())
class Address {
  city: string
  country: string | null
}
class Customer {
  id: number
  address: Address
  billing?: Address | null
}
onChange(Customer, 'address.city', { from: 'Turin' })(({ from, to, instance }) => {
  const cities: (string | undefined)[] = [from, to]
  void [cities, instance.address]
})
onChange(
  Customer,
  'billing.country',
)(({ to }) => {
  const country: string | null | undefined = to
  void country
})
// @ts-expect-error no such column in there
onChange(Customer, 'address.citty')
// @ts-expect-error no such value
onChange(Customer, 'address.city', { to: 3 })
onChange(Author, 'company', { from: null, once: true, subclasses: true })
// @ts-expect-error no such column
onChange(Author, 'nme')
// @ts-expect-error a method is no column
onChange(Article, 'publish')
// @ts-expect-error no such value
onChange(Author, 'name', { to: 3 })
// @ts-expect-error no such option
onChange(Author, 'name', { too: 'x' })
// @ts-expect-error the change is one object
onChange(Author, 'name')((from: string, to: string) => void [from, to])
// @ts-expect-error one model, so that the field is known
onChange([Author, Tag], 'name')
