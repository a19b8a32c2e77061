/** Everything a change must pass, cheapest first; stops at the first step that fails. */
import { spawnSync } from 'node:child_process'

const STEPS = [
  ['npm', 'run', 'format:check'],
  ['npm', 'run', 'lint'],
  ['npm', 'run', 'types'],
  ['npm', 'run', 'build'],
  ['npm', 'run', 'demo'],
  ['npm', 'run', 'test:all'],
  ['npm', 'run', 'pack:check'],
]

for (const [command, ...args] of STEPS) {
  const start = Date.now()
  const title = args.at(-1)
  console.log(`\n--- ${title}`)
  const { status } = spawnSync(command, ['--silent', ...args], { stdio: 'inherit' })
  console.log(`--- ${title}: ${status === 0 ? 'ok' : 'FAILED'}, ${((Date.now() - start) / 1000).toFixed(1)} s`)
  if (status !== 0) process.exit(1)
}
