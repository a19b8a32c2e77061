/**
 * What the compiler says of wrong use: a sentence somebody can act on, not a page of types.
 *
 * Compiles snippets as a program of a user would be. A new one is a line in MESSAGES.
 *
 * @module
 */
import { join } from 'node:path'
import ts from 'typescript'
import { ROOT } from './library.js'

jest.setTimeout(60_000)

const HEAD = `
import { onChange, preSave, preUpdate, signalsOf } from 'flushpoint/signals'
import { Article, Author } from './models.js'
`
const SENDER = 'A sender is an entity class, an EntitySchema, a list of them, or anyModel'
const RECEIVER = 'A receiver is a function that takes one payload object: ({ sender, instance }) => { … }'
const DECORATED = 'Only static methods that take one payload object can be receivers: an instance method has no instance to be called on'

const MESSAGES: readonly [what: string, code: string, message: string][] = [
  ['the name of a model', `preSave('Article')`, SENDER],
  ['an instance', `preSave(new Article())`, SENDER],
  ['a list with something else in it', `preSave([Article, 'Author'])`, SENDER],
  ['nothing, as in a circle of imports', `preSave(undefined)`, SENDER],
  ['an empty list', `preSave([])`, 'Name one model at least'],
  ['the signals of a name', `signalsOf('Article')`, 'Signals are those of an entity class, an EntitySchema, an instance, or anyModel'],
  ['a receiver of the instance', `preUpdate(Article)((instance: Article) => void instance)`, RECEIVER],
  ['a receiver of two parameters', `preUpdate(Article)((instance: object, more: object) => void [instance, more])`, RECEIVER],
  [
    'a method of another payload',
    `signalsOf(Article).preSave.connect({ on(title: string) { void title } }, 'on')`,
    `'SignalPayload<Article>' is not assignable to type 'string'`,
  ],
  ['what is no function', `preUpdate(Article)('title')`, RECEIVER],
  ['a receiver of from and to', `onChange(Author, 'name')((from: string, to: string) => void [from, to])`, RECEIVER],
  ['an instance method', `class R { @preUpdate(Article) on({ instance }: { instance: Article }) { void instance } } void R`, DECORATED],
  ['a static method of the instance', `class R { @preUpdate(Article) static on(instance: Article) { void instance } } void R`, DECORATED],
  ['a field that is misspelt', `onChange(Author, 'nme')`, `'"nme"' is not assignable to parameter of type '"id" | "name" | "company"'`],
  ['a signal that is misspelt', `void signalsOf(Article).preSvae`, `Did you mean 'preSave'?`],
  ['an option that is misspelt', `preSave(Article, { subclases: true })`, `Did you mean to write 'subclasses'?`],
]

const nameOf = (index: number) => join(ROOT, `spec/types/message-${index}.ts`)

/** The errors of each snippet, as the compiler prints them. */
function compile(): readonly (readonly string[])[] {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as { config: unknown }
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT)
  const texts = new Map(
    MESSAGES.map(([, code], index) => [nameOf(index), `${HEAD}${code}\nvoid [onChange, preSave, preUpdate, signalsOf, Article, Author]\n`]),
  )
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (path) => texts.has(path) || fileExists.call(host, path)
  host.readFile = (path) => texts.get(path) ?? readFile.call(host, path)
  host.getSourceFile = (path, target, ...rest) => {
    const text = texts.get(path)
    return text === undefined ? getSourceFile.call(host, path, target, ...rest) : ts.createSourceFile(path, text, target)
  }
  const program = ts.createProgram([...texts.keys()], options, host)
  return [...texts.keys()].map((path) =>
    program
      .getSemanticDiagnostics(program.getSourceFile(path))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
  )
}

const said = compile()

it.each(MESSAGES.map(([what, , message], index) => ({ what, message, index })))('says of $what: $message', ({ message, index }) => {
  const [first] = said[index]!
  expect(first!.split('\n').at(-1)).toContain(message) // where several signatures fail, the last one is read
})
