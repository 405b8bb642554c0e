/** Requests and replies of the import of people: the file's columns, the choices made, what it
 * would change, and what it has changed. */
import { type Static, Type } from 'typebox';
import { AccountId } from './account.ts';
import { foldName } from './fold.ts';
import { Nullable, OneOf, Strict } from './schema.ts';
import { SiteDraft } from './site.ts';

export const maxImportBytes = 20_000_000;
/** Lists in a preview are cut at this length; counts are not. */
export const shownMax = 500;

export const importFields = [
  'lastName',
  'firstName',
  'className',
  'level',
  'externalId',
  'uai',
  'siteName',
  'city',
  'role',
  'mail',
] as const;
export type ImportField = (typeof importFields)[number];

export const importRoles = ['pupil', 'teacher'] as const;
export type ImportRole = (typeof importRoles)[number];

/** Everything that a person decides about a file. `columns`: the field in each column; null within
 * the list: ignored; `columns` null: guessed. `same`: which account each line belongs to. `leave`:
 * accounts that may no longer sign in. `createSites`: schools to add. `plan`: the preview that was
 * read. */
export const ImportChoices = Strict({
  who: OneOf(importRoles),
  columns: Nullable(Type.Array(Nullable(OneOf(importFields)), { maxItems: 200 })),
  same: Type.Array(
    Strict({
      line: Type.Integer({ minimum: 1 }),
      is: Type.Union([AccountId, Type.Literal('new'), Type.Literal('skip')]),
    }),
    { maxItems: 20_000 },
  ),
  leave: Type.Array(AccountId, { maxItems: 100_000 }),
  createSites: Type.Array(
    Strict({
      uai: SiteDraft.properties.uai,
      timeZone: SiteDraft.properties.timeZone,
      holidayZone: SiteDraft.properties.holidayZone,
    }),
    { maxItems: 500 },
  ),
  plan: Nullable(Type.String({ pattern: '^[0-9a-f]{64}$' })),
});
export type ImportChoices = Static<typeof ImportChoices>;
export const noChoices: ImportChoices = {
  who: 'pupil',
  columns: null,
  same: [],
  leave: [],
  createSites: [],
  plan: null,
};

export const rowProblems = [
  'no_name',
  'bad_name',
  'no_site',
  'unknown_site',
  'foreign_site',
  'known_elsewhere',
  'twice',
  'other_role',
  'bad_class',
  'same_line',
] as const;
export type RowProblem = (typeof rowProblems)[number];
export const changes = ['class', 'level', 'name', 'site', 'returned', 'identifier'] as const;
export type Change = (typeof changes)[number];

const Text = Type.String({ maxLength: 400 });
export const ImportCounts = Strict({
  lines: Type.Integer(),
  added: Type.Integer(),
  changed: Type.Integer(),
  unchanged: Type.Integer(),
  undecided: Type.Integer(),
  skipped: Type.Integer(),
  problems: Type.Integer(),
  missing: Type.Integer(),
  leaving: Type.Integer(),
  newClasses: Type.Integer(),
  newSites: Type.Integer(),
});
export type ImportCounts = Static<typeof ImportCounts>;

export const NamedLine = Strict({
  line: Type.Integer(),
  name: Text,
  siteName: Text,
  className: Nullable(Text),
});
export const Homonym = Strict({
  ...NamedLine.properties,
  level: Nullable(Text),
  is: Nullable(Text),
  twins: Type.Array(Type.Integer()),
  people: Type.Array(
    Strict({
      id: AccountId,
      name: Text,
      login: Text,
      classes: Type.Array(Text),
      level: Nullable(Text),
    }),
  ),
});
export type Homonym = Static<typeof Homonym>;
export const MissingPerson = Strict({
  id: AccountId,
  name: Text,
  siteName: Text,
  classes: Type.Array(Text),
  leaves: Type.Boolean(),
});
export type MissingPerson = Static<typeof MissingPerson>;

/** `absent`: missing columns without which no plan is possible. Lists are cut at `shownMax`. */
export const ImportPreview = Strict({
  encoding: OneOf(['utf-8', 'utf-16', 'windows-1252']),
  separator: OneOf([';', ',', 'tab', '|']),
  header: Type.Array(Text),
  samples: Type.Array(Type.Array(Text)),
  columns: Type.Array(Nullable(OneOf(importFields))),
  absent: Type.Array(OneOf(importFields)),
  counts: ImportCounts,
  added: Type.Array(NamedLine),
  changed: Type.Array(
    Strict({
      ...NamedLine.properties,
      changes: Type.Array(OneOf(changes)),
      before: Text,
      after: Text,
    }),
  ),
  homonyms: Type.Array(Homonym),
  missing: Type.Array(MissingPerson),
  newClasses: Type.Array(Strict({ siteName: Text, name: Text })),
  newSites: Type.Array(
    Strict({ uai: Text, name: Text, city: Text, lines: Type.Integer(), created: Type.Boolean() }),
  ),
  problems: Type.Array(Strict({ line: Type.Integer(), problem: OneOf(rowProblems), text: Text })),
  plan: Nullable(Type.String()),
});
export type ImportPreview = Static<typeof ImportPreview>;

/** `csv`: the people added, with their login names. */
export const ImportReport = Strict({ counts: ImportCounts, csv: Type.String() });
export type ImportReport = Static<typeof ImportReport>;

const guesses: readonly [ImportField, RegExp][] = [
  ['externalId', /^(ine|identifiant national|numero national|id national|matricule|identifiant)\b/],
  ['uai', /^(uai|rne|code etab|code ecole|numero ecole)/],
  ['siteName', /^(nom|libelle) (de l |d )?(ecole|etablissement|etab)|^(ecole|etablissement)$/],
  ['city', /^(commune|ville)( (de l |d )?(ecole|etablissement))?$/],
  ['firstName', /^prenom(s)?( (1|d usage|usage|(de l |d )?(eleve|enseignant)))?$|^first ?name$/],
  [
    'lastName',
    /^nom( (d usage|usage|de famille|(de l |d )?(eleve|enseignant)))?$|^(last|family) ?name$|^surname$/,
  ],
  ['className', /^(libelle |nom )?(de la )?classe|^class( name)?$|^division$/],
  ['level', /^niveau|^(cycle )?level$/],
  ['role', /^(role|fonction|type|profil)$/],
  ['mail', /^(mel|mail|courriel|e mail|adresse (mel|mail|electronique)|email)/],
];

/** Guesses each column's field from its title; a field gets the first column that matches. */
export function guessColumns(header: readonly string[]): (ImportField | null)[] {
  const taken = new Set<ImportField>();
  return header.map((title) => {
    const folded = foldName(title);
    const field =
      guesses.find(([name, pattern]) => !taken.has(name) && pattern.test(folded))?.[0] ?? null;
    if (field !== null) taken.add(field);
    return field;
  });
}
