/**
 * From the words of a command line to the values of a command's options.
 *
 * Invariant: every word is understood or refused; none is dropped.
 *
 * @module
 */
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { CliError } from '../core/errors.js'
import { nearestName } from '../core/nearest-name.js'
import { longName, type Option, type Options, type ValuesOf } from './options.js'

/**
 * @throws {CliError} CLI_ARGUMENT_UNEXPECTED, CLI_OPTION_UNKNOWN, CLI_OPTION_INVALID, CLI_OPTION_REPEATED or CLI_OPTION_MISSING when the
 * words are not what the command takes.
 */
export function parseArguments<O extends Options>(command: string, words: readonly string[], options: O): ValuesOf<O> {
  const given = new Map<string, string[]>()
  for (const { name, text } of occurrences(command, words, options)) {
    const option = options[name]!
    const texts = given.get(name)
    if (texts !== undefined && option.isMany !== true && option.value !== undefined)
      throw option.isWord === true
        ? new CliError('CLI_ARGUMENT_UNEXPECTED', { command, given: text })
        : new CliError('CLI_OPTION_REPEATED', { command, option: longName(name) })
    given.set(name, [...(texts ?? []), text])
  }
  const values = Object.entries(options).map(([name, option]) => [name, valueOf(command, { name, option, texts: given.get(name) })])
  return Object.fromEntries(values) as ValuesOf<O>
}

/** Whether the words ask for help, wherever they do. */
export function asksForHelp(words: readonly string[]): boolean {
  const options = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  return options.includes('--help') || options.includes('-h')
}

interface Occurrence {
  readonly name: string
  readonly text: string
}

function occurrences(command: string, words: readonly string[], options: Options): Occurrence[] {
  const names = new Map(named(options).map(([name]) => [longName(name).slice(2), name]))
  const [word] = Object.keys(options).filter((name) => options[name]!.isWord === true)
  const { tokens } = parseArgs({ args: [...words], options: configOf(options), strict: false, allowPositionals: true, tokens: true })
  return tokens.flatMap((token) => {
    if (token.kind === 'option-terminator') return []
    if (token.kind === 'positional') {
      if (word === undefined) throw new CliError('CLI_ARGUMENT_UNEXPECTED', { command, given: token.value })
      return [{ name: word, text: token.value }]
    }
    const name = names.get(token.name)
    if (name === undefined) throw unknown(command, token.rawName, [...names.keys()])
    return [{ name, text: textOf(command, { option: options[name]!, token }) }]
  })
}

function named(options: Options) {
  return Object.entries(options).filter(([, { isWord }]) => isWord !== true)
}

function configOf(options: Options): NonNullable<ParseArgsConfig['options']> {
  const entries = named(options).map(([name, { value, short }]) => [
    longName(name).slice(2),
    { type: value === undefined ? 'boolean' : 'string', ...(short !== undefined && { short }) },
  ])
  return Object.fromEntries(entries) as NonNullable<ParseArgsConfig['options']>
}

function unknown(command: string, option: string, names: readonly string[]): CliError {
  const nearest = option.startsWith('--') ? nearestName(option.slice(2), names) : undefined
  return new CliError('CLI_OPTION_UNKNOWN', { command, option, nearest: nearest === undefined ? undefined : `--${nearest}` })
}

interface OptionToken {
  readonly rawName: string
  readonly value: string | undefined
  readonly inlineValue: boolean | undefined
}

function textOf(command: string, { option, token }: { readonly option: Option; readonly token: OptionToken }): string {
  const { rawName, value, inlineValue } = token
  const refused = (given: string) => new CliError('CLI_OPTION_INVALID', { command, option: rawName, wanted: option.wanted, given })
  if (option.value === undefined) {
    if (value !== undefined) throw refused(`"${value}"`)
    return ''
  }
  if (value === undefined) throw refused('nothing')
  if (inlineValue !== true && /^-./.test(value)) throw refused(`nothing, as "${value}" looks like an option`)
  return value
}

function valueOf(command: string, { name, option, texts }: { name: string; option: Option; texts: string[] | undefined }): unknown {
  if (texts === undefined) {
    if (option.isRequired === true) throw new CliError('CLI_OPTION_MISSING', { command, option: usageOf(name, option) })
    return option.absent
  }
  const value = option.read(texts)
  if (value !== undefined) return value
  const given = texts.map((text) => `"${text}"`).join(', ')
  throw new CliError('CLI_OPTION_INVALID', {
    command,
    option: option.isWord === true ? option.value! : longName(name),
    wanted: option.wanted,
    given,
  })
}

function usageOf(name: string, { isWord, value }: Option): string {
  return isWord === true ? value! : `${longName(name)} ${value}`
}
