/**
 * Whom a receiver hears of: one model, several, every model, classes below one; as a function, a method, a decorated static method.
 *
 * @module
 */
import {
  anyModel,
  ModelSignals,
  onChange,
  postRelationAdd,
  postSave,
  preSave,
  preUpdate,
  SignalDefinitionError,
  signalsOf,
  signalsSettled,
  type SignalPayload,
} from 'flushpoint/signals'
import { sessionSubscriber, type SessionExtensionInput } from 'flushpoint'
import { Column, Entity, EntitySchema, PrimaryGeneratedColumn } from 'typeorm'
import { describeDatabase, openDataSource } from '../support/databases.js'
import { make } from '../support/models.js'
import { Album, Artist, Genre, Label, LabelSchema, MaxiSingle, Named, Release, Single } from '../support/music.js'
import { errorOf } from '../support/sessions.js'
import { useSignals } from '../support/signals.js'
import { describeWays } from '../support/ways-in.js'

const music = useSignals()
const album = (name = 'Blue') => make(Album, { name })
const nothing = () => undefined
const heard: string[] = []
const hear = ({ sender, instance }: SignalPayload) => void heard.push(`${sender.name} ${(instance as Named).name}`)

beforeEach(() => void (heard.length = 0))

describeWays('a receiver', (way) => {
  it('of several models hears of each, with its class, and is taken out of all by one undo', async () => {
    const undo = preSave([Album, Genre])(hear)
    await way.save(music.ds, album())
    await way.save(music.ds, make(Genre, { name: 'folk' }))
    await way.save(music.ds, make(Artist, { name: 'Joni' }))
    expect(heard).toEqual(['Album Blue', 'Genre folk'])
    undo()
    await way.save(music.ds, [album(), make(Genre, { name: 'jazz' })])
    expect(heard).toHaveLength(2)
    expect([signalsOf(Album).preSave.receivers, signalsOf(Genre).preSave.receivers]).toEqual([[], []])
  }) // A13

  it('of one model does not hear of the classes below it, nor of those above', async () => {
    music.keep(preSave(Single)(hear))
    await way.save(music.ds, make(Release, { name: 'release' }))
    await way.save(music.ds, make(Single, { name: 'single' }))
    await way.save(music.ds, make(MaxiSingle, { name: 'maxi' }))
    expect(heard).toEqual(['Single single'])
  }) // A37

  it('of a class with its subclasses hears of all below it, with the class of each', async () => {
    music.keep(preSave(Release, { subclasses: true })(hear))
    await way.save(music.ds, [
      make(Release, { name: 'release' }),
      make(Single, { name: 'single' }),
      make(MaxiSingle, { name: 'maxi' }),
      album(),
    ])
    expect(heard.sort()).toEqual(['MaxiSingle maxi', 'Release release', 'Single single'])
  }) // A37

  it('of a base class that is no entity hears of nothing by itself, and of all below it where that is asked for', async () => {
    expect(await errorOf(() => preSave(Named)(hear))).toMatchObject({ code: 'SIGNAL_SENDER_INVALID' })
    music.keep(preSave(Named)(hear, { subclasses: true }))
    await way.save(music.ds, [album(), make(Single, { name: 'single' })])
    expect(heard.sort()).toEqual(['Album Blue', 'Single single'])
  }) // A37

  it('of any model hears of every one', async () => {
    music.keep(preSave(anyModel)(hear))
    await way.save(music.ds, [album(), make(Genre, { name: 'folk' }), make(MaxiSingle, { name: 'maxi' })])
    expect(heard.sort()).toEqual(['Album Blue', 'Genre folk', 'MaxiSingle maxi'])
  })

  it('hears once, however often it was connected, in the order of its first connection', async () => {
    music.keep(preSave(anyModel)(hear))
    music.keep(preSave(Single)(() => void heard.push('between')))
    music.keep(preSave(Single)(hear))
    music.keep(preSave(Single)(hear))
    music.keep(preSave(Release, { subclasses: true })(hear))
    music.keep(preSave(Release)(hear))
    await way.save(music.ds, make(Single, { name: 'single' }))
    expect(heard).toEqual(['Single single', 'between'])
  }) // A31

  it('with the uid of another function is called beside that, where they are of different models', async () => {
    music.keep(preSave(anyModel)(() => void heard.push('of any'), { uid: 'same' }))
    music.keep(preSave(Album)(() => void heard.push('of Album'), { uid: 'same' }))
    music.keep(preSave(Album)(() => void heard.push('never'), { uid: 'same' }))
    await way.save(music.ds, album())
    expect(heard).toEqual(['of any', 'of Album'])
  })

  it('that is asked to hear of subclasses by a second connection does so until that is undone', async () => {
    music.keep(preSave(Release)(hear))
    const widened = preSave(Release)(hear, { subclasses: true })
    await way.save(music.ds, make(Single, { name: 'one' }))
    widened()
    await way.save(music.ds, [make(Single, { name: 'two' }), make(Release, { name: 'three' })])
    expect(heard).toEqual(['Single one', 'Release three'])
  })

  it('is called in the order of connection, whatever it was connected to', async () => {
    const note = (what: string) => () => void heard.push(what)
    music.keep(preSave(anyModel)(note('first')))
    music.keep(preSave(Single)(note('second')))
    music.keep(preSave(Named, { subclasses: true })(note('third')))
    music.keep(preSave([Album, Single])(note('fourth')))
    await way.save(music.ds, make(Single, { name: 'single' }))
    expect(heard).toEqual(['first', 'second', 'third', 'fourth'])
  })

  it('that was connected alone first hears of subclasses once that is asked for', async () => {
    music.keep(preSave(Release)(hear))
    await way.save(music.ds, make(Single, { name: 'one' }))
    music.keep(preSave(Release)(hear, { subclasses: true }))
    await way.save(music.ds, make(Single, { name: 'two' }))
    expect(heard).toEqual(['Single two'])
  })

  it('of an EntitySchema hears of its class, by either', async () => {
    music.keep(preSave(LabelSchema)(hear))
    music.keep(postSave(Label)(hear))
    await way.save(music.ds, make(Label, { name: 'Reprise' }))
    expect(heard).toEqual(['Label Reprise', 'Label Reprise'])
    expect(signalsOf(LabelSchema)).toBe(signalsOf(Label))
  })

  it('once is once, however many models there are', async () => {
    preSave([Album, Genre])(hear, { once: true })
    await way.save(music.ds, album())
    await way.save(music.ds, [album('Court'), make(Genre, { name: 'folk' })])
    expect(heard).toEqual(['Album Blue'])
    expect(signalsOf(Genre).preSave.receivers).toEqual([])
  })

  it('takes options with the models or with the function', async () => {
    const controller = new AbortController()
    preSave(Album, { abortSignal: controller.signal })(hear)
    music.keep(preSave(Album, { uid: 'one' })(({ instance }) => void (instance.plays = 1)))
    music.keep(preSave(Album)(({ instance }) => void (instance.plays = 2), { uid: 'one' }))
    await way.save(music.ds, album())
    controller.abort()
    await way.save(music.ds, album())
    expect(heard).toEqual(['Album Blue'])
    expect((await music.rows(Album)).map(({ plays }) => plays)).toEqual([1, 1])
  })

  it('connected in a running receiver hears of the next flush on', async () => {
    let isConnected = false
    music.keep(
      preSave(Album)(() => {
        if (!isConnected) music.keep(preSave(Album)(hear))
        isConnected = true
      }),
    )
    await way.save(music.ds, album('first'))
    await way.save(music.ds, album('second'))
    expect(heard).toEqual(['Album second'])
  }) // A40

  it('that is a method has its owner, and is found again by the two', async () => {
    class Counter {
      count = 0
      add(_payload: SignalPayload) {
        this.count++
      }
    }
    const [one, other] = [new Counter(), new Counter()]
    const { preSave: signal } = signalsOf(Album)
    signal.connect(one, 'add')
    signal.connect(one, 'add')
    signal.connect(other, 'add')
    await way.save(music.ds, album())
    expect(signal.disconnect(one, 'add')).toBe(true)
    await way.save(music.ds, album())
    expect(signal.disconnect(other, 'add')).toBe(true)
    expect([one.count, other.count]).toEqual([1, 2])
  }) // A12, A33
})

describeWays('a decorated static method', (way) => {
  it('is a receiver with its class, stays what it is, and is taken out by class and name', async () => {
    const original = ({ instance }: SignalPayload<Album>) => void heard.push(instance.name)
    class Receivers {
      static readonly prefix = 'static'
      @preSave(Album)
      static onSave({ instance }: SignalPayload<Album>) {
        heard.push(`${this.prefix} ${instance.name}`)
      }
    }
    const { value } = Object.getOwnPropertyDescriptor(Receivers, 'onSave')!
    await way.save(music.ds, album())
    expect(heard).toEqual(['static Blue'])
    expect(signalsOf(Album).preSave.receivers).toEqual([value])
    expect(signalsOf(Album).preSave.disconnect(Receivers.onSave)).toBe(true)
    expect(signalsOf(Album).preSave.disconnect(Receivers, 'onSave')).toBe(false)
    await way.save(music.ds, album())
    expect(heard).toHaveLength(1)

    preSave(Album)(original)
    expect(signalsOf(Album).preSave.receivers).toEqual([original])
    expect(signalsOf(Album).preSave.disconnect(original)).toBe(true)
  }) // A11, A39: what is connected is the function itself

  it('hears of several signals and models', async () => {
    class Receivers {
      @preSave([Album, Genre])
      @preUpdate(Album)
      static onWrite({ instance }: { instance: Named }) {
        heard.push(instance.name)
      }
    }
    const one = await way.save(music.ds, album())
    await way.save(music.ds, make(Genre, { name: 'folk' }))
    await way.save(music.ds, Object.assign(one, { name: 'Green' }))
    expect(heard).toEqual(['Blue', 'folk', 'Green'])
    for (const signal of [signalsOf(Album).preSave, signalsOf(Genre).preSave, signalsOf(Album).preUpdate])
      expect(signal.disconnect(Receivers, 'onWrite')).toBe(true)
  }) // A11, A13
})

describeDatabase('a decorated static method of the model itself', () => {
  it('is connected, though the decorator of its class is run later', async () => {
    @Entity()
    class Diary {
      @PrimaryGeneratedColumn() id: number
      @Column() text: string

      @preSave(Diary)
      static onSave({ instance }: SignalPayload<Diary>) {
        heard.push(instance.text)
      }
    }
    const dataSource = await openDataSource({ entities: [Diary], subscribers: [sessionSubscriber({ extensions: [ModelSignals] })] })
    await dataSource.manager.save(make(Diary, { text: 'today' }))
    expect(heard).toEqual(['today'])
    expect(signalsOf(Diary).preSave.disconnect(Diary, 'onSave')).toBe(true)
  })
})

describeWays('the extension', (way) => {
  it.each<[string, SessionExtensionInput]>([
    ['itself', ModelSignals],
    ['a class below it', class OwnSignals extends ModelSignals {}],
  ])('beside %s sends each signal once', async (_what, second) => {
    music.keep(preSave(Album)(hear))
    music.keep(postRelationAdd(Album)(({ relationName }) => void heard.push(relationName)))
    music.keep(onChange(Album, 'name')(({ to }) => void heard.push(`name ${to}`)))
    await way.transaction(music.ds, async (work) => {
      work.session.registerExtension(second)
      await work.save(make(Album, { name: 'Blue', genres: [make(Genre, { name: 'folk' })] }))
    })
    await signalsSettled()
    expect(heard).toEqual(['Album Blue', 'genres', 'name Blue'])
  })
})

describeDatabase('what cannot be a receiver or a sender', () => {
  const nobody = () => [signalsOf(Album).preSave.receivers.length, signalsOf(Genre).preSave.receivers.length]

  it.each<[string, unknown]>([
    ['a text', 'fn'],
    ['nothing', undefined],
    ['a class', Album],
    ['a function of two parameters', (one: unknown, two: unknown) => [one, two]],
  ])('%s is refused as a receiver, and nothing is connected', async (_what, given) => {
    const error = await errorOf(() => preSave([Album, Genre])(given as never))
    expect(error).toBeInstanceOf(SignalDefinitionError)
    expect(error).toMatchObject({ code: 'SIGNAL_RECEIVER_INVALID', name: 'SignalDefinitionError' })
    expect(nobody()).toEqual([0, 0])
  }) // A01, A02

  it('an instance method is refused where it is decorated, and named', async () => {
    const decorate = () => {
      class Receivers {
        // @ts-expect-error nobody could say on which object
        @preSave(Album)
        onSave({ instance }: SignalPayload<Album>) {
          heard.push(instance.name)
        }
      }
      return Receivers
    }
    const error = await errorOf(decorate)
    expect(error).toMatchObject({ code: 'SIGNAL_STATIC_ONLY', message: expect.stringContaining('Receivers.onSave to preSave') })
    expect(error).toBeInstanceOf(SignalDefinitionError)
    expect(nobody()).toEqual([0, 0])
  })

  it.each<[string, unknown, string]>([
    ['a text', 'Album', 'a string'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['an instance', new Label(), 'an instance of Label'],
    ['a plain object', {}, 'a plain object'],
    ['a function', () => undefined, 'the function (anonymous)'],
    ['a schema without a class', new EntitySchema({ name: 'Nameless', columns: {} }), 'an EntitySchema without a target'],
  ])('%s is refused as a sender at once', async (_what, given, described) => {
    const error = await errorOf(() => preSave(given as never))
    expect(error).toBeInstanceOf(SignalDefinitionError)
    expect(error).toMatchObject({ code: 'SIGNAL_SENDER_INVALID', message: expect.stringContaining(`is ${described}`) })
    expect(await errorOf(() => preSave([Album, given] as never))).toMatchObject({ code: 'SIGNAL_SENDER_INVALID' })
    expect(await errorOf(() => onChange(given as never, 'name' as never))).toMatchObject({ code: 'SIGNAL_SENDER_INVALID' })
  })

  it('a class that is no entity is refused, and none of the others is connected', async () => {
    class Stranger {}
    const error = await errorOf(() => preSave([Album, Stranger, Genre])(hear))
    expect(error).toMatchObject({
      code: 'SIGNAL_SENDER_INVALID',
      message: expect.stringContaining('the class Stranger, which is no mapped'),
    })
    expect(await errorOf(() => signalsOf(Stranger).preSave.connect(hear))).toMatchObject({ code: 'SIGNAL_SENDER_INVALID' })
    expect(nobody()).toEqual([0, 0])
  })

  it.each<[string, () => unknown, string]>([
    ['a misspelt option', () => preSave([Album, Genre])(hear, { onec: true } as never), 'OPTION_UNKNOWN'],
    ['a junk abort signal', () => preSave([Album, Genre], { abortSignal: {} as never })(hear), 'OPTION_INVALID'],
    ['a misspelt filter', () => onChange(Album, 'name', { too: 'Blue' } as never)(nothing), 'OPTION_UNKNOWN'],
    ['null as a filter', () => onChange(Album, 'name', null as never)(nothing), 'OPTION_INVALID'],
  ])('%s is refused, and nothing is connected', async (_what, connect, code) => {
    expect(await errorOf(connect)).toMatchObject({ code })
    expect(nobody()).toEqual([0, 0])
  })

  it('an empty list is refused', async () => {
    const error = await errorOf(() => preSave([] as never))
    expect(error).toBeInstanceOf(SignalDefinitionError)
    expect(error).toMatchObject({ code: 'SIGNAL_SENDERS_EMPTY', message: expect.stringContaining('preSave') })
  })
})
