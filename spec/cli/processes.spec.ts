/** The program as operators run it: processes, signals, pipes and exit codes, on the database of the run. */
import { sessionSubscriber } from 'flushpoint'
import { defineEvent, track } from 'flushpoint/events'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DataSource, DataSourceOptions } from 'typeorm'
import type { CloudEvent } from '../../lib/outbox/cloud-event.js'
import type { OutboxStatus } from '../../lib/outbox/outbox-desk.js'
import { Outbox } from '../../lib/outbox/outbox.js'
import { outboxEntities } from '../../lib/outbox/sql/outbox-entities.js'
import { dataSourceOptions, describeDatabase, openDataSource } from '../support/databases.js'

jest.setTimeout(60_000)

const ROOT = join(__dirname, '../..')
const FOLDER = mkdtempSync(join(tmpdir(), 'flushpoint-cli-'))
const LOG = join(FOLDER, 'handled')
const OUTBOX = ['-d', 'spec/cli/fixtures/outbox.ts']

const Released = defineEvent<{ id: number }>()('film.released')
const Lost = defineEvent<{ id: number }>()('film.lost')
const Endless = defineEvent<{ id: number }>()('film.endless')

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

class Program {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  #out = ''
  #err = ''

  /** @param out where its results go; a pipe to this process where nothing is said */
  constructor(words: readonly string[], env: NodeJS.ProcessEnv, out: number | 'pipe') {
    this.child = spawn(process.execPath, ['-r', './.ci/register.cjs', 'lib/cli/main.ts', ...words], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['pipe', out, 'pipe'],
    })
    this.child.stdout?.on('data', (chunk: Buffer) => (this.#out += chunk.toString()))
    this.child.stderr!.on('data', (chunk: Buffer) => (this.#err += chunk.toString()))
    this.ended = once(this.child, 'close').then(([code]) => ({ code: code as number | null, out: this.#out, err: this.#err }))
  }

  /** The first line of its output that begins so, once it is there. */
  async said(beginning: string): Promise<string> {
    let line: string | undefined
    await until(
      () =>
        this.child.exitCode !== null ||
        (line = this.#out
          .split('\n')
          .slice(0, -1)
          .find((one) => one.startsWith(beginning))) !== undefined,
    )
    if (line !== undefined) return line
    throw new Error(`Expected a line "${beginning}…", got ${JSON.stringify(await this.ended)}`)
  }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`Expected it to be so by now: ${String(isSo)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const programs = new Set<Program>()
let settings: DataSourceOptions

function start(words: readonly string[], env: NodeJS.ProcessEnv = {}, out: number | 'pipe' = 'pipe'): Program {
  const program = new Program(words, { CLI_SPEC_OPTIONS: JSON.stringify(settings ?? {}), CLI_SPEC_LOG: LOG, ...env }, out)
  programs.add(program)
  void program.ended.then(() => programs.delete(program))
  return program
}

const flushpoint = (...words: readonly string[]): Promise<Ended> => start(words).ended

afterAll(() => {
  for (const { child } of programs) child.kill('SIGKILL')
  rmSync(FOLDER, { recursive: true, force: true })
})

describe('the program', () => {
  it('tells its version and its help', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
    const [told, help] = await Promise.all([flushpoint('--version'), flushpoint('outbox', 'dead', '--help')])
    expect(told).toEqual({ code: 0, out: `${version}\n`, err: '' })
    expect(help).toEqual({ code: 0, out: expect.stringMatching(/^Usage: flushpoint outbox dead \[options\]\n/) as unknown, err: '' })
  })

  ;(existsSync('/dev/full') ? it : it.skip)('exits with 1 where its results cannot be written', async () => {
    const full = openSync('/dev/full', 'w')
    const { code, err } = await start(['--help'], {}, full).ended
    closeSync(full)
    expect([code, err]).toEqual([1, expect.stringMatching(/^Cannot write the results: ENOSPC/)])
  })

  it('exits with 2 where it is used wrongly', async () => {
    expect(await flushpoint('outbox', 'redrive')).toEqual({
      code: 2,
      out: '',
      err: expect.stringContaining('[CLI_FILTER_MISSING]') as unknown,
    })
  })

  it('exits with 1 where there is no outbox, whatever keeps the process alive', async () => {
    const { code, out, err } = await flushpoint('outbox', 'status', '-d', 'spec/cli/fixtures/without-outbox.ts')
    expect([code, out, err]).toEqual([
      1,
      '',
      expect.stringMatching(/^\{ databases: 1 \}\n[^]*\nOutboxError: Cannot use an outbox of the better-sqlite3 DataSource/),
    ])
  })

  it('exits with 1 where the data source never comes, instead of with 0 and not a word', async () => {
    const { code, err } = await flushpoint('outbox', 'status', '-d', 'spec/cli/fixtures/never.ts')
    expect([code, err]).toEqual([1, expect.stringMatching(/^Cannot finish outbox status: it waits for a promise that nothing will settle/)])
  })
})

describeDatabase('the program on an outbox', () => {
  let dataSource: DataSource

  beforeAll(async () => {
    settings = dataSourceOptions()
    dataSource = await openDataSource({
      ...settings,
      entities: outboxEntities(settings.type),
      subscribers: [sessionSubscriber({ extensions: [Outbox.with({ worker: 'none' })] })],
    } as DataSourceOptions)
    writeFileSync(LOG, '')
    await tell(new Released({ id: 1 }), new Released({ id: 2 }), new Lost({ id: 3 }), new Released({ id: 4 }))
  })

  const tell = (...events: InstanceType<typeof Released | typeof Lost | typeof Endless>[]) =>
    dataSource.transaction(async () => events.forEach((event) => track(event)))

  const handled = () => readFileSync(LOG, 'utf8').split('\n').slice(0, -1).sort()

  const status = async () =>
    JSON.parse((await flushpoint('outbox', 'status', '--json', ...OUTBOX)).out) as OutboxStatus & { trouble: string[] }

  it('tails what was recorded, as JSON and nothing else', async () => {
    const { code, out, err } = await flushpoint('outbox', 'tail', '--json', '--limit', '2', ...OUTBOX)
    const events = out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as CloudEvent)
    expect(events.map(({ type, data }) => [type, data])).toEqual([
      ['film.lost', { id: 3 }],
      ['film.released', { id: 4 }],
    ])
    expect([code, err]).toEqual([0, 'the file of the data source is loaded\n'])
  })

  ;(existsSync('/dev/full') ? it : it.skip)('exits with 1 where what it tails cannot be written, be it followed or not', async () => {
    const full = openSync('/dev/full', 'w')
    const [once, followed] = await Promise.all([
      start(['outbox', 'tail', ...OUTBOX], {}, full).ended,
      start(['outbox', 'tail', '--follow', ...OUTBOX], {}, full).ended,
    ])
    closeSync(full)
    expect([once.code, followed.code]).toEqual([1, 1])
  })

  it('handles nothing while it only looks', async () => {
    const program = start(['outbox', 'tail', '--follow', ...OUTBOX])
    await program.said('4  ')
    await new Promise((resolve) => setTimeout(resolve, 300)) // time enough for a relay of the process' own to begin
    program.child.kill('SIGINT')
    expect([(await program.ended).code, handled()]).toEqual([0, []])
  })

  it('works until SIGTERM, and exits with 0', async () => {
    const program = start(['worker', ...OUTBOX])
    expect(await program.said('Worker ')).toMatch(/^Worker \d+ of spec\/cli\/fixtures\/outbox\.ts \(\S+, \S+\), subscriptions: mail$/)
    await until(() => handled().length === 3)
    await until(async () => (await dataSource.manager.count('OutboxDelivery', { where: { status: 1 } })) === 1)
    program.child.kill('SIGTERM')
    const { code, out } = await program.ended
    expect([code, out.split('\n').at(-2)]).toEqual([0, 'Stopped: handled 3, failed 1, dead 1 since it was started'])
    expect(handled()).toEqual(['film.released 1', 'film.released 2', 'film.released 4'])
  })

  it('finds trouble afterwards', async () => {
    const [state, dead] = await Promise.all([
      flushpoint('outbox', 'status', ...OUTBOX),
      flushpoint('outbox', 'dead', '-s', 'mail', ...OUTBOX),
    ])
    expect([state.code, state.out]).toEqual([
      3,
      expect.stringMatching(/│ mail +│ +0 │ +0 │ +1 │ –[^]*\ntrouble: mail has 1 dead letter\n$/),
    ])
    expect([dead.code, dead.out]).toEqual([
      3,
      expect.stringMatching(/│ mail +│ +3 │ film\.lost │ film:3 │ +1 │ 2\d{3}-\S+Z │ \S+ │ \S+: nobody knows this film +│/),
    ])
  })

  it('redrives and replays, which the next worker handles until SIGINT', async () => {
    expect(await flushpoint('outbox', 'redrive', '--type', 'film.l*', '--json', ...OUTBOX)).toMatchObject({
      code: 0,
      out: '{"redriven":1}\n',
    })
    expect(await flushpoint('outbox', 'replay', '--from', '2', '-s', 'mail', '--key', 'film:2', ...OUTBOX)).toMatchObject({
      code: 0,
      out: '1 message will be handed to mail once more.\n',
    })
    expect((await status()).trouble).toEqual(['2 messages of mail wait, and no relay that is alive handles it'])
    const program = start(['worker', '--json', ...OUTBOX], { CLI_SPEC_IS_FOUND: '1' })
    await until(() => handled().length === 5)
    program.child.kill('SIGINT')
    const { code, out } = await program.ended
    expect([
      code,
      out
        .split('\n')
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as { event: string }).event),
    ]).toEqual([0, ['started', 'stopped']])
    expect(handled()).toEqual(['film.lost 3', 'film.released 1', 'film.released 2', 'film.released 2', 'film.released 4'])
    expect((await status()).trouble).toEqual([])
  })

  it('ends at once on a second signal', async () => {
    await tell(new Endless({ id: 5 }))
    const program = start(['worker', '--quiet', ...OUTBOX])
    await until(() => handled().includes('film.endless 5'))
    await until(() => !program.child.kill('SIGTERM')) // signals that come close together are one
    expect((await program.ended).code).toBe(143)
  })

  it('ends without a word when its reader goes', async () => {
    const program = start(['outbox', 'tail', '--follow', '--limit', '1', ...OUTBOX])
    await program.said('5  ')
    program.child.stdout!.destroy()
    await tell(new Released({ id: 6 }))
    expect(await program.ended).toMatchObject({ code: 0, err: 'the file of the data source is loaded\n' })
  })
})
