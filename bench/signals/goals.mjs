/** The goals with what was found, each by a median; beside a ratio stands that of the same code in another process. */
import { digits } from '../flushes/report.mjs'
import { printTable } from '../report.mjs'

export function printGoals(goals) {
  for (const title of new Set(goals.map(({ goal }) => goal))) {
    console.log(`\nGoal: ${title}`)
    printTable(
      ['', 'found', 'control', 'wanted', ''],
      goals
        .filter(({ goal }) => goal === title)
        .map(({ name, found, control, limit }) => [name, shown(found), shown(control), `<= ${limit}`, found <= limit ? 'met' : 'MISSED']),
    )
  }
}

function shown(value) {
  if (value === undefined) return ''
  return value === 0 ? '0' : digits(value)
}
