/**
 * Where commands print: results to one stream, everything else to another.
 *
 * Knows no command. Invariant: a reader that has gone away ends nothing by force; what is printed afterwards is dropped.
 *
 * @module
 */
import { once } from 'node:events'
import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

export interface Screen {
  /** Columns of the terminal; undefined where results go to no terminal. */
  readonly width: number | undefined
  /** Whether whoever read the results has gone away. */
  readonly isClosed: boolean
  /** Results, line by line. */
  print(...lines: readonly string[]): void
  /** What a reader of the results must not find among them. */
  note(...lines: readonly string[]): void
  styled(style: Style, text: string): string
  /** Until the reader has taken what was printed. */
  drained(): Promise<void>
}

/** As much of a stream of a process as is needed here. */
export interface OutputStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean
  readonly columns?: number | undefined
  readonly writableNeedDrain?: boolean
  hasColors?(): boolean
}

export interface ScreenStreams {
  readonly out: OutputStream
  readonly err: OutputStream
}

export class StreamScreen implements Screen {
  readonly #streams: ScreenStreams
  readonly #isColoured: boolean
  readonly #onClosed: (() => void)[] = []
  #isClosed = false

  constructor(streams: ScreenStreams) {
    this.#streams = streams
    this.#isColoured = streams.out.isTTY === true && streams.out.hasColors?.() === true // which asks NO_COLOR and TERM
    streams.out.on('error', (error: NodeJS.ErrnoException) => this.#fail(error))
    streams.err.on('error', () => {}) // there is nobody left to be told
  }

  get width(): number | undefined {
    return this.#streams.out.isTTY === true ? this.#streams.out.columns : undefined
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Calls the function once, when the reader of the results has gone away. */
  onClosed(listener: () => void): void {
    this.#onClosed.push(listener)
  }

  print(...lines: readonly string[]): void {
    if (!this.#isClosed && lines.length > 0) this.#streams.out.write(`${lines.join('\n')}\n`)
  }

  note(...lines: readonly string[]): void {
    if (lines.length > 0) this.#streams.err.write(`${lines.join('\n')}\n`)
  }

  styled(style: Style, text: string): string {
    return this.#isColoured ? styleText(style, text, { validateStream: false }) : text
  }

  async drained(): Promise<void> {
    const { out } = this.#streams
    if (this.#isClosed || out.writableNeedDrain !== true) return
    await once(out, 'drain').catch(() => undefined) // an error has closed it
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (error.code !== 'EPIPE') this.note(`Cannot write the results: ${error.message}`)
    for (const listener of this.#onClosed.splice(0)) listener()
  }
}
