/**
 * Refuses films that cannot be true, with all reasons at once, and mends what is merely odd.
 *
 * An error thrown here stops the flush before anything is sent, so one bad row costs nothing but itself.
 *
 * @module
 */
import { MapperExtension, type Mapper } from 'flushpoint'

interface Judged {
  title: string
  releasedOn: string
  rating: number | null
  votes: number | null
  budget: number | null
  gross: number | null
}

/** What is wrong with one film; reaches the caller of `save` as it was thrown. */
export class ImpossibleFilm extends Error {
  constructor(readonly reasons: readonly string[]) {
    super(reasons.join('; '))
  }
}

// #region veto
export class ReasonableFilm extends MapperExtension<Judged> {
  static override readonly optionNames = { knownUntil: 'required' } as const

  constructor(
    mapper: Mapper<Judged>,
    private readonly options: { knownUntil: string },
  ) {
    super(mapper)
  }

  override beforeInsert(film: Judged) {
    if (typeof film.title === 'number') film.title = String(film.title) // 300, 1941, 2012 …
    const reasons = reasonsAgainst(film, this.options.knownUntil)
    if (reasons.length > 0) throw new ImpossibleFilm(reasons)
  }

  override beforeUpdate(film: Judged) {
    this.beforeInsert(film)
  }
}
// #endregion

function reasonsAgainst({ title, releasedOn, rating, votes, budget, gross }: Judged, knownUntil: string): string[] {
  const year = Number(releasedOn.slice(0, 4))
  const wrong: [boolean, string][] = [
    [!title, 'has no title'],
    [!year, 'has no readable release date'],
    [releasedOn > knownUntil, `released in ${year}, after the catalogue was made: rather ${year - 100}?`],
    [rating !== null && (rating < 0 || rating > 10), `a rating of ${rating} is not between 0 and 10`],
    [rating !== null && !votes, 'has a rating without votes'],
    [(budget ?? 0) < 0 || (gross ?? 0) < 0, 'money is negative'],
  ]
  return wrong.filter(([isWrong]) => isWrong).map(([, reason]) => reason)
}
