/** The context travels with asynchronous calls and ends with its function. */
import { currentContext, withContext } from '../../lib/core/context'

describe('withContext', () => {
  it('gives what the function returns', async () => {
    expect(withContext({ actor: 'ann' }, () => 7)).toBe(7)
    await expect(withContext({ actor: 'ann' }, () => Promise.resolve(7))).resolves.toBe(7)
  })

  it('holds for what is awaited inside, and ends with it', async () => {
    await withContext({ actor: 'ann' }, async () => {
      await new Promise(setImmediate)
      expect(currentContext()).toEqual({ actor: 'ann' })
    })
    expect(currentContext()).toEqual({})
  })

  it('is merged over the one around it', () => {
    withContext({ actor: 'ann', tenant: 't1' }, () => {
      withContext({ actor: 'bob', requestId: 'r' }, () => expect(currentContext()).toEqual({ actor: 'bob', tenant: 't1', requestId: 'r' }))
      expect(currentContext()).toEqual({ actor: 'ann', tenant: 't1' })
    })
  })

  it('is frozen and a copy of what was given', () => {
    const given = { actor: 'ann' }
    withContext(given, () => {
      given.actor = 'changed'
      expect(currentContext()).toEqual({ actor: 'ann' })
      expect(() => Object.assign(currentContext(), { actor: 'bob' })).toThrow(TypeError)
    })
  })

  it('ends with an error as well', () => {
    const fail = () =>
      withContext({ actor: 'ann' }, () => {
        throw new Error('no')
      })
    expect(fail).toThrow('no')
    expect(currentContext()).toEqual({})
  })

  it('of calls that interleave is never mixed', async () => {
    const names = ['a', 'b', 'c', 'd']
    const call = async (name: string, turns: number) => {
      const seen: unknown[] = []
      for (let turn = 0; turn < turns; turn++) {
        await new Promise(setImmediate)
        seen.push(currentContext().actor)
      }
      return seen
    }
    const seen = await Promise.all(names.map((actor, index) => withContext({ actor }, () => call(actor, index + 2))))
    expect(seen.map((actors) => [...new Set(actors)])).toEqual(names.map((name) => [name]))
  })
})
