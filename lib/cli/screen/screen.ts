/**
 * Where commands print: results to one stream, everything else to another.
 *
 * Knows no command. Invariant: a reader that has gone away ends nothing by force, what is printed afterwards is dropped; results that were lost
 * for another reason are told of, and remembered.
 *
 * @module
 */
import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

export interface Screen {
  /** Columns of the terminal; undefined where results go to no terminal. */
  readonly width: number | undefined
  /** Whether no results are taken any more. */
  readonly isClosed: boolean
  /** Whether results were lost though somebody may have waited for them: a disk is full. Certain once all is {@link drained}. */
  readonly hasFailed: boolean
  /** Results, line by line. */
  print(...lines: readonly string[]): void
  /** What a reader of the results must not find among them. */
  note(...lines: readonly string[]): void
  /** Where notes go: for what is drawn anew again and again. */
  readonly notes: NodeJS.WritableStream
  styled(style: Style, text: string): string
  /** Until all that was printed and noted has been taken, or nobody will. */
  drained(): Promise<void>
}

/** As much of a stream of a process as is needed here. */
export interface OutputStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean
  readonly columns?: number | undefined
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
  #hasFailed = false

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

  get hasFailed(): boolean {
    return this.#hasFailed
  }

  /** Calls the function once, when no results are taken any more. */
  onClosed(listener: () => void): void {
    this.#onClosed.push(listener)
  }

  print(...lines: readonly string[]): void {
    if (this.#isClosed || lines.length === 0) return
    this.#streams.out.write(`${lines.join('\n')}\n`, (error) => {
      if (error) this.#fail(error) // the event would come too late for who exits
    })
  }

  note(...lines: readonly string[]): void {
    if (lines.length > 0) this.#streams.err.write(`${lines.join('\n')}\n`)
  }

  get notes(): NodeJS.WritableStream {
    return this.#streams.err
  }

  styled(style: Style, text: string): string {
    return this.#isColoured ? styleText(style, text, { validateStream: false }) : text
  }

  async drained(): Promise<void> {
    const { out, err } = this.#streams
    if (!this.#isClosed) await taken(out)
    await taken(err)
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#hasFailed = error.code !== 'EPIPE'
    if (this.#hasFailed) this.note(`Cannot write the results: ${error.message}`)
    for (const listener of this.#onClosed.splice(0)) listener()
  }
}

/** Until what was written before has been, or never will be. Some streams take little at once and write it later. */
function taken(stream: OutputStream): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      stream.off('error', end)
      resolve()
    }
    stream.once('error', end)
    stream.write('', end)
  })
}
