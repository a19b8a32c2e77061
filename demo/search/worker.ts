/**
 * Runs the worker as a process of its own, which can be killed.
 *
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const ROOT = join(__dirname, '../..')

export class Worker {
  readonly #process: ChildProcess
  #said = ''

  constructor(environment: Readonly<Record<string, string>>) {
    const args = ['-r', './.ci/register.cjs', 'lib/cli/main.ts', 'worker', '--quiet', '-d', 'demo/search/worker-data-source.ts']
    this.#process = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#process.stderr!.on('data', (chunk) => (this.#said += String(chunk)))
  }

  /** @throws What it has said, when it has ended. */
  assertAlive(): void {
    if (this.#process.exitCode !== null) throw new Error(`The worker has ended: ${this.#said}`)
  }

  /** `SIGKILL`: it has no time for anything. `SIGTERM`: it ends what it has begun. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill(signal)
      await once(this.#process, 'exit')
    }
    return this.#process.exitCode
  }
}
