/**
 * Writers and relays in processes of their own, which specs kill, pause and start anew.
 *
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DataSource, DataSourceOptions } from 'typeorm'
import type { Instructions, Line } from './programs/outbox-program.js'

export { Done, EffectEntity, randomFrom, WrittenEntity, type Deed, type Line } from './programs/outbox-program.js'

const ROOT = join(__dirname, '../..')
const FOLDER = mkdtempSync(join(tmpdir(), 'flushpoint-outbox-'))

export type Handled = NonNullable<Line['handled']> & Pick<Line, 'pid' | 'ms'>
export type Program = 'relay' | 'writer'
export type Told = Omit<Partial<Instructions>, 'options' | 'log'>

/** The handled messages of all processes of a spec, and when which of them was killed. */
export class Story {
  readonly #dataSource: DataSource
  readonly #file: string
  readonly #lines: Line[] = []
  /** How much of the file is in these lines. */
  #read = 0
  readonly #options: DataSourceOptions
  readonly #processes = new Set<OutboxProcess>()
  readonly kills: { readonly pid: number; readonly fromMs: number; readonly untilMs: number }[] = []

  constructor(dataSource: DataSource) {
    this.#dataSource = dataSource
    const { entities: _entities, subscribers: _subscribers, logger: _logger, ...options } = dataSource.options
    this.#options = options as DataSourceOptions
    this.#file = join(FOLDER, `${Date.now()}-${Math.random()}.log`)
    stories.add(this)
  }

  /** A process that has loaded everything and is connected; it begins when it is told to `go`. */
  async ready(program: Program, told: Told = {}): Promise<OutboxProcess> {
    const instructions: Instructions = { seed: 1, ...told, options: this.#options, log: this.#file }
    const process = new OutboxProcess(program, instructions)
    this.#processes.add(process)
    await process.isReady
    return process
  }

  async start(program: Program, told: Told = {}): Promise<OutboxProcess> {
    const process = await this.ready(program, told)
    process.go()
    return process
  }

  get lines(): readonly Line[] {
    const fresh = existsSync(this.#file) ? readFrom(this.#file, this.#read) : ''
    const whole = fresh.slice(0, fresh.lastIndexOf('\n') + 1)
    this.#read += Buffer.byteLength(whole)
    for (const line of whole.split('\n').slice(0, -1)) this.#lines.push(JSON.parse(line) as Line)
    return this.#lines
  }

  /** What was handled by a subscription, in whichever process, in the order it was written down. */
  handledBy(name = 'ear'): readonly Handled[] {
    return this.lines.flatMap(({ pid, ms, handled }) => (handled?.name === name ? [{ pid, ms, ...handled }] : []))
  }

  said(beginning: string, pid?: number): readonly string[] {
    return this.lines.flatMap((line) =>
      line.told?.startsWith(beginning) === true && (pid === undefined || line.pid === pid) ? [line.told] : [],
    )
  }

  /** As `kill -9`. Its leases run out at once, as if time had passed. */
  async kill(process: OutboxProcess): Promise<void> {
    const { pid } = process
    const fromMs = Date.now()
    await process.end('SIGKILL')
    this.kills.push({ pid, fromMs, untilMs: Date.now() })
    const owner = `%-${pid}-%`
    const { manager } = this.#dataSource
    await manager.createQueryBuilder().update('OutboxSlot').set({ lease_until: 1 }).where('owner LIKE :owner', { owner }).execute()
    await manager.createQueryBuilder().update('OutboxRelay').set({ alive_until: 1 }).where('owner LIKE :owner', { owner }).execute()
  }

  async end(): Promise<void> {
    await Promise.all([...this.#processes].map((process) => process.end('SIGKILL')))
  }
}

export class OutboxProcess {
  readonly #child: ChildProcess
  readonly isReady: Promise<void>
  /** The exit code, or the signal. */
  readonly ended: Promise<number | NodeJS.Signals>
  #errors = ''
  hasEnded = false

  constructor(program: Program, instructions: Instructions) {
    const child = spawn(process.execPath, ['-r', './.ci/register.cjs', `spec/support/programs/outbox-${program}.ts`], {
      cwd: ROOT,
      env: { ...process.env, OUTBOX_PROGRAM: JSON.stringify(instructions) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child = child
    child.stderr!.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()))
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.hasEnded = true
      return (code ?? signal) as number | NodeJS.Signals
    })
    const endedEarly = this.ended.then((code) => {
      throw new Error(`Expected a ${program} that gets ready, got ${code}: ${this.#errors}`)
    })
    this.isReady = Promise.race([once(child, 'message').then(() => undefined), endedEarly])
    endedEarly.catch(() => undefined)
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** What it has written to its standard error. */
  get errors(): string {
    return this.#errors
  }

  /** Lets it begin, or go on. */
  go(): void {
    this.#child.send('go', () => undefined)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    if (!this.hasEnded) this.#child.kill(signal)
    return this.ended
  }
}

function readFrom(file: string, position: number): string {
  const handle = openSync(file, 'r')
  const buffer = Buffer.alloc(Math.max(0, fstatSync(handle).size - position))
  readSync(handle, buffer, { position })
  closeSync(handle)
  return buffer.toString()
}

const stories = new Set<Story>()

afterEach(async () => {
  const all = [...stories]
  stories.clear()
  await Promise.all(all.map((story) => story.end()))
})
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }))
