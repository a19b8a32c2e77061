/** A class listed twice in one list runs twice, and the operator is told once. */
import { mapper, sessionSubscriber } from 'flushpoint'
import { extend, log, mapperLog, sessionLog, useDatabase } from '../support/chains.js'
import { Article, make, Tag } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

interface Warning {
  readonly code: string | undefined
  readonly message: string
}

/** The warnings of ours that `action` gives to Node's warning channel. */
function warningsOf(action: () => unknown): Warning[] {
  const emit = jest.spyOn(process, 'emitWarning').mockImplementation()
  action()
  const calls = emit.mock.calls as unknown as [message: string, options: { type: string; code?: string }][]
  const warnings = calls.filter(([, { type }]) => type === 'FlushpointWarning').map(([message, { code }]) => ({ code, message }))
  emit.mockRestore()
  return warnings
}

describe('an extension listed twice', () => {
  afterEach(() => {
    mapper(Article, { extensions: [] })
    mapper(Tag, { extensions: [] })
  })

  // ming row 8
  it('warns once, with its name, however often the list is declared', () => {
    const Twice = mapperLog('DeclaredTwice', ['beforeInsert'])
    const warnings = warningsOf(() => {
      mapper(Article, { extensions: [Twice, Twice, Twice] })
      mapper(Tag, { extensions: [Twice, Twice] })
    })
    expect(warnings.map(({ code }) => code)).toEqual(['EXTENSION_LISTED_TWICE'])
    expect(warnings[0]!.message).toContain('"DeclaredTwice" is listed twice in one list: each of its hooks runs twice')
  })

  // ming row 8
  it('at session level warns as well', () => {
    const Twice = sessionLog('SubscribedTwice', ['beforeFlush'])
    const warnings = warningsOf(() => sessionSubscriber({ extensions: [Twice, Twice] }))
    expect(warnings.map(({ code, message }) => [code, message.includes('SubscribedTwice')])).toEqual([['EXTENSION_LISTED_TWICE', true]])
  })

  it('does not warn where it is listed once in each of several lists, or by factories', () => {
    const Once = mapperLog('OnceInEach', ['beforeInsert'])
    const warnings = warningsOf(() => {
      mapper(Article, { extensions: [Once, (own) => new Once(own)] })
      mapper(Tag, { extensions: [Once] })
    })
    expect(warnings).toEqual([])
  })
})

describeWays('the hooks of an extension listed twice', (way) => {
  const db = useDatabase()

  // ming row 8
  it('run twice, at its places in the order', async () => {
    const [Twice, Other] = [mapperLog('RunsTwice', ['beforeInsert']), mapperLog('Other', ['beforeInsert'])]
    const Session = sessionLog('SessionTwice', ['beforeInsert'])
    extend(Article, Twice, Other, Twice)
    await way.save(db.use(Session, Session), make(Article, { title: 'A' }))
    expect(log).toEqual([
      ...['SessionTwice.beforeInsert A', 'SessionTwice.beforeInsert A'],
      ...['RunsTwice.beforeInsert A', 'Other.beforeInsert A', 'RunsTwice.beforeInsert A'],
    ])
  })
})
