/**
 * Type-checks everything that must hold: sources, specs and demo with TypeScript 7 and 6 against TypeORM 0.3 and 1, and lib as it is
 * built; then, when dist is there or built here, the published declarations with the TypeScript 5.9 of a user.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const TSC7 = 'node_modules/@typescript/native/bin/tsc'
const TSC6 = 'node_modules/typescript/bin/tsc6'
const TSC5 = 'node_modules/typescript-5/bin/tsc'
const CHECKS = [
  ['typescript 7, typeorm 0.3', TSC7, 'tsconfig.json'],
  ['typescript 7, typeorm 1', TSC7, 'tsconfig.typeorm-1.json'],
  ['typescript 7, lib as built', TSC7, 'tsconfig.build.json'],
  ['typescript 6, typeorm 0.3', TSC6, 'tsconfig.json'],
  ['typescript 5.9, dist as published', TSC5, 'tsconfig.consumer.json'],
]

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
let failed = 0
for (const [title, compiler, project] of CHECKS) {
  if (compiler === TSC5 && failed === 0) execFileSync(process.execPath, ['.ci/build.mjs'], { stdio: 'inherit' })
  if (compiler === TSC5 && !existsSync('dist/index.d.ts')) continue
  const { status } = spawnSync(process.execPath, [compiler, '-p', project, '--noEmit'], { stdio: 'inherit' })
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${title}`)
  if (status !== 0) failed++
}
process.exitCode = failed > 0 ? 1 : 0
