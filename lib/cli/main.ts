#!/usr/bin/env node
/**
 * The program `flushpoint`: gives commands a process to run in.
 *
 * Everything that is the process' own is here and nowhere else: streams, signals, exit. Invariant: it exits with the code of its command,
 * after everything was printed, whatever the user's code has left open.
 *
 * @module
 */
import { Console } from 'node:console'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from '../core/errors.js'
import { preventEmbeddedRelays } from '../outbox/embedded-relay.js'
import { outboxOf } from '../outbox/outbox-of.js'
import { createRelay } from '../outbox/relay.js'
import { EXIT, type CommandPorts } from './command.js'
import { COMMANDS } from './commands.js'
import { openDataSource } from './data-source/open-data-source.js'
import { run } from './run.js'
import { StreamScreen } from './screen/screen.js'
import { StopRequests } from './stop-requests.js'

async function main(): Promise<void> {
  const words = process.argv.slice(2)
  const screen = new StreamScreen({ out: process.stdout, err: process.stderr })
  const stopRequests = new StopRequests()
  screen.onClosed(() => stopRequests.stop())
  process.once('beforeExit', () => {
    const options = words.findIndex((word) => word.startsWith('-'))
    const command = words.slice(0, options === -1 ? 2 : options).join(' ')
    screen.note(new CliError('CLI_ENDED_EARLY', { command }).message)
    process.exit(EXIT.error)
  })
  preventEmbeddedRelays() // looking handles nothing, and a worker brings its own
  process.exit(await run({ words, commands: COMMANDS, version: versionOfPackage() }, portsOf(screen, stopRequests)))
}

function portsOf(screen: StreamScreen, stopRequests: StopRequests): CommandPorts {
  return {
    screen,
    openDataSource: (place) => openDataSource(process.cwd(), place),
    deskOf: outboxOf,
    relayOf: createRelay,
    stopSignal: () => stopRequests.listen(),
    claimOutput: () => void Object.assign(console, new Console(process.stderr)),
  }
}

function versionOfPackage(): string {
  const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as { readonly version: string }
  return version
}

void main()
