/**
 * Keys of records: in order, and never the same.
 *
 * @module
 */
import * as fc from 'fast-check'
import { nextRecordKey, recordKeyIn } from '../../../lib/extensions/change-cache/record-key.js'

describe('the key of a record', () => {
  it('sorts behind all before it, whatever the clock does', () => {
    let last = nextRecordKey()
    const draw = (nowMs: number) => {
      const key = nextRecordKey(nowMs)
      expect(key > last).toBe(true)
      expect(recordKeyIn(key)).toBe(key)
      last = key
    }
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 4_000_000_000_000 })), (times) => times.forEach(draw)))
  })

  it('goes on in the next millisecond where one has a million of them', () => {
    const nowMs = 5_000_000_000_000
    let last = nextRecordKey(nowMs)
    for (let drawn = 0; drawn < 1_000_010; drawn++) {
      const key = nextRecordKey(nowMs)
      if (key <= last) throw new Error(`${key} does not come after ${last}`)
      last = key
    }
    expect(last).toMatch(/^change:005000000000001-0000\d\d-/)
  })

  it('differs between processes', () => {
    const [, own] = /-(\w{12})$/.exec(nextRecordKey())!
    jest.isolateModules(() => {
      const other = jest.requireActual<{ nextRecordKey(): string }>('../../../lib/extensions/change-cache/record-key.js')
      expect(other.nextRecordKey()).not.toContain(own)
    })
  })

  it.each([
    ['keyv:change:001763775409123-000001-a1b2c3d4e5f6', 'change:001763775409123-000001-a1b2c3d4e5f6'],
    ['001763775409123-000001-a1b2c3d4e5f6', 'change:001763775409123-000001-a1b2c3d4e5f6'],
    ['change:somebody-else', undefined],
    ['', undefined],
    [7, undefined],
  ])('is found in what a backend says: %j', (given, key) => {
    expect(recordKeyIn(given)).toBe(key)
  })
})
