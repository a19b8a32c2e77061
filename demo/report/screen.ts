/**
 * Where the demo prints: standard output, unless a progress bar or a spec puts something else in its place.
 *
 * @module
 */
export const screen = {
  isTerminal: process.stdout.isTTY,

  write: (line: string): void => void process.stdout.write(`${line}\n`),

  print(...lines: readonly string[]): void {
    for (const line of lines) this.write(line)
  },
}
