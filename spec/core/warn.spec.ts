/** Process warnings: what of a message reaches the operator's terminal. */
import { warn } from '../../lib/core/warn.js'
import { warnings } from '../support/events.js'

describe('a warning', () => {
  afterEach(() => jest.restoreAllMocks())

  it('is cut where what others have thrown is too long', () => {
    const said = warnings()
    warn('HOOK_FAILED', 'y'.repeat(50_000))
    expect(said).toEqual([{ code: 'HOOK_FAILED', message: `${'y'.repeat(2_000)}…` }])
  })

  it('commands no terminal, and keeps its lines', () => {
    const said = warnings()
    warn('HOOK_FAILED', 'a\u001b[2Jb\r\n\tc')
    expect(said[0]!.message).toBe('a\\u001b[2Jb\\u000d\n\tc')
  })
})
