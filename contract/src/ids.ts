/** The kinds of ids by prefix, and which of them belong to a school. The code that makes ids,
 * checks them, and decides whether a caller may access what they name, follows this table. */

/** `named`: how the caller's access to an id of this kind is checked. `edge`: the edge looks up its
 * school and refuses other schools. `verb`: the verb that takes the id checks, because one of them
 * has many schools. `no`: it belongs to no school, or only its owner can access it. `told`: the
 * edge also checks these ids in replies. */
interface IdRow {
  names: string;
  named: 'edge' | 'verb' | 'no';
  told?: true;
}

// biome-ignore format: a table
export const ids = {
  acc: { names: 'account', named: 'edge' },
  add: { names: 'addition of a server', named: 'edge', told: true },
  app: { names: 'application', named: 'no' },
  grp: { names: 'group or class', named: 'edge' },
  his: { names: 'line of a rollout’s history', named: 'no' },
  mai: { names: 'mail in the outbox', named: 'no' },
  msg: { names: 'message of a request', named: 'no' },
  ord: { names: 'order to a server', named: 'no' },
  pky: { names: 'passkey', named: 'no' },
  rec: { names: 'recording', named: 'edge' },
  req: { names: 'request', named: 'edge' },
  rol: { names: 'rollout', named: 'verb' },
  rul: { names: 'rule', named: 'edge' },
  sch: { names: 'schedule of rollouts', named: 'no' },
  scr: { names: 'script', named: 'no' },
  rst: { names: 'restart of a server', named: 'no' },
  ses: { names: 'session', named: 'edge', told: true },
  sgr: { names: 'group of schools', named: 'edge' },
  sit: { names: 'school', named: 'edge', told: true },
  srv: { names: 'server', named: 'edge', told: true },
  tok: { names: 'API token', named: 'no' },
  trf: { names: 'transfer of a file', named: 'no' },
  ver: { names: 'version of an application', named: 'no' },
} as const satisfies Record<string, IdRow>;

export type IdKind = keyof typeof ids;
/** Kinds whose school the edge looks up. */
export type SchoolIdKind = {
  [K in IdKind]: (typeof ids)[K] extends { named: 'edge' } ? K : never;
}[IdKind];

/** After the prefix: 128 random bits in base64url. */
export const idPattern = (kinds: string): string => `^${kinds}_[A-Za-z0-9_-]{22}$`;

/** Whether a text is an id of one of the kinds that `which` chooses. */
function isIdOf(which: (row: IdRow) => boolean): (text: string) => boolean {
  const kinds = Object.entries<IdRow>(ids)
    .filter(([, row]) => which(row))
    .map(([kind]) => kind);
  const pattern = new RegExp(idPattern(`(?:${kinds.join('|')})`));
  return (text) => pattern.test(text);
}
export const isOfSchool = isIdOf(({ named }) => named === 'edge');
export const isReachedByVerb = isIdOf(({ named }) => named === 'verb');
/** Ids of kinds that belong to a school: a reply must not name one of another school. */
export const isOfSchoolInAnswers = isIdOf(({ named, told }) => named === 'edge' && told === true);
