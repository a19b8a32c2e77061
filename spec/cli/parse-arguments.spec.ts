/** Words of a command line become values, or are refused; none is dropped. */
import { flag, integer, replayFrom, required, text, texts, type Options } from '../../lib/cli/options.js'
import { asksForHelp, parseArguments } from '../../lib/cli/parse-arguments.js'
import { thrownBy } from '../support/events.js'

const OPTIONS = {
  dataSource: text('FILE', { short: 'd', help: '' }),
  id: texts('ID', { help: '' }),
  limit: integer('N', { min: 1, max: 100, absent: 10, help: '' }),
  loops: integer('N', { min: 1, absent: undefined, help: '' }),
  from: replayFrom('SEQ|TIME', { help: '' }),
  isAll: flag('', 'a'),
}

const parse = (...words: string[]) => parseArguments('outbox dead', words, OPTIONS)
const refusal = (...words: string[]) => thrownBy(() => parse(...words))

describe('parsing', () => {
  it('gives every option a value, those that were not given as well', () => {
    expect(parse()).toEqual({ dataSource: undefined, id: [], limit: 10, loops: undefined, from: undefined, isAll: false })
  })

  it.each([
    [['-d', 'a.ts'], { dataSource: 'a.ts' }],
    [['-da.ts'], { dataSource: 'a.ts' }],
    [['--data-source', 'a.ts'], { dataSource: 'a.ts' }],
    [['--data-source=a.ts'], { dataSource: 'a.ts' }],
    [['--data-source=-a.ts'], { dataSource: '-a.ts' }],
    [['-ad', 'a.ts'], { isAll: true, dataSource: 'a.ts' }],
    [['--is-all', '--is-all'], { isAll: true }],
    [['--id', 'a', '--id=b'], { id: ['a', 'b'] }],
    [['--limit', '100'], { limit: 100 }],
    [['--loops', '4'], { loops: 4 }],
  ])('reads %j', (words, values) => {
    expect(parse(...words)).toMatchObject(values)
  })

  it.each([
    ['7', { sequence: 7 }],
    ['2026-11-21T10:00:00Z', { time: new Date('2026-11-21T10:00:00Z') }],
    ['2026-11-21T10:00:00.5+02:00', { time: new Date('2026-11-21T08:00:00.500Z') }],
    ['2026-11-21T10:00', { time: new Date(2026, 10, 21, 10) }],
    ['2026-11-21', { time: new Date(2026, 10, 21) }],
  ])('reads %s as a place to begin', (given, from) => {
    expect(parse('--from', given)).toMatchObject({ from })
  })

  it.each([
    ['an unknown option', ['--datasource', 'a'], 'CLI_OPTION_UNKNOWN', 'has no such option; did you mean "--data-source"?'],
    ['an unknown letter', ['-x'], 'CLI_OPTION_UNKNOWN', 'Cannot run outbox dead with -x: it has no such option'],
    ['a word without an option', ['film.*'], 'CLI_ARGUMENT_UNEXPECTED', 'Cannot run outbox dead with "film.*": it takes options alone'],
    ['a word after --', ['--', '-d'], 'CLI_ARGUMENT_UNEXPECTED', 'with "-d"'],
    [
      'an option without its value',
      ['--data-source'],
      'CLI_OPTION_INVALID',
      '--data-source must be a text that is not blank, current value is nothing',
    ],
    [
      'an option for a value',
      ['-d', '--is-all'],
      'CLI_OPTION_INVALID',
      '-d must be a text that is not blank, current value is nothing, as "--is-all" looks like',
    ],
    ['a blank value, as of a variable that is not set', ['--id', 'a', '--id', ' '], 'CLI_OPTION_INVALID', 'current value is "a", " "'],
    ['a value for a flag', ['--is-all=no'], 'CLI_OPTION_INVALID', '--is-all must be alone, current value is "no"'],
    ['one value twice', ['-d', 'a', '--data-source', 'b'], 'CLI_OPTION_REPEATED', '--data-source was given more than once'],
    [
      'a number with more to it',
      ['--limit', '1e3'],
      'CLI_OPTION_INVALID',
      '--limit must be an integer from 1 to 100, current value is "1e3"',
    ],
    ['a number that is too large', ['--limit', '101'], 'CLI_OPTION_INVALID', 'from 1 to 100'],
    [
      'a number that is too small',
      ['--loops', '0'],
      'CLI_OPTION_INVALID',
      '--loops must be an integer of at least 1, current value is "0"',
    ],
    [
      'a time that is none',
      ['--from', 'yesterday'],
      'CLI_OPTION_INVALID',
      'the sequence of a message or an ISO 8601 time, current value is "yesterday"',
    ],
    ['a day that is none', ['--from', '2026-02-30'], 'CLI_OPTION_INVALID', '"2026-02-30"'],
    ['an hour that is none', ['--from', '2026-02-20T25:00'], 'CLI_OPTION_INVALID', '"2026-02-20T25:00"'],
    ['a number nobody can count to', ['--from', '99999999999999999999'], 'CLI_OPTION_INVALID', '"99999999999999999999"'],
  ])('refuses %s', (_what, words, code, message) => {
    const error = refusal(...words)
    expect(error).toMatchObject({ name: 'CliError', code })
    expect(error.message).toContain(message)
  })

  it('asks for what is required', () => {
    const options: Options = { from: required(OPTIONS.from) }
    expect(thrownBy(() => parseArguments('outbox replay', [], options)).message).toContain(
      'Cannot run outbox replay: --from SEQ|TIME is required and was not given',
    )
  })

  it.each([
    [['--limit', '1', '--help'], true],
    [['-h'], true],
    [['--', '--help'], false],
    [['--limit', '1'], false],
  ])('finds in %j that help is asked for: %s', (words, asks) => {
    expect(asksForHelp(words)).toBe(asks)
  })
})
