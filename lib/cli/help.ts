/**
 * What `--help` prints.
 *
 * Knows no particular command. Invariant: every command and every option is in it, described by itself.
 *
 * @module
 */
import type { Command } from './command.js'
import { longName, type Option } from './options.js'

const EXIT_CODES = 'Exit codes: 0 fine, 1 error, 2 wrong usage, 3 trouble found.'
const WIDTH = 100

/** @param group of whose commands alone, such as `outbox` */
export function helpOfAll(commands: readonly Command[], group?: string): readonly string[] {
  return [
    `Usage: flushpoint ${group === undefined ? '' : `${group} `}<command> [options]`,
    '',
    'Commands:',
    ...inColumns(commands.map(({ name, summary }) => [name, summary])),
    '',
    `flushpoint <command> --help tells its options${group === undefined ? ', flushpoint --version the version' : ''}.`,
    EXIT_CODES,
  ]
}

export function helpOf({ name, summary, options, notes }: Command): readonly string[] {
  const words = Object.values(options).filter(({ isWord }) => isWord === true)
  const rows = Object.entries(options).map(([key, option]) => [
    usageOf(key, option),
    `${option.help}${option.isRequired === true ? ' (required)' : ''}`,
  ])
  return [
    `Usage: flushpoint ${name} ${words.map(({ value }) => `${value} `).join('')}[options]`,
    '',
    `${summary[0]!.toUpperCase()}${summary.slice(1)}.`,
    ...notes.flatMap((note) => ['', ...wrapped(note, WIDTH)]),
    '',
    'Options:',
    ...inColumns([...rows, ['-h, --help', 'prints this']]),
    '',
    EXIT_CODES,
  ]
}

function usageOf(name: string, { short, value, isWord }: Option): string {
  if (isWord === true) return value!
  return `${short === undefined ? '    ' : `-${short}, `}${longName(name)}${value === undefined ? '' : ` ${value}`}`
}

function inColumns(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(...rows.map(([left = '']) => left.length))
  return rows.flatMap(([left = '', right = '']) => {
    const [first = '', ...others] = wrapped(right, WIDTH - width - 4)
    return [`  ${left.padEnd(width)}  ${first}`, ...others.map((line) => `${' '.repeat(width + 4)}${line}`)]
  })
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line !== undefined && line.length + word.length < width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}
