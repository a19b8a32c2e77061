/**
 * `flushpoint data validate`: finds what is wrong with a folder of JSON files, without writing anything.
 *
 * @module
 */
import { lineOf } from '../../../extensions/fixtures/problems.js'
import { validateData, type ValidationReport } from '../../../extensions/fixtures/validate-data.js'
import { command, EXIT } from '../../command.js'
import { counted, printable } from '../../screen/printable.js'
import type { Screen } from '../../screen/screen.js'
import { DATA_OPTIONS, FOLDER_NOTE, printModels, withData } from './data-command.js'

export const dataValidate = command({
  name: 'data validate',
  summary: 'finds what is wrong with a folder of JSON files; exits with 3 if anything is',
  options: DATA_OPTIONS,
  notes: [FOLDER_NOTE, 'It sends no statement: whether tables are empty, and what triggers say, only data load --dry-run finds.'],
  run: async (values, ports) => {
    const started = Date.now()
    const { screen } = ports
    const show = (report: ValidationReport) => {
      if (values.json) screen.print(JSON.stringify(report, null, 2))
      else {
        printModels(screen, { ...report, started, said: 'checked' })
        printProblems(screen, report)
      }
      return report.problemCount > 0 ? EXIT.trouble : EXIT.fine
    }
    return withData(values, ports, {
      command: 'data validate',
      work: (dataSource, options) => validateData(dataSource, values.dir, options),
      show,
    })
  },
})

function printProblems(screen: Screen, { problems, problemCount }: ValidationReport): void {
  if (problemCount > 0) screen.print('', ...problems.map((problem) => screen.styled('red', printable(lineOf(problem)))))
  if (problemCount > problems.length) screen.print(`and ${problemCount - problems.length} more`)
  screen.print('', problemCount === 0 ? 'Nothing is wrong.' : `${counted(problemCount, 'problem')} found.`)
}
