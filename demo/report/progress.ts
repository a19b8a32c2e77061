/**
 * A progress bar on a terminal, with what is printed meanwhile above it; elsewhere nothing but what is printed.
 *
 * @module
 */
import { MultiBar, Presets } from 'cli-progress'
import { screen } from './screen.js'

export async function withProgress(total: number, work: (advance: () => void) => Promise<void>): Promise<void> {
  if (!screen.isTerminal) return work(() => {})
  const bars = new MultiBar({ format: '  {bar} {value}/{total} films', hideCursor: true, stream: process.stdout }, Presets.shades_classic)
  const bar = bars.create(total, 0)
  const { write } = screen
  screen.write = (line) => void bars.log(`${line}\n`)
  try {
    await work(() => bar.increment())
  } finally {
    bars.stop()
    screen.write = write
  }
}
