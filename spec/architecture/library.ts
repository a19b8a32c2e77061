/**
 * The files of `lib/` and what each imports, read with the TypeScript parser.
 *
 * @module
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'

export const ROOT = resolve(__dirname, '../..')
export const LIB = join(ROOT, 'lib')

export interface Import {
  readonly from: string
  readonly to: string
  readonly line: number
  readonly typeOnly: boolean
}

/** Every source file, as a path below `lib/`. */
export const files: readonly string[] = readdirSync(LIB, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts'))
  .sort()

/** Module paths of the package's entries, below `lib/` and without extension. */
export const entries = JSON.parse(readFileSync(join(ROOT, '.ci/entries.json'), 'utf8')) as readonly string[]

export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** Markdown pages that describe the library, as far as they exist. */
export const pages: readonly string[] = [
  ...['README.md', 'lib/README.md'].filter((path) => existsSync(join(ROOT, path))),
  ...(existsSync(join(ROOT, 'docs')) ? readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }) : [])
    .filter((path) => path.endsWith('.md'))
    .map((path) => `docs/${path.replaceAll('\\', '/')}`),
]

export const importsOf = (file: string): readonly Import[] => {
  const path = join(LIB, file)
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  const found: Import[] = []
  const add = (specifier: ts.Node, typeOnly: boolean) => {
    if (!ts.isStringLiteral(specifier)) return
    const line = source.getLineAndCharacterOfPosition(specifier.getStart()).line + 1
    const to = specifier.text.startsWith('.')
      ? relative(LIB, resolve(dirname(path), specifier.text))
          .replaceAll('\\', '/')
          .replace(/\.js$/, '.ts')
      : specifier.text
    found.push({ from: file, to, line, typeOnly })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node))
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier) add(node.moduleSpecifier, isTypeExport(node))
    else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference))
      add(node.moduleReference.expression, node.isTypeOnly)
    else if (ts.isCallExpression(node) && isLoadCall(node) && node.arguments[0]) add(node.arguments[0], false)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function isTypeImport({ importClause }: ts.ImportDeclaration): boolean {
  if (!importClause) return false
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const named = importClause.namedBindings
  return !importClause.name && !!named && ts.isNamedImports(named) && named.elements.every((element) => element.isTypeOnly)
}

function isTypeExport({ isTypeOnly, exportClause }: ts.ExportDeclaration): boolean {
  return isTypeOnly || (!!exportClause && ts.isNamedExports(exportClause) && exportClause.elements.every((element) => element.isTypeOnly))
}

function isLoadCall({ expression }: ts.CallExpression): boolean {
  return expression.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(expression) && expression.text === 'require')
}
