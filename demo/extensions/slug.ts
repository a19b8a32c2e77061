/**
 * Keeps a film's slug in step with its title: the smallest useful mapper extension.
 *
 * @module
 */
import { MapperExtension } from 'flushpoint'

interface Slugged {
  title: string
  slug: string
  releasedOn: string
}

// #region slug
export class Slug extends MapperExtension<Slugged> {
  override beforeInsert(film: Slugged) {
    film.slug = `${slugify(film.title)}-${film.releasedOn.slice(0, 4)}`
  }

  override beforeUpdate(film: Slugged) {
    this.beforeInsert(film)
  }
}
// #endregion

function slugify(title: string): string {
  return title
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}
