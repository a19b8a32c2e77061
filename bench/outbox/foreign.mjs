/** What is installed in `bench/contenders`, for scripts that stand elsewhere. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const CONTENDERS = new URL('../contenders/', import.meta.url)

export const requireForeign = createRequire(new URL('package.json', CONTENDERS))

export function versionOf(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, CONTENDERS), 'utf8')).version
}

/** A connection that sends, apart from those that fetch. */
export async function openSender(url) {
  const { Client } = requireForeign('pg')
  const sender = new Client({ connectionString: url })
  await sender.connect()
  return sender
}
