/**
 * From a command line to an exit code.
 *
 * Knows no process. Invariant: whatever a command throws is printed whole; neither that nor results that cannot be written end as success.
 *
 * @module
 */
import { CliError, hasErrorCode, type ErrorCode, type FlushpointError } from '../core/errors.js'
import { nearestName } from '../core/nearest-name.js'
import { EXIT, type Command, type CommandPorts, type ExitCode } from './command.js'
import { helpOf, helpOfAll } from './help.js'
import { asksForHelp, parseArguments } from './parse-arguments.js'
import { wholeError, withoutPasswords } from './screen/whole-error.js'

const USAGE: ReadonlySet<ErrorCode> = new Set([
  'CLI_COMMAND_MISSING',
  'CLI_COMMAND_UNKNOWN',
  'CLI_ARGUMENT_UNEXPECTED',
  'CLI_OPTION_UNKNOWN',
  'CLI_OPTION_INVALID',
  'CLI_OPTION_REPEATED',
  'CLI_OPTION_MISSING',
  'CLI_FILTER_MISSING',
  'CLI_FILTER_AND_ALL',
])

export interface Invocation {
  /** Without the paths of node and of the program. */
  readonly words: readonly string[]
  readonly commands: readonly Command[]
  readonly version: string
}

/** Ends when all is printed. */
export async function run(invocation: Invocation, ports: CommandPorts): Promise<ExitCode> {
  const code = await codeOf(invocation, ports)
  await ports.screen.drained()
  return ports.screen.hasFailed ? EXIT.error : code
}

async function codeOf(invocation: Invocation, ports: CommandPorts): Promise<ExitCode> {
  try {
    return await dispatch(invocation, ports)
  } catch (error) {
    return printError(error, ports)
  }
}

async function dispatch({ words, commands, version }: Invocation, ports: CommandPorts): Promise<ExitCode> {
  const { screen } = ports
  const found = commands.find(({ name }) => name.split(' ').every((word, index) => words[index] === word))
  if (found !== undefined) {
    const rest = words.slice(found.name.split(' ').length)
    if (!asksForHelp(rest)) return found.run(parseArguments(found.name, rest, found.options), ports)
    screen.print(...helpOf(found))
    return EXIT.fine
  }
  const [first = ''] = words
  const group = commands.filter(({ name }) => name.startsWith(`${first} `))
  if (words.length === 1 && (first === '--version' || first === '-v')) screen.print(version)
  else if (asksForHelp(words.slice(0, 1))) screen.print(`flushpoint ${version}`, '', ...helpOfAll(commands))
  else if (group.length > 0 && asksForHelp(words.slice(1, 2))) screen.print(...helpOfAll(group, first))
  else throw notACommand(words, commands)
  return EXIT.fine
}

function notACommand(words: readonly string[], commands: readonly Command[]): CliError {
  const names = commands.map(({ name }) => name)
  const options = words.findIndex((word) => word.startsWith('-'))
  const given = words.slice(0, options === -1 ? 2 : Math.min(options, 2)).join(' ')
  const below = names.filter((name) => given === '' || name.startsWith(`${given} `))
  if (below.length > 0)
    return new CliError('CLI_COMMAND_MISSING', { given: `flushpoint ${words.join(' ')}`.trim(), wanted: below.join(', ') })
  return new CliError('CLI_COMMAND_UNKNOWN', { given, nearest: nearestName(given, names) })
}

/** What the words of the command line made of themselves: where it was thrown says nothing. */
function isOfWords(error: unknown): error is FlushpointError {
  return error instanceof CliError || hasErrorCode(error, 'SUBSCRIPTION_UNKNOWN')
}

function printError(error: unknown, { screen }: CommandPorts): ExitCode {
  if (!isOfWords(error)) {
    screen.note(...wholeError(error))
    return EXIT.error
  }
  screen.note(withoutPasswords(error.message))
  if (error.cause !== undefined) screen.note('', ...wholeError(error.cause))
  return error instanceof CliError && USAGE.has(error.code) ? EXIT.usage : EXIT.error
}
