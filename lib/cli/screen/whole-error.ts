/**
 * Everything an error says: its message and stack, and those of all errors behind it.
 *
 * Prints no properties: drivers put parameters and rows there. Invariant: nothing an error says of its cause is left out, and a password in a
 * URL is.
 *
 * @module
 */
import { inspect } from 'node:util'

const CREDENTIALS = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):[^\s/?#]*@/gi

export function wholeError(error: unknown): readonly string[] {
  return linesOf(error, new Set()).map(withoutPasswords)
}

/** A text without the passwords of the URLs in it. */
export function withoutPasswords(text: string): string {
  return text.replace(CREDENTIALS, '$1:***@')
}

function linesOf(error: unknown, seen: Set<unknown>): string[] {
  if (seen.has(error)) return ['(the same error again)']
  seen.add(error)
  if (!(error instanceof Error)) return inspect(error, { depth: 1 }).split('\n')
  const several = (error as Partial<AggregateError>).errors
  return [
    ...ownText(error).split('\n'),
    ...(Array.isArray(several) ? several.flatMap((one) => below('One of them', one, seen)) : []),
    ...(error.cause === undefined ? [] : below('Caused by', error.cause, seen)),
  ]
}

function below(title: string, error: unknown, seen: Set<unknown>): string[] {
  const [first = '', ...rest] = linesOf(error, seen)
  return [`${title}: ${first}`, ...rest]
}

/** A message may have been changed after the stack was taken, or be empty, and some errors have no stack. */
function ownText(error: Error): string {
  const { name, message, stack = '' } = error
  if (message !== '' && stack.includes(message)) return stack
  const { code } = error as NodeJS.ErrnoException
  const heading = `${name}${typeof code === 'string' ? ` [${code}]` : ''}${message && `: ${message}`}`
  return [heading, ...stack.split('\n').filter((line) => /^ +at /.test(line))].join('\n')
}
