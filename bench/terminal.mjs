/** What a measurement tells while it runs, and how its flags are read. With `--json` standard output is for the result alone. */
const SECONDS_OF_SILENCE = 15

/** Tells lines, and now and then how far it is, so that nobody takes a long measurement for a stuck one. */
export class Terminal {
  #isForMachines
  #started = Date.now()
  #lastLine = 0

  constructor({ json }) {
    this.#isForMachines = json
  }

  get secondsSinceStart() {
    return Math.round((Date.now() - this.#started) / 1_000)
  }

  say = (line) => {
    this.#lastLine = Date.now()
    if (this.#isForMachines) process.stderr.write(`${line}\n`)
    else console.log(line)
  }

  progress = (line) => {
    if (Date.now() - this.#lastLine < SECONDS_OF_SILENCE * 1_000) return
    this.#lastLine = Date.now()
    process.stderr.write(`  … ${line}, ${this.secondsSinceStart} s since the start\n`)
  }
}

/** The names in a list with commas, all of them of `of`. */
export function chosen(list, of) {
  const names = list.split(',')
  for (const name of names) if (!of.includes(name)) throw new RangeError(`Cannot measure "${name}": choose of ${of.join(', ')}`)
  return names
}

/** `work(database)` on a database of DATABASES; undefined, and said, where that does not answer. */
export async function withDatabase({ title, open }, say, work) {
  let database
  try {
    database = await open()
  } catch (error) {
    say(`\n${title} does not answer (${error.code ?? error.message}): skipped`)
    return undefined
  }
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}
