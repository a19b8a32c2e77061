/** Steps run strictly one after another, whatever they return. */
import fc from 'fast-check'
import { isThenable, runInOrder } from '../../lib/core/run-in-order'

describe('runInOrder', () => {
  it('is synchronous, with no promise made, while every step is', () => {
    const seen: number[] = []
    expect(runInOrder([1, 2, 3], (item) => void seen.push(item))).toBeUndefined()
    expect(seen).toEqual([1, 2, 3])
  })

  it('waits for a promise before the next step begins', async () => {
    const seen: string[] = []
    const running = runInOrder(['a', 'b'], async (item) => {
      seen.push(`${item} begins`)
      await Promise.resolve()
      seen.push(`${item} ends`)
    })
    expect(seen).toEqual(['a begins'])
    await running
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
  })

  it('throws a synchronous error as it is and stops', () => {
    const [error, seen] = [new Error('no'), [] as number[]]
    const step = (item: number) => {
      seen.push(item)
      if (item === 2) throw error
    }
    expect(() => runInOrder([1, 2, 3], step)).toThrow(error)
    expect(seen).toEqual([1, 2])
  })

  it.each(['a thrown error', 'a rejection'])('after a promise rejects with the very error of %s and stops', async (how) => {
    const [error, seen] = [new Error('no'), [] as number[]]
    const step = (item: number) => {
      seen.push(item)
      if (item === 1) return Promise.resolve()
      if (how === 'a rejection') return Promise.reject(error)
      throw error
    }
    await expect(runInOrder([1, 2, 3], step)).rejects.toBe(error)
    expect(seen).toEqual([1, 2])
  })

  it('does not see what is added to the list while it waits', async () => {
    const [items, seen] = [[1, 2], [] as number[]]
    await runInOrder(items, async (item) => {
      seen.push(item)
      await Promise.resolve()
      items.push(9)
    })
    expect(seen).toEqual([1, 2])
  })

  it('keeps the order for any mixture of values, promises and thenables, up to the first error', async () => {
    const kinds = fc.constantFrom('value', 'promise', 'thenable', 'throw', 'reject')
    await fc.assert(
      fc.asyncProperty(fc.array(kinds), async (steps) => {
        const events: string[] = []
        const error = new Error('no')
        let outcome: unknown = 'done'
        try {
          await runInOrder([...steps.entries()], ([index, kind]) => {
            events.push(`${index} begins`)
            const end = () => void events.push(`${index} ends`)
            if (kind === 'value') return end()
            if (kind === 'throw') throw error
            if (kind === 'reject') return Promise.reject(error)
            if (kind === 'promise') return Promise.resolve().then(end)
            return {
              then: (resolve: () => void) =>
                void setImmediate(() => {
                  end()
                  resolve()
                }),
            }
          })
        } catch (caught) {
          outcome = caught
        }
        const failing = steps.findIndex((kind) => kind === 'throw' || kind === 'reject')
        const done = failing < 0 ? steps.length : failing
        const expected = Array.from({ length: done }, (_, index) => [`${index} begins`, `${index} ends`]).flat()
        expect(events).toEqual(failing < 0 ? expected : [...expected, `${failing} begins`])
        expect(outcome).toBe(failing < 0 ? 'done' : error)
      }),
      { numRuns: 60 },
    )
  })
})

describe('isThenable', () => {
  it.each([[Promise.resolve()], [{ then: () => undefined }], [Object.assign(() => undefined, { then: () => undefined })]])(
    'takes %p',
    (value) => {
      expect(isThenable(value)).toBe(true)
    },
  )
  it.each([[undefined], [null], [0], ['then'], [{}], [{ then: true }], [() => undefined]])('refuses %p', (value) => {
    expect(isThenable(value)).toBe(false)
  })
})
