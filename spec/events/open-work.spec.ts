/** What waits for a commit, and what does not. */
import { SessionError } from '../../lib/core/errors.js'
import { isInTransaction, NEVER_COMMITTED, openWork, setOpenWorkSource, whenCommitted, type OpenWork } from '../../lib/events/open-work.js'

class Work implements OpenWork {
  readonly callbacks: (() => void | Promise<void>)[] = []

  constructor(readonly error?: Error) {}

  onCommit(fn: () => void | Promise<void>): void {
    if (this.error !== undefined) throw this.error
    this.callbacks.push(fn)
  }
}

const refusing = (code: 'SESSION_WITHOUT_TRANSACTION' | 'SESSION_ENDED' | 'SESSION_CLOSED') =>
  new Work(new SessionError(code, { method: 'onCommit' }))

describe('whenCommitted', () => {
  afterEach(() => setOpenWorkSource(() => undefined))

  it('calls at once where nobody has open work', () => {
    const seen: string[] = []
    whenCommitted(() => seen.push('called'))
    expect([openWork(), seen]).toEqual([undefined, ['called']])
  })

  it('waits for the work around the call, or for the one that is named', () => {
    const [around, named, seen] = [new Work(), new Work(), [] as string[]]
    setOpenWorkSource(() => around)
    whenCommitted(() => seen.push('around'))
    whenCommitted(() => seen.push('named'), named)
    expect([seen, around.callbacks.length, named.callbacks.length]).toEqual([[], 1, 1])
    for (const fn of [...named.callbacks, ...around.callbacks]) void fn()
    expect(seen).toEqual(['named', 'around'])
  })

  it.each(['SESSION_WITHOUT_TRANSACTION', 'SESSION_ENDED', 'SESSION_CLOSED'] as const)(
    'calls at once where the work around the call answers %s',
    (code) => {
      const seen: string[] = []
      setOpenWorkSource(() => refusing(code))
      whenCommitted(() => seen.push('called'))
      expect(seen).toEqual(['called'])
    },
  )

  it('never calls where the work around the call was rolled back', () => {
    const seen: string[] = []
    setOpenWorkSource(() => NEVER_COMMITTED)
    whenCommitted(() => seen.push('called'))
    expect([seen, isInTransaction()]).toEqual([[], false])
  })

  it('throws any other error, and calls nothing', () => {
    const seen: string[] = []
    setOpenWorkSource(() => new Work(new Error('broken')))
    expect(() => whenCommitted(() => seen.push('called'))).toThrow('broken')
    expect(seen).toEqual([])
  })

  it.each(['SESSION_ENDED', 'SESSION_CLOSED'] as const)('throws %s of work that is named', (code) => {
    const seen: string[] = []
    expect(() => whenCommitted(() => seen.push('called'), refusing(code))).toThrow(SessionError)
    whenCommitted(() => seen.push('none open'), refusing('SESSION_WITHOUT_TRANSACTION'))
    expect(seen).toEqual(['none open'])
  })
})
