/**
 * Receivers that nobody would call: said once per process, so that each test loads the library anew, before any DataSource is there.
 *
 * @module
 */
import type * as Flushpoint from 'flushpoint'
import type * as ModelSignalsEntry from 'flushpoint/signals'
import type * as TypeORM from 'typeorm'
import { createDatabase, dataSourceOptions, describeDatabase } from '../support/databases.js'
import type * as Music from '../support/music.js'
import { collectWarnings } from '../support/transaction-log.js'

type Loaded = typeof Flushpoint & typeof ModelSignalsEntry & typeof Music & Pick<typeof TypeORM, 'DataSource'>

/** What databases need. */
const OTHERS = {
  doNotFake: [
    'Date',
    'hrtime',
    'nextTick',
    'performance',
    'queueMicrotask',
    'setImmediate',
    'clearImmediate',
    'setInterval',
    'clearInterval',
  ],
} satisfies Parameters<typeof jest.useFakeTimers>[0]

const opened: TypeORM.DataSource[] = []

/** A copy of the library, of TypeORM and of the entities that belong together. */
function load(): Loaded {
  let loaded: Partial<Loaded> = {}
  jest.isolateModules(() => {
    const { DataSource } = jest.requireActual<typeof TypeORM>('typeorm')
    const entries = [
      jest.requireActual<typeof Flushpoint>('flushpoint'),
      jest.requireActual<typeof ModelSignalsEntry>('flushpoint/signals'),
    ]
    loaded = Object.assign({ DataSource }, ...entries, jest.requireActual<typeof Music>('../support/music.js')) as Loaded
  })
  return loaded as Loaded
}

async function open({ DataSource }: Loaded, entities: readonly unknown[], ...subscribers: unknown[]): Promise<TypeORM.DataSource> {
  const options = dataSourceOptions({ entities: entities as never, subscribers: subscribers as never })
  await createDatabase(options)
  const dataSource = new DataSource(options)
  opened.push(dataSource)
  return dataSource.initialize()
}

const nothing = () => undefined

/** Long enough for whoever lists the extension a moment later. */
const wait = () => void jest.advanceTimersByTime(60_000)

beforeEach(() => void jest.useFakeTimers(OTHERS))
afterEach(() => void jest.useRealTimers())

describeDatabase('receivers of a model whose signals nobody sends', () => {
  afterEach(async () => {
    for (const dataSource of opened.splice(0)) await dataSource.destroy()
    jest.restoreAllMocks()
  })

  it('are warned of once, with the fix, when a DataSource comes that maps it', async () => {
    const { codes, messages } = collectWarnings()
    const loaded = load()
    loaded.preSave(loaded.Album)(nothing)
    loaded.postSave(loaded.Genre)(nothing)
    expect(codes).toEqual([])
    await open(loaded, loaded.MUSIC, loaded.sessionSubscriber())
    expect(codes).toEqual([])
    wait()
    expect(codes).toEqual(['SIGNALS_UNLISTED'])
    expect(messages[0]).toContain('sessionSubscriber({ extensions: [ModelSignals] })')
    loaded.preUpdate(loaded.Album)(nothing)
    await open(loaded, loaded.MUSIC, loaded.sessionSubscriber())
    wait()
    expect(codes).toEqual(['SIGNALS_UNLISTED'])
  })

  it('are warned of when it is there already', async () => {
    const { codes } = collectWarnings()
    const loaded = load()
    await open(loaded, loaded.MUSIC, loaded.sessionSubscriber())
    wait()
    expect(codes).toEqual([])
    loaded.onChange(loaded.Album, 'name')(nothing)
    wait()
    expect(codes).toEqual(['SIGNALS_UNLISTED'])
  })

  it.each<[string, (loaded: Loaded) => void]>([
    ['a base class with its subclasses', ({ preSave, Named }) => void preSave(Named, { subclasses: true })(nothing)],
    ['any model', ({ preSave, anyModel }) => void preSave(anyModel)(nothing)],
    ['a model by its signals', ({ signalsOf, Album }) => void signalsOf(Album).preSave.connect(nothing)],
  ])('are warned of, too, where they are of %s', async (_what, connect) => {
    const { codes } = collectWarnings()
    const loaded = load()
    connect(loaded)
    await open(loaded, loaded.MUSIC, loaded.sessionSubscriber())
    wait()
    expect(codes).toEqual(['SIGNALS_UNLISTED'])
  })

  it('are warned of, too, where flushpoint is on no DataSource at all', async () => {
    const { codes } = collectWarnings()
    const loaded = load()
    loaded.preSave(loaded.Album)(nothing)
    await open(loaded, loaded.MUSIC)
    expect(codes).toEqual([])
    wait()
    expect(codes).toEqual(['SIGNALS_UNLISTED'])
  })

  it('are left alone while only other models have a DataSource', async () => {
    const { codes } = collectWarnings()
    const loaded = load()
    loaded.preSave(loaded.Album)(nothing)
    await open(loaded, [loaded.AuditLine], loaded.sessionSubscriber())
    wait()
    expect(codes).toEqual([])
    await open(loaded, loaded.MUSIC, loaded.sessionSubscriber({ extensions: [loaded.ModelSignals] }))
    wait()
    expect(codes).toEqual([])
  })
})

describeDatabase('receivers of a model whose signals are sent', () => {
  afterEach(async () => {
    for (const dataSource of opened.splice(0)) await dataSource.destroy()
    jest.restoreAllMocks()
  })

  it.each<[string, (loaded: Loaded) => Flushpoint.SessionExtensionInput]>([
    ['by class', ({ ModelSignals }) => ModelSignals],
    ['by a class below it', ({ ModelSignals }) => class Own extends ModelSignals {}],
    [
      'by a factory',
      ({ ModelSignals }) =>
        (session) =>
          new ModelSignals(session),
    ],
    ['with options', ({ ModelSignals }) => ModelSignals.with(undefined as never)],
  ])('are not warned of where they are listed %s', async (_how, listed) => {
    const { codes } = collectWarnings()
    const loaded = load()
    loaded.preSave(loaded.Album)(nothing)
    await open(loaded, loaded.MUSIC, loaded.sessionSubscriber({ extensions: [listed(loaded)] }))
    loaded.preSave(loaded.Genre)(nothing)
    wait()
    expect(codes).toEqual([])
  })

  it('are not warned of where a second install lists them a moment later', async () => {
    const { codes } = collectWarnings()
    const loaded = load()
    const dataSource = await open(loaded, loaded.MUSIC, loaded.sessionSubscriber())
    loaded.preSave(loaded.Album)(nothing)
    loaded.install(dataSource, { extensions: [loaded.ModelSignals] })
    wait()
    expect(codes).toEqual([])
  })

  it('are not warned of where a session has them a moment later', async () => {
    const { codes } = collectWarnings()
    const loaded = load()
    const dataSource = await open(loaded, loaded.MUSIC, loaded.sessionSubscriber())
    loaded.preSave(loaded.Album)(nothing)
    const session = loaded.openSession(dataSource, { extensions: [loaded.ModelSignals] })
    session.add(Object.assign(new loaded.AuditLine(), { text: 'builds the extensions' }))
    await session.flush()
    await session.close()
    wait()
    expect(codes).toEqual([])
  })

  it('are not warned of where one session has them', async () => {
    const { codes } = collectWarnings()
    const loaded = load()
    const dataSource = await open(loaded, loaded.MUSIC, loaded.sessionSubscriber())
    const session = loaded.openSession(dataSource, { extensions: [loaded.ModelSignals] })
    session.add(Object.assign(new loaded.AuditLine(), { text: 'builds the extensions' }))
    await session.flush()
    await session.close()
    loaded.preSave(loaded.Album)(nothing)
    wait()
    expect(codes).toEqual([])
  })

  it('are not warned of where they are sent by hand', async () => {
    const { codes } = collectWarnings()
    const loaded = load()
    await open(loaded, loaded.MUSIC, loaded.sessionSubscriber())
    loaded.signalsOf(loaded.Album).define('released').connect(nothing)
    wait()
    expect(codes).toEqual([])
  })
})

describe('receivers that are connected before any DataSource is there', () => {
  it('may be of a class that a schema maps, by its schema', () => {
    const { Label, LabelSchema, preSave, signalsOf } = load()
    expect(() => preSave(Label)(nothing)).toThrow(expect.objectContaining({ code: 'SIGNAL_SENDER_INVALID' }))
    preSave(LabelSchema)(nothing)
    preSave(Label)(nothing) // known by now
    expect(signalsOf(Label).preSave.receivers).toEqual([nothing])
  })

  it('may be of a class with a decorator', () => {
    const { Album, MaxiSingle, preSave, signalsOf } = load()
    preSave([Album, MaxiSingle])(nothing)
    expect([signalsOf(Album).preSave.receivers, signalsOf(MaxiSingle).preSave.receivers]).toEqual([[nothing], [nothing]])
  })
})
