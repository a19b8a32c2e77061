/** How far a call is silenced, and that silence ends with its function. */
import { currentSilence, withoutExtensions } from '../../lib/core/silence'

describe('withoutExtensions', () => {
  it('silences everything, or with { journal: true } the hooks alone', () => {
    expect(withoutExtensions(currentSilence)).toBe('all')
    expect(withoutExtensions({ journal: true }, currentSilence)).toBe('hooks')
    expect(withoutExtensions({ journal: false }, currentSilence)).toBe('all')
    expect(withoutExtensions({}, currentSilence)).toBe('all')
  })

  it('is never weakened by one inside', () => {
    expect(withoutExtensions(() => withoutExtensions({ journal: true }, currentSilence))).toBe('all')
    expect(withoutExtensions({ journal: true }, () => withoutExtensions(currentSilence))).toBe('all')
  })

  it('holds for what is awaited inside, and never leaks to the caller', async () => {
    const inside = withoutExtensions(async () => {
      await new Promise(setImmediate)
      return currentSilence()
    })
    expect(currentSilence()).toBeUndefined()
    expect(await inside).toBe('all')
    expect(currentSilence()).toBeUndefined()
  })

  it('gives what the function returns, and its error', async () => {
    expect(withoutExtensions(() => 7)).toBe(7)
    await expect(withoutExtensions(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  })
})
