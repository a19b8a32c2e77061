/**
 * Draws docs/flush.svg from what `flushes.mjs --store` has measured: `node bench/chart.mjs [--case update3]`.
 *
 * One panel for each database, time over rows. Plain SVG without scripts; its colours follow the reader's light or dark.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DATABASES } from './databases.mjs'
import { CASES } from './flushes/cases.mjs'
import { stored } from './flushes/results.mjs'

const { values: flags } = parseArgs({ options: { case: { type: 'string', default: 'update3' } } })
const FILE = fileURLToPath(new URL('../docs/flush.svg', import.meta.url))

/** In the order in which they are drawn: flushpoint lies on top. */
const LINES = {
  typeorm: 'TypeORM',
  'mikro-orm': 'MikroORM',
  floor: 'raw statements',
  flushpoint: 'flushpoint',
}
const PANEL = { width: 440, height: 330, left: 62, right: 124, top: 34, bottom: 44 }
const [RIGHT, BOTTOM] = [PANEL.width - PANEL.right, PANEL.height - PANEL.bottom]
const COLUMNS = 2
/** Where the lines of all contenders end. */
const MOST_ROWS = 10_000
const HEAD = 56
const LABEL_HEIGHT = 15
/** Each colour in the light and in the dark. */
const COLOURS = {
  typeorm: ['#cf222e', '#ff7b72'],
  'mikro-orm': ['#9a6700', '#d29922'],
  floor: ['#6e7781', '#8b949e'],
  flushpoint: ['#0969da', '#58a6ff'],
}
const coloursOf = (shade) =>
  Object.entries(COLOURS).map(
    ([name, colours]) => `.${name} { fill: ${colours[shade]} } .curve.${name} { fill: none; stroke: ${colours[shade]} }`,
  )
const STYLE = `
    text { font: 12px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #444c56 }
    text.title { font-size: 17px; font-weight: 600; fill: #1f2328 }
    text.panel { font-size: 13px; font-weight: 600; fill: #1f2328 }
    text.label { font-weight: 600 }
    .grid { stroke: #8b949e; stroke-opacity: .25 }
    .axis { stroke: #8b949e; fill: none }
    .curve { stroke-width: 2; stroke-linejoin: round } .curve.flushpoint { stroke-width: 3 } .curve.floor { stroke-dasharray: 5 4 }
    ${coloursOf(0).join('\n    ')}
    @media (prefers-color-scheme: dark) {
      text { fill: #adbac7 } text.title, text.panel { fill: #e6edf3 }
      ${coloursOf(1).join('\n      ')}
    }`

/** By contender: `[{ rows, millis }, …]`. */
function curvesOf(results) {
  const judged = results.filter(({ name, size }) => name === flags.case && size <= MOST_ROWS).sort((one, other) => one.size - other.size)
  return Object.keys(LINES)
    .map((name) => ({
      name,
      points: judged
        .filter(({ contenders }) => name in contenders)
        .map(({ size, contenders }) => ({ rows: size, millis: contenders[name].millis })),
    }))
    .filter(({ points }) => points.length > 0)
}

function chart(panels) {
  const lines = Math.ceil(panels.length / COLUMNS)
  const [width, height] = [PANEL.width * Math.min(COLUMNS, panels.length), HEAD + PANEL.height * lines]
  const title = `Flush of many rows: ${CASES[flags.case].title}`
  const dates = [...new Set(panels.map(({ machine }) => machine.date))].sort().join(' and ')
  const drawn = panels.map((panel, index) => {
    const [x, y] = [PANEL.width * (index % COLUMNS), HEAD + PANEL.height * Math.floor(index / COLUMNS)]
    return `<g transform="translate(${x} ${y})">\n${panelOf(panel)}\n</g>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="t">
<title id="t">${title}: milliseconds over rows, both axes logarithmic</title>
<style>${STYLE}
</style>
<text class="title" x="${PANEL.left}" y="26">${title}</text>
<text x="${PANEL.left}" y="45">lower is faster; both axes are logarithmic; BEGIN and COMMIT included; measured ${dates}, ${panels[0].machine.node}</text>
${drawn.join('\n')}
</svg>
`
}

function panelOf({ database, curves }) {
  const scale = scaleOf(curves.flatMap(({ points }) => points))
  const ends = curves.map(({ name, points }) => ({ name, ...scale.at(points.at(-1)) }))
  return [
    `<text class="panel" x="${PANEL.left}" y="${PANEL.top - 12}">${DATABASES[database].title}</text>`,
    ...scale.millis.map(({ value, y }) => {
      const text = `<text x="${PANEL.left - 8}" y="${y + 4}" text-anchor="end">${numberText(value)}</text>`
      return `<line class="grid" x1="${PANEL.left}" x2="${RIGHT}" y1="${y}" y2="${y}"/>${text}`
    }),
    ...scale.rows.map(({ value, x }) => {
      const text = `<text x="${x}" y="${BOTTOM + 17}" text-anchor="middle">${numberText(value)}</text>`
      return `<line class="grid" x1="${x}" x2="${x}" y1="${PANEL.top}" y2="${BOTTOM}"/>${text}`
    }),
    `<path class="axis" d="M${PANEL.left} ${PANEL.top}V${BOTTOM}H${RIGHT}"/>`,
    `<text x="${(PANEL.left + RIGHT) / 2}" y="${BOTTOM + 34}" text-anchor="middle">rows</text>`,
    `<text transform="translate(14 ${(PANEL.top + BOTTOM) / 2}) rotate(-90)" text-anchor="middle">milliseconds</text>`,
    ...curves.map(({ name, points }) => curveOf(name, points.map(scale.at))),
    ...apart(ends).map(({ name, x, y }) => `<text class="label ${name}" x="${x + 7}" y="${(y + 4).toFixed(1)}">${LINES[name]}</text>`),
  ].join('\n')
}

/** Where a point lies in its panel, and the powers of ten along both sides. */
function scaleOf(points) {
  const [x, y] = [decades(points.map(({ rows }) => rows)), decades(points.map(({ millis }) => millis))]
  const along = ({ from, to }, value, [start, end]) => {
    return Number((start + ((Math.log10(value) - from) / (to - from)) * (end - start)).toFixed(1))
  }
  const at = ({ rows = 1, millis = 1 }) => ({ x: along(x, rows, [PANEL.left, RIGHT]), y: along(y, millis, [BOTTOM, PANEL.top]) })
  const powers = ({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index))
  return {
    at,
    rows: powers(x).map((value) => ({ value, ...at({ rows: value }) })),
    millis: powers(y).map((value) => ({ value, ...at({ millis: value }) })),
  }
}

/** The powers of ten around all values. */
function decades(values) {
  const from = Math.floor(Math.log10(Math.min(...values)))
  return { from, to: Math.max(from + 1, Math.ceil(Math.log10(Math.max(...values)))) }
}

function curveOf(name, points) {
  const dots = points.map(({ x, y }) => `<circle class="${name}" cx="${x}" cy="${y}" r="2.5"/>`)
  return `<polyline class="curve ${name}" points="${points.map(({ x, y }) => `${x},${y}`).join(' ')}"/>${dots.join('')}`
}

/** Labels of one column moved so that none covers another. */
function apart(labels) {
  const sorted = [...labels].sort((one, other) => one.y - other.y)
  for (const [index, label] of sorted.entries()) {
    const above = sorted.slice(0, index).filter(({ x }) => x === label.x)
    if (above.length > 0) label.y = Math.max(label.y, above.at(-1).y + LABEL_HEIGHT)
  }
  return sorted
}

function numberText(value) {
  return value >= 1 ? value.toLocaleString('en') : String(value)
}

const panels = Object.entries(stored())
  .map(([database, { machine, results }]) => ({ database, machine, curves: curvesOf(results) }))
  .filter(({ curves }) => curves.length > 0)
if (panels.length === 0) throw new Error('Nothing to draw: run node bench/flushes.mjs --store first')
writeFileSync(FILE, chart(panels))
