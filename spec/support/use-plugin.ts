/**
 * A plugin that is registered during each test, with plugin events on.
 *
 * @module
 */
import { enablePluginEvents, registerPlugin } from 'flushpoint/events'
import { SamplePlugin, type Events } from './events.js'

/** Registered before there is an outbox: what is told of that is no matter here. */
export function usePlugin(events: Events): { readonly sample: SamplePlugin } {
  let sample: SamplePlugin
  beforeEach(() => {
    enablePluginEvents(true)
    sample = new SamplePlugin('sample', (name) => name !== 'plugins_loaded')
    events.keep(registerPlugin(sample))
  })
  afterEach(() => enablePluginEvents(false))
  return {
    get sample() {
      return sample
    },
  }
}
