/**
 * What the runner itself does on the server: it has tables analyzed before they are measured, which would otherwise happen in the
 * background, during the measurement of somebody.
 */
import { DATABASES } from '../databases.mjs'

const NOTHING = { about: undefined, settle: async () => undefined, close: async () => undefined }

export async function openServer(key) {
  if (key !== 'postgres') return NOTHING
  const { default: pg } = await import('pg')
  const database = await DATABASES.postgres.open()
  const { url } = await database.options('runner')
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return {
    about: await settingsOf(client),
    settle: () => client.query('ANALYZE'),
    close: async () => {
      await client.end()
      await database.close()
    },
  }
}

async function settingsOf(client) {
  const shown = []
  for (const name of ['server_version', 'fsync', 'synchronous_commit', 'shared_buffers']) {
    const { rows } = await client.query(`SHOW ${name}`)
    shown.push(`${name} ${Object.values(rows[0])[0]}`)
  }
  return shown.join(', ')
}
