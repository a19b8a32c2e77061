/**
 * Files that are written by a spec and reviewed by people: `npm run reports` (UPDATE=1) writes them, every other run compares.
 *
 * @module
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT } from './library.js'

export function expectCommitted(path: string, text: string): void {
  const file = join(ROOT, path)
  if (process.env['UPDATE'] === '1') {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  // Where they differ on purpose: `npm run reports`, then review and commit the file.
  expect(existsSync(file) ? readFileSync(file, 'utf8') : `missing: ${path}`).toBe(text)
}
