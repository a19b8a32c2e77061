/** A pattern means the names it spells, with anything where it has a star. */
import fc from 'fast-check'
import { namesMatching } from '../../lib/outbox/name-pattern.js'

describe('names matching patterns', () => {
  it.each([
    [['film.added'], 'film.added', true],
    [['film.added'], 'film.adde', false],
    [['film.added'], 'filmXadded', false],
    [['film.added'], 'Film.added', false],
    [['film.*'], 'film.', true],
    [['film.*'], 'film.added.twice', true],
    [['film.*'], 'films.added', false],
    [['*.added'], 'film.added', true],
    [['*.added'], 'film.added!', false],
    [['a*b*c'], 'a-b-b-c', true],
    [['a*b*c'], 'a-c-b', false],
    [['ab*ba'], 'aba', false],
    [['ab*ba'], 'abba', true],
    [['a*a'], 'a', false],
    [['**'], '', true],
    [['a**b'], 'ab', true],
    [['a*b'], 'a\nb', true],
    [['(a|b)+*'], '(a|b)+!', true],
    [['(a|b)+*'], 'ab', false],
    [['[ab].\\*'], '[ab].\\', true],
    [['x', 'film.*'], 'film.added', true],
    [['x', '*'], 'anything', true],
    [[], 'anything', false],
  ])('%j takes %j: %j', (patterns, name, isTaken) => {
    expect(namesMatching(patterns)(name)).toBe(isTaken)
  })

  it('take a name that is made of their parts with anything in between', () => {
    const text = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', '.', '%', '_', '\\', '$', '(', 'é') })
    fc.assert(
      fc.property(fc.array(text, { minLength: 2, maxLength: 5 }), fc.array(text, { minLength: 5, maxLength: 5 }), (parts, between) => {
        const name = parts.map((part, index) => (index === 0 ? part : between[index]! + part)).join('')
        expect(namesMatching([parts.join('*')])(name)).toBe(true)
      }),
    )
  })

  it('take what a regular expression of the same meaning takes', () => {
    const letters = fc.string({ maxLength: 10, unit: fc.constantFrom('a', 'b', '*') })
    const names = fc.string({ maxLength: 10, unit: fc.constantFrom('a', 'b') })
    fc.assert(
      fc.property(letters, names, (pattern, name) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '[ab]*')}$`)
        expect(namesMatching([pattern])(name)).toBe(expression.test(name))
      }),
      { numRuns: 1_000 },
    )
  })

  it('answer for the worst of patterns and names at once', () => {
    const pattern = `${'*a'.repeat(100)}*b`
    expect(namesMatching([pattern])('a'.repeat(255))).toBe(false)
    expect(namesMatching([pattern])(`${'a'.repeat(254)}b`)).toBe(true)
  })
})
