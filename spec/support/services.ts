/**
 * Queues and brokers that specs run against, where they answer.
 *
 * Looked for by each spec file that needs one, since most runs need none. Those files need no database, so they run with the local ones alone:
 * `DB=sqlite` or `DB=better-sqlite3`.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'

const SERVICES = {
  redis: { variable: 'REDIS_URL', url: 'redis://127.0.0.1:6379' },
  rabbitmq: { variable: 'RABBITMQ_URL', url: 'amqp://guest:guest@127.0.0.1:5672' },
  nats: { variable: 'NATS_URL', url: 'nats://127.0.0.1:4222' },
} as const
const PORTS: Readonly<Record<string, string>> = { 'redis:': '6379', 'amqp:': '5672', 'nats:': '4222' }
const ANSWERS = `
const [host, port] = process.argv.slice(1)
const socket = require('node:net').connect({ host, port, timeout: 2000 }, () => process.exit(0))
const fail = (error) => { process.stdout.write(error?.code ?? 'no answer in 2 s'); process.exit(1) }
socket.on('error', fail).on('timeout', fail)`

export type ServiceName = keyof typeof SERVICES

/** A `describe` that is skipped, with a line that says so, when the service does not answer; with REQUIRE_SERVICES=1 the file fails instead. */
export function describeService(service: ServiceName, name: string, body: (url: URL) => void): void {
  const isLocalRun = process.env['DB'] === 'sqlite' || process.env['DB'] === 'better-sqlite3'
  const url = urlOf(service)
  const down = isLocalRun ? whyDown(url) : undefined
  if (down !== undefined) {
    const reason = `${service} does not answer (${down})`
    if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`Cannot run the specs as ${reason}`)
    process.stderr.write(`${reason}: its specs are skipped. Set ${SERVICES[service].variable} to run them.\n`)
  }
  const isRun = isLocalRun && down === undefined
  ;(isRun ? describe : describe.skip)(name, () => body(url))
}

function urlOf(service: ServiceName): URL {
  const { variable, url } = SERVICES[service]
  const given = new URL(process.env[variable] ?? url)
  if (given.port === '') given.port = PORTS[given.protocol] ?? ''
  return given
}

/** Undefined when it answers. Waited for, since which tests a file has must be known at once. */
function whyDown({ hostname, port }: URL): string | undefined {
  const { status, stdout } = spawnSync(process.execPath, ['-e', ANSWERS, hostname, port], { encoding: 'utf8' })
  return status === 0 ? undefined : stdout
}

/** For queues, streams and users: no other run has one of the same name. */
export function uniqueName(): string {
  return `flushpoint_${Date.now().toString(36)}_${randomBytes(5).toString('hex')}`
}
