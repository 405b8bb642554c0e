/** Classes: their children, their badges and picture passwords, and the class page for signing
 * in. */
import { type Static, Type } from 'typebox';
import { AccountId, GroupId } from './account.ts';
import { animals, objects } from './drawings.ts';
import { Instant, Line, Nullable, OneOf, Strict } from './schema.ts';
import { SiteId } from './site.ts';

const codeSigns = 'abcdefghjkmnpqrstuvwxyz2345678';
/** The code in the address of a class page: short enough for a child to type, without similar
 * characters. Not a secret: it works only from within the class's school. */
export const ClassCode = Type.String({ pattern: `^[${codeSigns}]{6}$` });

/** Hash that spreads small differences over all 32 bits (FNV-1a, public domain). */
function mixed(text: string): number {
  let sum = 2_166_136_261;
  for (const letter of text) sum = Math.imul(sum ^ letter.charCodeAt(0), 16_777_619) >>> 0;
  return (sum ^ (sum >>> 15)) >>> 0;
}

/** Derived from the class's id, so nothing is stored. Unique enough within a school, the only scope
 * in which it is looked up. */
export function codeOf(groupId: string): string {
  let rest = mixed(groupId);
  let code = '';
  for (let at = 0; at < 6; at += 1) {
    code += codeSigns[rest % codeSigns.length] ?? 'a';
    rest = Math.floor(rest / codeSigns.length);
  }
  return code;
}

/** The picture that identifies a child: an animal on a colour, always the same for the same
 * child. */
export const ChildPicture = Strict({
  animal: OneOf(animals),
  colour: Type.Integer({ minimum: 0, maximum: 7 }),
});
export type ChildPicture = Static<typeof ChildPicture>;

/** Derived from the account's id, so nothing is stored and nothing about the child is revealed. */
export function pictureOf(accountId: string): ChildPicture {
  const sum = mixed(accountId);
  return {
    animal: animals[sum % animals.length] ?? 'cat',
    colour: Math.floor(sum / animals.length) % 8,
  };
}

/** Three different pictures of twelve, in order: 1,320 combinations. That is weak, so it works only
 * from within the school, and attempts are slowed down after an error. */
export const picturesAsked = 3;
export const PicturePassword = Type.Array(OneOf(objects), {
  minItems: picturesAsked,
  maxItems: picturesAsked,
  uniqueItems: true,
});
export type PicturePassword = Static<typeof PicturePassword>;

/** First names as children use them; when two in the class share one, the first letters of the rest
 * of the name are added. Pure. */
export function shortNames(
  people: readonly { id: string; displayName: string }[],
): Map<string, string> {
  const wordsOf = (name: string) => name.trim().split(/\s+/);
  const first = (name: string) => wordsOf(name)[0] ?? name;
  const key = (text: string) => text.toLocaleLowerCase('fr');
  const sharing = Map.groupBy(people, ({ displayName }) => key(first(displayName)));
  const told = new Map<string, string>();
  for (const same of sharing.values()) {
    for (const { id, displayName } of same) {
      const rest = wordsOf(displayName).slice(1).join(' ');
      const others = same
        .filter((other) => other.id !== id)
        .map((other) => key(wordsOf(other.displayName).slice(1).join(' ')));
      let letters = 1;
      while (
        letters < rest.length &&
        others.some((other) => other.startsWith(key(rest.slice(0, letters))))
      )
        letters += 1;
      told.set(
        id,
        same.length === 1 || rest === ''
          ? first(displayName)
          : `${first(displayName)} ${rest.slice(0, letters).trim()}${letters < rest.length ? '.' : ''}`,
      );
    }
  }
  return told;
}

// ---- at the door ----------------------------------------------------------------------------

/** Shown before anybody has signed in, so names are given only to addresses within the school.
 * `siteName` null: this address is in no school. `problem`: why sign-in is refused now. */
export const EntryHall = Strict({
  siteName: Nullable(Line(120)),
  problem: Nullable(OneOf(['elsewhere', 'out_of_hours'])),
  opensAt: Nullable(Instant),
  classes: Type.Array(Strict({ code: ClassCode, name: Line(80) })),
});
export type EntryHall = Static<typeof EntryHall>;

export const EntryClass = Strict({
  name: Line(80),
  siteName: Line(120),
  children: Type.Array(
    Strict({
      id: AccountId,
      firstName: Line(120),
      picture: ChildPicture,
      hasPictures: Type.Boolean(),
    }),
  ),
});
export type EntryClass = Static<typeof EntryClass>;

export const PictureEntry = Strict({
  code: ClassCode,
  accountId: AccountId,
  pictures: PicturePassword,
});
export type PictureEntry = Static<typeof PictureEntry>;

// ---- for those who stand in front of it -----------------------------------------------------

export const ClassSummary = Strict({
  id: GroupId,
  name: Line(80),
  siteId: SiteId,
  siteName: Line(120),
  code: ClassCode,
  pupils: Type.Integer(),
  badges: Type.Integer(),
  pictures: Type.Integer(),
});
export type ClassSummary = Static<typeof ClassSummary>;

/** `none`: never issued. `voided`: invalid until it is reissued. */
export const PupilBadge = Strict({
  state: OneOf(['none', 'valid', 'voided']),
  serial: Nullable(Type.Integer()),
  since: Nullable(Instant),
});
export type PupilBadge = Static<typeof PupilBadge>;

export const Pupil = Strict({
  id: AccountId,
  displayName: Line(120),
  firstName: Line(120),
  login: Type.String(),
  picture: ChildPicture,
  badge: PupilBadge,
  hasPictures: Type.Boolean(),
});
export type Pupil = Static<typeof Pupil>;

/** `byDirectory`: a directory defines the members and would overwrite changes. `noNetwork`: the
 * school has no network set, so badges and picture passwords do not work. */
export const ClassDetail = Strict({
  ...ClassSummary.properties,
  byDirectory: Type.Boolean(),
  noNetwork: Type.Boolean(),
  children: Type.Array(Pupil),
});
export type ClassDetail = Static<typeof ClassDetail>;

export const ClassDraft = Strict({ siteId: SiteId, name: Line(80) });
export type ClassDraft = Static<typeof ClassDraft>;
export const NewPupil = Strict({ firstName: Line(60), lastName: Line(60) });
export type NewPupil = Static<typeof NewPupil>;
/** A pupil of the school who could be added to this class. */
export const OtherPupil = Strict({
  id: AccountId,
  displayName: Line(120),
  classes: Type.Array(Type.String()),
});
export type OtherPupil = Static<typeof OtherPupil>;
