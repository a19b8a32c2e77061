/**
 * Entities and mapper extensions as a program writes them, and the declarations that must not compile.
 *
 * Checked by the compiler, never run.
 *
 * @module
 */
import 'reflect-metadata'
import { BaseEntity, Column, Entity, ManyToMany, ManyToOne, OneToMany, PrimaryGeneratedColumn } from 'typeorm'
import { Extensions, MapperExtension, SessionExtension, type EntityState, type Mapper, type Session } from 'flushpoint'

export class Slug extends MapperExtension<Article> {
  override beforeInsert(entity: Article) {
    entity.slug = entity.title.toLowerCase()
  }
  override beforeUpdate(entity: Article, state: EntityState<Article>, session: Session) {
    const change = state.changes.title
    if (change?.to !== undefined) entity.slug = change.to.toLowerCase()
    const changed: boolean = state.changed('title')
    // @ts-expect-error no such column
    void state.changes.titel
    // @ts-expect-error methods are not columns
    state.changed('publish')
    // @ts-expect-error no such column
    state.changed('titel')
    const from: Date | undefined = state.changes.published?.from
    const lazy: Author | null | undefined = state.changes.editor?.to
    session.add(new Tag())
    void [changed, from, lazy]
  }
}

export class Audit extends MapperExtension<{ createdBy?: string }> {
  override beforeInsert(entity: { createdBy?: string }) {
    entity.createdBy = 'me'
  }
}

export class Anything extends MapperExtension<object> {}

interface HasSlug {
  slug: string
  title: string
}

export class AnySlug<E extends HasSlug> extends MapperExtension<E> {
  override beforeInsert(entity: E, state: EntityState<E>) {
    entity.slug = entity.title
    void state
  }
}

export class SlugFrom extends MapperExtension {
  constructor(
    mapper: Mapper,
    readonly options: { from: string; to?: string },
  ) {
    super(mapper)
  }
}

@Entity()
export class Author {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Company) company: Company | null
}

@Entity()
export class Company {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@Entity()
export class Tag {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@Entity()
@Extensions(Slug, Audit, Anything, AnySlug, SlugFrom.with({ from: 'title' }))
export class Article {
  @PrimaryGeneratedColumn() id: number
  @Column() title: string
  @Column() slug: string
  @Column() createdBy?: string
  @Column() published: Date
  @ManyToOne(() => Author) author?: Author | null
  @ManyToOne(() => Author) editor: Promise<Author | null>
  @ManyToMany(() => Tag) tags?: Tag[]
  @OneToMany(() => Comment, (comment) => comment.article) comments?: Comment[]
  publish(): void {}
}

/** An extension of a class fits those below it. */
@Entity()
@Extensions(Slug)
export class NewsArticle extends Article {
  @Column() agency: string
}

export class NewsOnly extends MapperExtension<NewsArticle> {
  override beforeInsert(entity: NewsArticle) {
    entity.agency = 'AP'
  }
}

@Entity()
// @ts-expect-error Slug is for Article
@Extensions(Slug)
export class Comment extends BaseEntity {
  @PrimaryGeneratedColumn() id: number
  @Column() text: string
  @ManyToOne(() => Article) article: Article

  constructor(article: Article, text: string) {
    super()
    this.article = article
    this.text = text
  }
}

// @ts-expect-error no slug column: the generic extension is refused
@Extensions(AnySlug)
export class NoSlug {
  id: number
}

// @ts-expect-error an extension of a subclass does not fit a class above it
@Extensions(NewsOnly)
export class BaseThing extends Article {}

// @ts-expect-error a session extension is no mapper extension
@Extensions(class X extends SessionExtension {})
export class WrongLevel {}

// @ts-expect-error an instance is no class
@Extensions(new Anything(null as never))
export class AnInstance {}

// @ts-expect-error no such option
SlugFrom.with({ form: 'title' })
// @ts-expect-error a required option is missing
SlugFrom.with({ to: 'slug' })
// @ts-expect-error an option of another type
SlugFrom.with({ from: 1 })

@Extensions()
export abstract class Off extends Article {}

/** What is listed works as a class, with options and as a factory, side by side. */
@Extensions(Slug, SlugFrom.with({ from: 'title', to: 'slug' }), (mapper: Mapper) => new Slug(mapper))
export class AllForms extends Article {}
