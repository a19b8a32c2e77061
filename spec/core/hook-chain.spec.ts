/** A chain of extensions calls those that override a hook, in listed order. */
import { HookChain } from '../../lib/core/hook-chain'

class Base {
  constructor(readonly name: string) {}
  before(..._args: unknown[]): unknown {
    return undefined
  }
  after(..._args: unknown[]): unknown {
    return undefined
  }
}

const seen: string[] = []
beforeEach(() => void (seen.length = 0))

class Speaks extends Base {
  override before(...args: unknown[]) {
    seen.push([this.name, ...args].join(' '))
  }
}
class Inherits extends Speaks {}
class ByField extends Base {
  override before = (...args: unknown[]) => void seen.push([this.name, ...args].join(' '))
}
const chain = (...instances: Base[]) => new HookChain<Base>(instances, Base.prototype)

describe('a hook chain', () => {
  it('calls what overrides the hook, by method, inheritance or class field, in listed order and with all arguments', () => {
    const hooks = chain(new Speaks('one'), new Base('silent'), new ByField('two'), new Inherits('three'))
    expect(hooks.run('before', 1, 'x')).toBeUndefined()
    expect(seen).toEqual(['one 1 x', 'two 1 x', 'three 1 x'])
  })

  it('says which hooks somebody listens to', () => {
    const hooks = chain(new Speaks('one'))
    expect([hooks.has('before'), hooks.has('after')]).toEqual([true, false])
    expect(hooks.overriding('before').map(({ name }) => name)).toEqual(['one'])
  })

  it('finds a hook set on an instance', () => {
    const instance = Object.assign(new Base('assigned'), { after: () => void seen.push('assigned') })
    void chain(instance).run('after')
    expect(seen).toEqual(['assigned'])
  })

  it('hears an appended instance from the next event on', async () => {
    const hooks = chain(new Speaks('one'))
    const late = Object.assign(new Base('first'), {
      after: async () => {
        await Promise.resolve()
        hooks.append(Object.assign(new Base('late'), { after: () => void seen.push('late') }))
      },
    })
    hooks.append(late)
    await hooks.run('after')
    expect(seen).toEqual([])
    await hooks.run('after')
    expect(seen).toEqual(['late'])
  })

  it('does not touch the list it was made from', () => {
    const list = [new Speaks('one')]
    new HookChain<Base>(list, Base.prototype).append(new Speaks('two'))
    expect(list).toHaveLength(1)
  })

  it('waits for each before the next, and stops at the first error', async () => {
    const error = new Error('no')
    const failing = Object.assign(new Base('failing'), { before: () => Promise.reject(error) })
    await expect(chain(new Speaks('one'), failing, new Speaks('never')).run('before')).rejects.toBe(error)
    expect(seen).toEqual(['one'])
  })

  it('runs each in isolation when told to, and hands every error over with its instance', async () => {
    const [error, errors] = [new Error('no'), [] as unknown[]]
    const failing = [
      () => {
        throw error
      },
      () => Promise.reject(error),
    ].map((before) => Object.assign(new Base('failing'), { before }))
    await chain(failing[0]!, new Speaks('two'), failing[1]!, new Speaks('four')).runIsolated('before', ['x'], (...args) =>
      errors.push(args),
    )
    expect(seen).toEqual(['two x', 'four x'])
    expect(errors).toEqual([
      [error, failing[0]],
      [error, failing[1]],
    ])
  })

  it('refuses a promise where the caller is synchronous, names hook and class, and lets no rejection escape', async () => {
    class Late extends Base {
      override before() {
        return Promise.reject(new Error('unseen'))
      }
    }
    expect(() => chain(new Speaks('one'), new Late('late')).runSynchronously('before')).toThrow(
      expect.objectContaining({ code: 'HOOK_MUST_BE_SYNCHRONOUS', message: expect.stringContaining('"before" of "Late"') as string }),
    )
    await new Promise(setImmediate) // a rejection nobody observed would fail this test here
    expect(seen).toEqual(['one'])
  })
})
