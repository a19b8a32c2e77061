/**
 * The signals of one model: those every model has, and those it was given.
 *
 * @module
 */
import { anyModel, onChange, preInsert, preSave, Signal, SignalDefinitionError, signalsOf } from 'flushpoint/signals'
import { album } from '../support/albums.js'
import { describeDatabase } from '../support/databases.js'
import { Album, Artist, Genre, Release, Single } from '../support/music.js'
import { errorOf } from '../support/sessions.js'
import { useSignals } from '../support/signals.js'

const music = useSignals()
const heard: string[] = []
const hear = () => void heard.push('heard')

beforeEach(() => void (heard.length = 0))

describeDatabase('the signals of a model', () => {
  it('are the same for the class, its schema and its instances, and others for another class', () => {
    expect(signalsOf(album())).toBe(signalsOf(Album))
    expect(signalsOf(Album).preSave).toBe(signalsOf(album()).preSave)
    expect(signalsOf(Genre)).not.toBe(signalsOf(Album))
    expect(signalsOf(Genre).preSave).not.toBe(signalsOf(Album).preSave)
    expect(signalsOf(Single).preSave).not.toBe(signalsOf(Release).preSave)
  }) // A38

  it('are those of the class of an instance, whatever its columns are called', () => {
    class Settings {
      options = { target: 'dark' }
    }
    expect(String(signalsOf(new Settings()))).toContain('Settings')
    expect(signalsOf(new Settings())).toBe(signalsOf(Settings))
  }) // A38

  it('have two names where save means insert', () => {
    expect(signalsOf(Album).preInsert).toBe(signalsOf(Album).preSave)
    expect(signalsOf(Album).postInsert).toBe(signalsOf(Album).postSave)
    expect(signalsOf(Album).get('preInsert')).toBe(signalsOf(Album).preSave)
    expect(preInsert).toBe(preSave)
  })

  it('tell who is connected', () => {
    expect(String(signalsOf(Artist))).toBe('signals of Artist (no receivers)')
    music.keep(preSave(Artist)(hear))
    music.keep(onChange(Artist, 'name')(() => undefined))
    expect(String(signalsOf(Artist))).toBe('signals of Artist (preSave of the class Artist (1 receiver))')
  })

  it('cannot be replaced', async () => {
    const signals = signalsOf(Album) as any
    for (const assign of [() => (signals.preSave = hear), () => (signals.released = new Signal('released'))]) {
      const error = await errorOf(assign)
      expect(error).toBeInstanceOf(SignalDefinitionError)
      expect(error).toMatchObject({ code: 'SIGNAL_NOT_ASSIGNABLE' })
    }
    expect(signals.released).toBeUndefined()
    expect(signalsOf(Album).preSave.receivers).toEqual([])
  }) // A03

  it('are an error where their name is misspelt, with the nearest one', async () => {
    for (const name of ['preSvae', 'PreSave', 'pre_save']) {
      expect(await errorOf(() => (signalsOf(Album) as any)[name])).toMatchObject({
        code: 'SIGNAL_UNKNOWN',
        message: expect.stringContaining('did you mean "preSave"?'),
      })
      expect(await errorOf(() => signalsOf(Album).get(name))).toMatchObject({ code: 'SIGNAL_UNKNOWN' })
    }
    expect(await errorOf(() => signalsOf(Album).get('postBulkUpdated'))).toMatchObject({
      message: expect.stringContaining('"postBulkUpdate"'),
    })
  })
})

describeDatabase('a signal of your own', () => {
  const released = () => signalsOf(Album).define<{ instance: Album }>('released')
  afterEach(() => released().receivers.forEach((receiver) => released().disconnect(receiver)))

  it('is sent by hand alone, and what its receivers do is done', async () => {
    released().connect(({ instance, sender }) => {
      heard.push(sender.name)
      instance.name = 'out'
    })
    const one = album()
    await music.ds.manager.save(one)
    expect(heard).toEqual([])
    await released().send({ sender: Album, instance: one })
    await music.ds.manager.save(one)
    expect(heard).toEqual(['Album'])
    expect(await music.names(Album)).toEqual(['out'])
  }) // A15, A16

  it('is defined once, and found by its name', () => {
    expect(released()).toBe(signalsOf(Album).get('released'))
    expect(signalsOf(Album).names).toEqual(expect.arrayContaining(['preSave', 'preInsert', 'released']))
  })

  it('is unknown before it was defined, and a misspelt name is an error with the nearest one', async () => {
    released()
    const error = await errorOf(() => signalsOf(Album).get('relaesed'))
    expect(error).toBeInstanceOf(SignalDefinitionError)
    expect(error).toMatchObject({
      code: 'SIGNAL_UNKNOWN',
      message: expect.stringContaining('"relaesed" of Album; did you mean "released"?'),
    })
    expect(await errorOf(() => signalsOf(Genre).get('released'))).toMatchObject({ code: 'SIGNAL_UNKNOWN' })
    expect(signalsOf(Album).names).not.toContain('relaesed')
  }) // A15: asking for a signal makes none

  it('needs a name of its own', async () => {
    expect(await errorOf(() => signalsOf(Album).define('preSave'))).toMatchObject({ code: 'SIGNAL_NAME_TAKEN' })
    for (const name of ['postInsert', 'get', 'define', 'names', 'toString', 'constructor', '__proto__'])
      expect(await errorOf(() => signalsOf(Album).define(name))).toMatchObject({ code: 'SIGNAL_NAME_TAKEN' })
    for (const name of ['', undefined, 7])
      expect(await errorOf(() => signalsOf(Album).define(name as never))).toMatchObject({ code: 'SIGNAL_NAME_INVALID' })
  })

  it('needs a sender, whichever way it is sent', async () => {
    released().connect(() => void heard.push('never'))
    for (const send of ['send', 'sendConcurrent', 'sendRobust'] as const) {
      for (const payload of [{ instance: album() }, { sender: 'Album' }, undefined]) {
        const error = await errorOf(released()[send](payload as never))
        expect(error).toBeInstanceOf(SignalDefinitionError)
        expect(error).toMatchObject({ code: 'SIGNAL_SENDER_INVALID' })
      }
    }
    expect(heard).toEqual([])
  }) // A43

  it('is heard by class, subclasses and any model, as the others are', async () => {
    const base = signalsOf(Release).define<{ year: number }>('pressed')
    const note = (what: string) => (payload: { year: number }) => void heard.push(`${what} ${payload.year}`)
    const connections = [
      base.connect(note('alone')),
      base.connect(note('with subclasses'), { subclasses: true }),
      signalsOf(anyModel).define<{ year: number }>('pressed').connect(note('any')),
    ]
    await signalsOf(Single).get<{ year: number }>('pressed').send({ sender: Single, year: 1971 })
    expect(heard).toEqual(['with subclasses 1971', 'any 1971'])
    await base.send({ sender: Release, year: 1972 })
    expect(heard.slice(2)).toEqual(['alone 1972', 'with subclasses 1972', 'any 1972'])
    connections.forEach((undo) => undo())
  })
})
