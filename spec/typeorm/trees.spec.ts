/**
 * Trees keep bookkeeping rows and columns of their own: hooks hear of the nodes, once each, and of nothing else.
 *
 * @module
 */
import { describeDatabase } from '../support/databases.js'
import { label, openWithHooks, work, type Hooks } from '../support/hooks.js'
import { make } from '../support/models.js'
import { ClosureNode, NestedNode, PathNode, TREES } from '../support/shapes.js'

function logTo(log: string[]): Hooks {
  const note = (hook: string) => (entity: object) => void log.push(`${hook} ${label(entity)}`)
  return {
    beforeFlush() {
      log.push(JSON.stringify(work(this.session.uow)))
    },
    beforeInsert: note('beforeInsert'),
    afterInsert: note('afterInsert'),
    beforeUpdate: note('beforeUpdate'),
    afterUpdate: note('afterUpdate'),
    beforeDelete: note('beforeDelete'),
    beforeBulk: ({ kind }) => void log.push(`beforeBulk ${kind}`),
    afterCommit: (changes) => void log.push(...changes.map(({ kind, entity }) => `${kind} ${label(entity)}`)),
  }
}

describe.each([ClosureNode, PathNode, NestedNode] as (new () => ClosureNode)[])('a tree of %p', (Node) => {
  const name = Node.name
  const node = (text: string) => make(Node, { name: text })

  async function planted(...own: Hooks[]) {
    const log: string[] = []
    const dataSource = await openWithHooks({ entities: TREES }, logTo(log), ...own)
    const trees = dataSource.getTreeRepository(Node)
    const root = await trees.save(node('root'))
    const branch = await trees.save(Object.assign(node('branch'), { parent: root }))
    return { log, trees, root, branch }
  }
  const namesUnder = async ({ trees, root }: Awaited<ReturnType<typeof planted>>) =>
    (await trees.findDescendants(root)).map((one) => one.name).sort()

  describeDatabase('tells the hooks', () => {
    it('each inserted node once, no bulk statement and no update', async () => {
      const { log } = await planted()
      expect(log).toEqual(
        ['root', 'branch'].flatMap((text) => [
          `{"new":["${name} ${text}"]}`,
          `beforeInsert ${name} ${text}`,
          `afterInsert ${name} ${text}`,
          `insert ${name} ${text}`,
        ]),
      )
    })

    it('a changed node once', async () => {
      const tree = await planted()
      tree.log.length = 0
      await tree.trees.save(Object.assign(tree.branch, { name: 'twig' }))
      expect(tree.log).toEqual([
        `{"dirty":["${name} twig"]}`,
        ...[`beforeUpdate ${name} twig`, `afterUpdate ${name} twig`, `update ${name} twig`],
      ])
      expect(await namesUnder(tree)).toEqual(['root', 'twig'])
    })
  })

  describeDatabase('takes in', () => {
    it('a parent set in a before-hook', async () => {
      const place: { root?: ClosureNode } = {}
      const tree = await planted({
        beforeInsert(entity) {
          const one = entity as ClosureNode
          if (one.name === 'leaf') one.parent = place.root!
        },
      })
      place.root = tree.root
      await tree.trees.save(node('leaf'))
      expect(await namesUnder(tree)).toEqual(['branch', 'leaf', 'root'])
    })

    it('a node added by a hook', async () => {
      const place: { parent?: ClosureNode } = {}
      const tree = await planted({
        beforeUpdate() {
          if (place.parent !== undefined) this.session.add(Object.assign(node('added'), place))
        },
      })
      place.parent = tree.branch
      await tree.trees.save(Object.assign(tree.root, { name: 'ROOT' }))
      expect(await namesUnder(tree)).toEqual(['ROOT', 'added', 'branch'])
    })
  })
})
