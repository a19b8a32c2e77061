/** Results go to one stream and everything else to another, in colour on terminals alone. */
import { PassThrough } from 'node:stream'
import { counted, duration, moment, printable } from '../../../lib/cli/screen/printable.js'
import { StreamScreen } from '../../../lib/cli/screen/screen.js'
import { printTable } from '../../../lib/cli/screen/table.js'
import { fakeScreen, FakeStream } from '../fakes.js'

describe('a screen', () => {
  it('prints lines', () => {
    const { screen, out, err } = fakeScreen()
    screen.print('a', 'b')
    screen.print()
    screen.note('c')
    expect([out.text, err.text]).toEqual(['a\nb\n', 'c\n'])
  })

  it('has colours and a width on a terminal alone', () => {
    const [terminal, pipe] = [fakeScreen(80).screen, fakeScreen().screen]
    expect([terminal.styled('red', 'x'), terminal.width]).toEqual(['\u001b[31mx\u001b[39m', 80])
    expect([pipe.styled('red', 'x'), pipe.width]).toEqual(['x', undefined])
  })

  it('has no colours on a terminal that is asked to have none', () => {
    const out = Object.assign(new FakeStream(80), { hasColors: () => false })
    expect(new StreamScreen({ out, err: new FakeStream() }).styled('red', 'x')).toBe('x')
  })

  it('drops what is printed when its reader has gone, without a word', () => {
    const { screen, out, err } = fakeScreen()
    const closed = jest.fn()
    screen.onClosed(closed)
    out.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    screen.print('a')
    expect([screen.isClosed, closed.mock.calls.length, out.text, err.text]).toEqual([true, 1, '', ''])
  })

  it('says why where results cannot be written for another reason', () => {
    const { screen, out, err } = fakeScreen()
    out.emit('error', Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
    expect([screen.isClosed, screen.hasFailed, err.text]).toEqual([true, true, 'Cannot write the results: no space left on device\n'])
  })

  it('knows once it is drained that results could not be written, and has not failed where its reader has gone', async () => {
    const refusing = (code: string) =>
      Object.assign(new FakeStream(), {
        _write: (_chunk: unknown, _encoding: unknown, done: (error: Error) => void) => done(Object.assign(new Error(code), { code })),
      })
    for (const code of ['ENOSPC', 'EPIPE']) {
      const screen = new StreamScreen({ out: refusing(code), err: new FakeStream() })
      screen.print('a')
      await screen.drained()
      expect([screen.isClosed, screen.hasFailed]).toEqual([true, code === 'ENOSPC'])
    }
  })

  it('waits until what was printed has been taken', async () => {
    const out = new PassThrough({ highWaterMark: 1 })
    const screen = new StreamScreen({ out, err: new FakeStream() })
    screen.print('much')
    const drained = jest.fn()
    const waiting = screen.drained().then(drained)
    await new Promise(setImmediate)
    expect(drained).not.toHaveBeenCalled()
    out.resume()
    await waiting
    await screen.drained()
  })

  it('waits for little that was printed as well, and for what was noted', async () => {
    const late: (() => void)[] = []
    const slow = () =>
      Object.assign(new FakeStream(), { _write: (_chunk: unknown, _encoding: unknown, done: () => void) => void late.push(done) })
    for (const streams of [
      { out: slow(), err: new FakeStream() },
      { out: new FakeStream(), err: slow() },
    ]) {
      const screen = new StreamScreen(streams)
      screen.print('a')
      screen.note('b')
      const drained = jest.fn()
      const waiting = screen.drained().then(drained)
      await new Promise(setImmediate)
      expect(drained).not.toHaveBeenCalled()
      const timer = setInterval(() => late.splice(0).forEach((done) => done()))
      await waiting
      clearInterval(timer)
    }
  })

  it('waits no longer for a reader that goes', async () => {
    const out = new PassThrough({ highWaterMark: 1 })
    const screen = new StreamScreen({ out, err: new FakeStream() })
    screen.print('much')
    const waiting = screen.drained()
    out.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    await waiting
    await screen.drained()
    expect(screen.isClosed).toBe(true)
  })
})

describe('a table', () => {
  const COLUMNS = [
    { title: 'name', of: ({ name }: { name: string }) => name },
    { title: 'size', of: ({ name }: { name: string }) => name.length },
    { title: 'note', of: () => 'a note that is rather long, as errors are' },
  ]
  const tableOf = (columns: number | undefined, names: readonly string[]) => {
    const { screen, out } = fakeScreen(columns)
    printTable(
      screen,
      names.map((name) => ({ name })),
      COLUMNS,
    )
    return out.lines
  }

  it('has a line for each row, numbers on the right', () => {
    expect(tableOf(undefined, ['a', 'long name'])).toEqual([
      '┌───────────┬──────┬───────────────────────────────────────────┐',
      '│ name      │ size │ note                                      │',
      '├───────────┼──────┼───────────────────────────────────────────┤',
      '│ a         │    1 │ a note that is rather long, as errors are │',
      '│ long name │    9 │ a note that is rather long, as errors are │',
      '└───────────┴──────┴───────────────────────────────────────────┘',
    ])
  })

  it('cuts its last column to the width of a terminal', () => {
    const lines = tableOf(40, ['a'])
    // eslint-disable-next-line no-control-regex
    expect(lines.map((line) => line.replace(/\u001b\[\d+m/g, ''))).toEqual([
      '┌──────┬──────┬────────────────────────┐',
      '│ name │ size │ note                   │',
      '├──────┼──────┼────────────────────────┤',
      '│ a    │    1 │ a note that is rather… │',
      '└──────┴──────┴────────────────────────┘',
    ])
  })

  it('leaves texts of strangers no way to the terminal', () => {
    expect(tableOf(undefined, ['\u001b[2Ja\nb'])[3]).toContain('│ \\u001b[2Ja ⏎ b │')
  })
})

describe('a text', () => {
  it.each([
    ['two\nlines', 'two ⏎ lines'],
    ['\u001b]0;title\u0007', '\\u001b]0;title\\u0007'],
    ['a\tb\rc\u009bd', 'a b\\u000dc\\u009bd'],
    ['\u202eevil', '\\u202eevil'],
    ['Amélie 🎬', 'Amélie 🎬'],
  ])('%j is printable as %j', (given, wanted) => {
    expect(printable(given)).toBe(wanted)
  })

  it.each([
    [-5, '0 ms'],
    [850, '850 ms'],
    [12_999, '12 s'],
    [119_999, '119 s'],
    [120_000, '2 min'],
    [7_200_000, '2 h'],
    [172_800_000, '2 d'],
  ])('%d ms are told as %s', (ms, wanted) => {
    expect(duration(ms)).toBe(wanted)
  })

  it('tells moments in UTC and counts in words', () => {
    expect(moment(new Date('2026-11-21T10:00:00.123Z'))).toBe('2026-11-21T10:00:00Z')
    expect([counted(1, 'message'), counted(2, 'message')]).toEqual(['1 message', '2 messages'])
  })
})
