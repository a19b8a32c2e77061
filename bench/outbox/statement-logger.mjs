/** A logger of TypeORM that keeps no log, but tells of statements that are about to be sent while somebody watches for them. */
export class StatementLogger {
  #watched

  /** `end` gives back what was sent since. @param onSent Told of each. */
  watch(isMeant, onSent = () => undefined) {
    const seen = []
    this.#watched = (sql, parameters) => {
      if (!isMeant(sql)) return
      seen.push({ sql, parameters })
      onSent()
    }
    const end = () => {
      this.#watched = undefined
      return seen
    }
    return { end }
  }

  logQuery(sql, parameters) {
    this.#watched?.(sql, parameters)
  }

  logQueryError() {}
  logQuerySlow() {}
  logSchemaBuild() {}
  logMigration() {}
  log() {}
}
