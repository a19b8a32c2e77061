/** The name somebody probably meant. */
import fc from 'fast-check'
import { nearestName } from '../../lib/core/nearest-name'
import { SESSION_HOOKS } from '../../lib/mapper/hook-names'

describe('nearestName', () => {
  it.each([
    ['beforeInsrt', 'beforeInsert'],
    ['before_insert', 'beforeInsert'],
    ['BEFOREINSERT', 'beforeInsert'],
    ['afterComit', 'afterCommit'],
    ['beforRecover', 'beforeRecover'],
    ['cursor_created', 'cursorCreated'],
    ['extension', 'extensions'],
  ])('of %s is %s', (given, meant) => {
    expect(nearestName(given, [...SESSION_HOOKS, 'extensions'])).toBe(meant)
  })

  it.each(['x', 'somethingElseAltogether', ''])('of %p is none', (given) => {
    expect(nearestName(given, SESSION_HOOKS)).toBeUndefined()
  })

  it('is none where there are no candidates', () => {
    expect(nearestName('beforeInsert', [])).toBeUndefined()
  })

  it('is one of the candidates as it is written there, or none', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (name, candidates) => {
        const nearest = nearestName(name, candidates)
        expect([undefined, ...candidates]).toContain(nearest)
      }),
    )
  })

  it('is the candidate itself whatever its case and underscores', () => {
    const distorted = fc.constantFrom(...SESSION_HOOKS).chain((hook) =>
      fc.array(fc.constantFrom('up', 'down', '_'), { minLength: hook.length, maxLength: hook.length }).map((marks) => ({
        hook,
        given: [...hook]
          .map((letter, index) => ({ up: letter.toUpperCase(), down: letter.toLowerCase(), _: `_${letter}` })[marks[index]!])
          .join(''),
      })),
    )
    fc.assert(fc.property(distorted, ({ hook, given }) => expect(nearestName(given, SESSION_HOOKS)).toBe(hook)))
  })

  it('survives one wrong, missing or doubled letter', () => {
    const typo = fc.record({ hook: fc.constantFrom(...SESSION_HOOKS), at: fc.nat(8), how: fc.constantFrom('wrong', 'missing', 'doubled') })
    fc.assert(
      fc.property(typo, ({ hook, at, how }) => {
        const middle = { wrong: 'q', missing: '', doubled: hook[at]!.repeat(2) }[how]
        expect(nearestName(hook.slice(0, at) + middle + hook.slice(at + 1), SESSION_HOOKS)).toBe(hook)
      }),
    )
  })
})
