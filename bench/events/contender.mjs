/**
 * Events of flushpoint, or a list kept by hand, as contenders of `signals.mjs`, each in a process of its own.
 *
 * A contender is `{ name, create, listen, track, transaction, settled }`.
 */
import 'reflect-metadata'
import { createRequire } from 'node:module'
import { DataSource } from 'typeorm'
import { serve } from '../processes/worker.mjs'

const require = createRequire(import.meta.url)

await serve(async ({ contender, options }) => (contender === 'by-hand' ? openByHand(options) : openFlushpoint(options)))

async function openFlushpoint(options) {
  const { sessionSubscriber } = require('flushpoint')
  const { defineEvent, eventsSettled, onEvent, track } = require('flushpoint/events')
  const dataSource = await connect({ ...options, subscribers: [sessionSubscriber()] })
  const Published = defineEvent()('article.published')
  let off = () => undefined
  return {
    name: 'flushpoint',
    create: (number) => new Published({ articleId: number, price: 7 }),
    listen: (listener) => {
      off()
      off = onEvent(Published)(listener)
    },
    track,
    transaction: (fn) => dataSource.transaction(fn),
    settled: eventsSettled,
  }
}

/** What one would write without events: a list of plain objects, told in order after the commit. It bears no error, and knows no savepoint. */
async function openByHand(options) {
  const dataSource = await connect(options)
  let kept = []
  let heard
  return {
    name: 'by hand',
    create: (number) => ({ articleId: number, price: 7 }),
    listen: (listener) => void (heard = listener),
    track: (event) => void kept.push(event),
    transaction: (fn) => dataSource.transaction(fn),
    settled: async () => {
      const told = kept
      kept = []
      for (const event of told) {
        const result = heard(event)
        if (result !== undefined) await result
      }
    },
  }
}

async function connect(options) {
  const dataSource = await new DataSource({ ...options, entities: [] }).initialize()
  await dataSource.query('CREATE TABLE "written" ("id" integer PRIMARY KEY)')
  return dataSource
}
