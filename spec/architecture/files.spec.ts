/**
 * Keeps every file of `lib/` short, and introduced by a heading that says what it is responsible for.
 *
 * @module
 */
import { files, read } from './library.js'

const MAX_LINES = 400

describe('lib files', () => {
  it(`have at most ${MAX_LINES} lines`, () => {
    const long = files.map((file) => `${file}: ${read(`lib/${file}`).trimEnd().split('\n').length} lines`)
    expect(long.filter((line) => Number(/(\d+) lines/.exec(line)?.[1]) > MAX_LINES)).toEqual([])
  })

  it('start with a heading doc comment', () => {
    expect(files.filter((file) => !/^(#!.*\n)?\/\*\*\n \* \S/.test(read(`lib/${file}`)))).toEqual([])
  })
})
