/** A command line becomes a command, a help text or an error, and an exit code. */
import { command, type Command } from '../../lib/cli/command.js'
import { COMMANDS } from '../../lib/cli/commands.js'
import { longName, text } from '../../lib/cli/options.js'
import { CliError, OutboxError, SessionError } from '../../lib/core/errors.js'
import { play } from './fakes.js'

const failing = (error: unknown): readonly Command[] => [
  command({ name: 'fail', summary: 'fails', options: { key: text('KEY', { help: '' }) }, run: () => Promise.reject(error) }),
]

describe('help', () => {
  it.each([['--help'], ['-h']])('lists every command with %s', async (word) => {
    const { run, out, err } = play()
    expect(await run(word)).toBe(0)
    expect(out.lines[0]).toBe('flushpoint 1.2.3')
    const listed = out.lines.map((line) => line.trim().replace(/ {2,}/, ': '))
    for (const { name, summary } of COMMANDS) expect(listed).toContain(`${name}: ${summary}`)
    expect(err.text).toBe('')
  })

  it.each(COMMANDS.map((one) => [one.name, one] as const))('of %s tells each of its options', async (name, { options }) => {
    const { run, out, places } = play()
    expect(await run(...name.split(' '), '--limit', 'nonsense', '--help')).toBe(0)
    const words = Object.values(options).flatMap(({ isWord, value }) => (isWord === true ? [value!] : []))
    expect(out.lines[0]).toBe(`Usage: ${['flushpoint', name, ...words].join(' ')} [options]`)
    for (const [option, { isWord, value }] of Object.entries(options))
      expect(out.text).toContain(isWord === true ? value! : longName(option))
    expect(Math.max(...out.lines.map(({ length }) => length))).toBeLessThanOrEqual(100)
    expect(places).toEqual([])
  })

  it('of a group lists its commands alone', async () => {
    const { run, out } = play()
    expect(await run('outbox', '--help')).toBe(0)
    expect(out.lines.filter((line) => line.startsWith('  ')).map((line) => /^ +(\w+ \w+|\w+)/.exec(line)?.[1])).toEqual(
      COMMANDS.filter(({ name }) => name.startsWith('outbox ')).map(({ name }) => name),
    )
  })

  it.each([['--version'], ['-v']])('tells the version with %s', async (word) => {
    const { run, out } = play()
    expect([await run(word), out.text]).toEqual([0, '1.2.3\n'])
  })
})

describe('wrong usage', () => {
  it.each([
    ['nothing', [], 'CLI_COMMAND_MISSING', 'wanted is one of worker, outbox status'],
    [
      'a group alone',
      ['outbox'],
      'CLI_COMMAND_MISSING',
      'Cannot run "flushpoint outbox": it names no command, wanted is one of outbox status',
    ],
    ['options first', ['-d', 'a.ts', 'worker'], 'CLI_COMMAND_MISSING', 'Cannot run "flushpoint -d a.ts worker": it names no command'],
    ['another word', ['wroker'], 'CLI_COMMAND_UNKNOWN', 'Cannot run "wroker": there is no such command; did you mean "worker"?'],
    [
      'another word of a group',
      ['outbox', 'state'],
      'CLI_COMMAND_UNKNOWN',
      'Cannot run "outbox state": there is no such command; did you mean "outbox status"?',
    ],
    ['an option it does not have', ['worker', '--folow'], 'CLI_OPTION_UNKNOWN', 'Cannot run worker with --folow'],
  ])('of %s exits with 2 before anything is opened, and says what is', async (_what, words, code, message) => {
    const { run, out, err, places } = play()
    expect(await run(...words)).toBe(2)
    expect(err.text).toContain(message)
    expect(err.text).toContain(`[${code}]`)
    expect(err.text).not.toContain('    at ')
    expect([out.text, places]).toEqual(['', []])
  })
})

describe('results that cannot be written', () => {
  it.each([
    ['no space is left', 'ENOSPC', 1],
    ['their reader has gone', 'EPIPE', 0],
  ])('exit with the right code where %s', async (_why, code, wanted) => {
    const { run, out } = play()
    out._write = (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code }))
    expect(await run('--help')).toBe(wanted)
  })
})

describe('an error of a command', () => {
  it('is printed whole, and exits with 1', async () => {
    const { run, out, err } = play({ commands: failing(new TypeError('no such film', { cause: new Error('the disk is full') })) })
    expect(await run('fail')).toBe(1)
    expect(err.lines[0]).toBe('TypeError: no such film')
    expect(err.text).toMatch(/^Caused by: Error: the disk is full\n +at .*run\.spec\.ts/m)
    expect(out.text).toBe('')
  })

  it('is printed whole where it is one of ours from elsewhere', async () => {
    const { run, err } = play({ commands: failing(new SessionError('SESSION_NONE', {})) })
    expect(await run('fail')).toBe(1)
    expect(err.text).toMatch(/^SessionError: Cannot tell the current session.*\n +at /)
  })

  it('about a subscription that was mistyped is one line', async () => {
    const error = new OutboxError('SUBSCRIPTION_UNKNOWN', { name: 'serach', nearest: 'search' })
    const { run, err } = play({ commands: failing(error) })
    expect(await run('fail')).toBe(1)
    expect(err.text).toBe(`${error.message}\n`)
  })

  it('of the command line tells what to do, and its cause whole', async () => {
    const error = new CliError('CLI_FILE_UNLOADABLE', { file: 'ormconfig.ts', cause: 'no' }, { cause: new SyntaxError('no') })
    const { run, err } = play({ commands: failing(error) })
    expect(await run('fail')).toBe(1)
    expect(err.lines.slice(0, 3)).toEqual([
      'Cannot load ormconfig.ts: no. Fix: mend what the cause below says [CLI_FILE_UNLOADABLE]',
      '',
      'SyntaxError: no',
    ])
    expect(err.lines[3]).toMatch(/^ +at /)
  })

  it.each([['no'], [undefined], [null]])('exits with 1 where it is %j', async (thrown) => {
    const { run, err } = play({ commands: failing(thrown) })
    expect(await run('fail')).toBe(1)
    expect(err.text).not.toBe('')
  })
})
