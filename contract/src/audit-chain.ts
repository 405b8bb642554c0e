/** The chain of the audit: each event's hash covers the one before it, so that nothing can be
 * changed, taken out, put in or moved unseen. Names and details are not in the hashed text: a
 * salted mark of each is. They stand beside it and can be erased, salt and all, without the chain
 * losing a link. Pure; hashing and signatures are given. See docs/decisions/0017. */
import { type Static, Type } from 'typebox';
import { AuditEvent } from './audit.ts';
import { Instant, Nullable, OneOf, Strict } from './schema.ts';

const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Seq = Type.Integer({ minimum: 0 });
/** For actor name, subject name and details, in this order. */
const Three = <T extends ReturnType<typeof Type.String>>(item: T) =>
  Type.Array(item, { minItems: 3, maxItems: 3 });

/** `salts`: empty where the value beside it was erased. */
export const ChainedEvent = Strict({
  seq: Seq,
  hash: Hash,
  ...AuditEvent.properties,
  salts: Three(Type.String({ pattern: '^([A-Za-z0-9_-]{22})?$' })),
  marks: Three(Hash),
});
export type ChainedEvent = Static<typeof ChainedEvent>;

/** A place in the chain. */
export const Link = Strict({ seq: Seq, hash: Hash });
export type Link = Static<typeof Link>;
export const SignedLink = Strict({
  seq: Seq,
  hash: Hash,
  at: Instant,
  signature: Type.String({ pattern: '^[A-Za-z0-9_-]{86}$' }),
});
export type SignedLink = Static<typeof SignedLink>;

export const noLink: Link = { seq: 0, hash: '0'.repeat(64) };

/** What the city signs: that the chain was this long, and so, at that time; or that everything up
 * to there was removed by age. */
export const headText = (link: Link, at: number): string =>
  `preau audit head\n${link.seq}\n${link.hash}\n${at}`;
export const removalText = (link: Link): string => `preau audit removal\n${link.seq}\n${link.hash}`;

export const erasedName = 'Personne effacée';
export const erasedDetails = { erased: true };

type Sha256 = (text: string) => string;
type Linked = Pick<
  ChainedEvent,
  'id' | 'at' | 'action' | 'actorKind' | 'actorId' | 'subjectId' | 'siteId'
>;
const fields = ['actor', 'subject', 'details'] as const;

export const valuesOf = (
  event: Pick<AuditEvent, 'actorName' | 'subjectName' | 'details'>,
): string[] => [event.actorName, event.subjectName, JSON.stringify(event.details)];
export const markOf = (sha256: Sha256, salt: string, field: number, value: string): string =>
  sha256(`${fields[field] ?? '?'}\n${salt}\n${value}`);
export const hashOf = (
  sha256: Sha256,
  previous: Link,
  event: Linked,
  marks: readonly string[],
): string =>
  sha256(
    `${previous.hash}\n${JSON.stringify([previous.seq + 1, event.id, event.at, event.action, event.actorKind, event.actorId, event.subjectId, event.siteId, ...marks])}`,
  );

/** `missing`: events were taken out, or moved. `changed`: something hashed is not what it was.
 * `name_changed`, `details_changed`: something beside the hash is not. `erased`: without an erasure
 * that accounts for it. `cut`: the end is missing. `forged`: not signed by the city. `other_chain`:
 * does not pass through the place that is known. */
export const chainProblems = [
  'missing',
  'changed',
  'name_changed',
  'details_changed',
  'erased',
  'cut',
  'forged',
  'other_chain',
] as const;
export const ChainProblem = OneOf(chainProblems);
export type ChainProblem = Static<typeof ChainProblem>;

export const ChainVerdict = Strict({
  intact: Type.Boolean(),
  /** Looked at, and how many names and details of them are erased. */
  events: Type.Integer(),
  erased: Type.Integer(),
  /** Before the first one. */
  start: Link,
  head: Link,
  /** The first place that is wrong. */
  broken: Nullable(Strict({ seq: Seq, problem: ChainProblem })),
});
export type ChainVerdict = Static<typeof ChainVerdict>;

function problemOf(sha256: Sha256, previous: Link, event: ChainedEvent): ChainProblem | null {
  if (event.seq !== previous.seq + 1) return 'missing';
  if (hashOf(sha256, previous, event, event.marks) !== event.hash) return 'changed';
  for (const [field, value] of valuesOf(event).entries()) {
    const salt = event.salts[field] ?? '';
    // Without its salt a value can only be erased, never say something else.
    const isRight =
      salt === ''
        ? value === (field === 2 ? JSON.stringify(erasedDetails) : erasedName)
        : markOf(sha256, salt, field, value) === event.marks[field];
    if (!isRight) return field === 2 ? 'details_changed' : 'name_changed';
  }
  return null;
}

/** Whose name stood in an erased field: an account that an erasure must name, or nobody's in
 * particular. Pure. */
function ownerOf(event: ChainedEvent, field: number): string | null {
  const id = field === 0 ? event.actorId : field === 1 ? event.subjectId : null;
  return id?.startsWith('acc_') === true ? id : null;
}

/** Counts erased values and the erasures that account for them. */
function countErasures() {
  let erased = 0;
  /** Erased values of no account, and how many of those the erasures say they erased. */
  let unnamed = 0;
  let accounted = 0;
  /** Where the first value of each account was erased. */
  const firstErased = new Map<string, number>();
  const erasedAccounts = new Set<string>();
  return {
    get erased(): number {
      return erased;
    },
    add(event: ChainedEvent, seq: number): void {
      for (const [field, salt] of event.salts.entries()) {
        if (salt !== '') continue;
        erased += 1;
        const owner = ownerOf(event, field);
        if (owner === null) unnamed += 1;
        else if (!firstErased.has(owner)) firstErased.set(owner, seq);
      }
      if (event.action === 'account.erased' && event.subjectId !== null) {
        erasedAccounts.add(event.subjectId);
        accounted += Number(event.details['unnamed'] ?? 0);
      }
    },
    /** The place of what no erasure accounts for, `end` when it has none of its own; null: all is
     * accounted for. An erasure comes after what it erases: only at the end is it known. */
    unaccounted(end: number): number | null {
      const unexplained = [...firstErased].find(([id]) => !erasedAccounts.has(id));
      if (unexplained !== undefined) return unexplained[1];
      return unnamed > accounted ? end : null;
    },
  };
}

/** Follows the chain from `start`, event by event; `known`: a place it must pass through, kept
 * elsewhere. */
export function followChain(sha256: Sha256, start: Link, known: Link | null = null) {
  let at = start;
  let broken: ChainVerdict['broken'] = null;
  let events = 0;
  const erasures = countErasures();
  const fail = (seq: number, problem: ChainProblem) => {
    broken ??= { seq, problem };
  };
  const passes = () => {
    if (known !== null && known.seq === at.seq && known.hash !== at.hash)
      fail(at.seq, 'other_chain');
  };
  passes();
  return {
    get at(): Link {
      return at;
    },
    get isBroken(): boolean {
      return broken !== null;
    },
    next(event: ChainedEvent): void {
      if (broken !== null) return;
      const seq = at.seq + 1;
      const problem = problemOf(sha256, at, event);
      if (problem !== null) {
        fail(seq, problem);
        return;
      }
      erasures.add(event, seq);
      events += 1;
      at = { seq, hash: event.hash };
      passes();
    },
    /** `head`: where the chain is said to end; null when only a part was looked at. */
    end(head: Link | null): ChainVerdict {
      if (broken === null && head !== null && (head.seq !== at.seq || head.hash !== at.hash))
        fail(at.seq + 1, head.seq > at.seq ? 'cut' : 'other_chain');
      if (broken === null && known !== null && known.seq > at.seq) fail(at.seq + 1, 'cut');
      const unaccounted = head === null ? null : erasures.unaccounted(at.seq);
      if (unaccounted !== null) fail(unaccounted, 'erased');
      const { erased } = erasures;
      return { intact: broken === null, events, erased, start, head: at, broken };
    },
  };
}

/** The lines of an exported file, one JSON object each: where it begins, its events, where it ends.
 * Files that follow each other may be joined into one. */
export const ExportStart = Strict({
  preau: Type.Literal('audit'),
  key: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  start: Link,
  removal: Nullable(Strict({ ...Link.properties, signature: SignedLink.properties.signature })),
});
export type ExportStart = Static<typeof ExportStart>;
/** `last`: the chain went no further then. */
export const ExportEnd = Strict({ end: SignedLink, last: Type.Boolean() });
export type ExportEnd = Static<typeof ExportEnd>;
