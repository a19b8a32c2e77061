/** Who is measured, and with what. */
import { fileURLToPath } from 'node:url'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))

export const CASES = { insert: 'new rows', update: 'changed rows, three columns each' }

/** The first is what all are compared with. */
export const CONTENDERS = {
  bare: 'no extension',
  control: 'the same again (A/A control)',
  empty: 'an empty extension',
  capture: 'ChangeCapture, read once after each flush',
  audit: 'Audit',
}

export function scripts() {
  const common = { script: at('contender.mjs'), node: process.execPath, args: ['--require', at('../processes/typeorm-1.cjs')] }
  return Object.keys(CONTENDERS).map((name) => ({ name, ...common }))
}
