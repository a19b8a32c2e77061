/** An error is told with all that is behind it, and without passwords. */
import { inspect } from 'node:util'
import { wholeError } from '../../../lib/cli/screen/whole-error.js'

/** Without the lines of the stacks, which differ. */
const told = (error: unknown) => wholeError(error).filter((line) => !/^ {4}at /.test(line))

describe('an error', () => {
  it('is told with its stack', () => {
    const [heading, ...stack] = wholeError(new RangeError('too far'))
    expect(heading).toBe('RangeError: too far')
    expect(stack[0]).toMatch(/^ {4}at .*whole-error\.spec\.ts:\d+/)
  })

  it('is told with the causes of its causes', () => {
    const error = new Error('a', { cause: new TypeError('b', { cause: 'c' }) })
    expect(told(error)).toEqual(['Error: a', 'Caused by: TypeError: b', "Caused by: 'c'"])
  })

  it('is told with each of several errors in it, its own message being empty', () => {
    const refused = (port: number) => Object.assign(new Error(`connect ECONNREFUSED ::1:${port}`), { code: 'ECONNREFUSED' })
    const error = Object.assign(new AggregateError([refused(1), refused(2)]), { code: 'ECONNREFUSED' })
    expect(told(error)).toEqual([
      'AggregateError [ECONNREFUSED]',
      'One of them: Error: connect ECONNREFUSED ::1:1',
      'One of them: Error: connect ECONNREFUSED ::1:2',
    ])
  })

  it('is told by its message where that was changed, and where there is no stack', () => {
    const changed = Object.assign(new Error('after'), { stack: 'Error: before\n    at film.ts:1' })
    expect(wholeError(changed)).toEqual(['Error: after', '    at film.ts:1'])
    const bare = Object.assign(new Error('bare'), { stack: undefined, code: 'EBARE' })
    expect(wholeError(bare)).toEqual(['Error [EBARE]: bare'])
  })

  it('that causes itself is told once', () => {
    const error = new Error('round')
    error.cause = error
    expect(told(error)).toEqual(['Error: round', 'Caused by: (the same error again)'])
  })

  it('is told without its properties, where drivers keep parameters and rows', () => {
    const error = Object.assign(new Error('duplicate key'), { parameters: ['hunter2'], detail: 'Key (email)=(hunter2)' })
    expect(inspect(error)).toContain('hunter2')
    expect(wholeError(error).join()).not.toContain('hunter2')
  })

  it.each([
    ['cannot reach postgres://ada:hunter2@localhost/films', 'cannot reach postgres://ada:***@localhost/films'],
    ['redis://:hun:ter2@localhost:6379 and amqp://a:b@c', 'redis://:***@localhost:6379 and amqp://a:***@c'],
    ['http://localhost:3000/ada@films is no secret', 'http://localhost:3000/ada@films is no secret'],
  ])('is told without the password in "%s"', (message, wanted) => {
    expect(told(new Error(message))).toEqual([`Error: ${wanted}`])
  })

  it.each([
    ['a text', 'no', ["'no'"]],
    ['nothing', undefined, ['undefined']],
    ['an object', { code: 7 }, ['{ code: 7 }']],
  ])('may be %s', (_what, thrown, lines) => {
    expect(wholeError(thrown)).toEqual(lines)
  })
})
