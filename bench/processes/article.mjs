/**
 * What every contender keeps: the article of `contenders.mjs`, a generated key and five plain columns, here with one DDL for all.
 */
export const TABLE = 'article'

/** Column names are those of the properties; no ORM gets to choose. */
export const COLUMNS = {
  title: { type: 'varchar' },
  slug: { type: 'varchar' },
  body: { type: 'text' },
  views: { type: 'integer' },
  createdBy: { type: 'varchar', nullable: true },
}

/** How the databases differ; `articles` is a SELECT of `count` of them in the order of their numbers. */
const DIALECTS = {
  postgres: {
    quote: (name) => `"${name}"`,
    key: 'serial PRIMARY KEY',
    articles: (count) => articlesOf(`generate_series(1, ${count}) AS n(i)`),
    settle: (table) => [`ANALYZE ${table}`], // else it is done in the background, some time during the measurement
  },
  mariadb: {
    quote: (name) => `\`${name}\``,
    key: 'integer PRIMARY KEY AUTO_INCREMENT',
    varchar: 'varchar(255)',
    articles: (count) => articlesOf(`(SELECT seq AS i FROM seq_1_to_${count}) AS n`, (...parts) => `CONCAT(${parts.join(', ')})`),
  },
  sqlite: {
    quote: (name) => `"${name}"`,
    key: 'integer PRIMARY KEY AUTOINCREMENT',
    articles: (count) =>
      articlesOf(`(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i FROM n) AS n`),
  },
}

const dialectOf = ({ type }) => DIALECTS[type] ?? DIALECTS.sqlite

export function quotedName({ type }, name) {
  return dialectOf({ type }).quote(name)
}

export function tableName(options) {
  const table = quotedName(options, TABLE)
  return options.type === 'postgres' && options.schema !== undefined ? `${quotedName(options, options.schema)}.${table}` : table
}

/** Statements that make a fresh table and put `count` rows into it. */
export function fillStatements(options, count) {
  const { quote, key, varchar = 'varchar', settle = () => [] } = dialectOf(options)
  const table = tableName(options)
  const columns = Object.entries(COLUMNS).map(([name, { type, nullable }]) => {
    return `${quote(name)} ${type === 'varchar' ? varchar : type}${nullable ? '' : ' NOT NULL'}`
  })
  return [
    `DROP TABLE IF EXISTS ${table}`,
    `CREATE TABLE ${table} (${quote('id')} ${key}, ${columns.join(', ')})`,
    moreStatement(options, count),
    ...settle(table),
  ]
}

/** A statement that adds `count` rows. */
export function moreStatement(options, count) {
  const { quote, articles } = dialectOf(options)
  return `INSERT INTO ${tableName(options)} (${Object.keys(COLUMNS).map(quote).join(', ')}) ${articles(count)}`
}

function articlesOf(numbers, concat = (...parts) => parts.join(' || ')) {
  const values = [
    concat("'Title '", 'i'),
    concat("'title-'", 'i'),
    concat("'The body of article '", 'i', "', long enough to be one.'"),
    'i',
    concat("'author '", '(i % 10)'),
  ]
  return `SELECT ${values.join(', ')} FROM ${numbers} ORDER BY i`
}

export function articleValues(number) {
  return {
    title: `Title ${number}`,
    slug: `title-${number}`,
    body: `The body of article ${number}, long enough to be one.`,
    views: number,
    createdBy: `author ${number % 10}`,
  }
}

/** Values that differ from those of every other edition in every column. */
export function editedValues(number, edition) {
  return {
    title: `Title ${number}, edition ${edition}`,
    slug: `title-${number}-${edition}`,
    body: `The body of article ${number}, long enough to be one, in edition ${edition}.`,
    views: number + edition,
    createdBy: `author ${number % 10} of ${edition}`,
  }
}
