/** The audit chain: each event's hash covers the previous one, so that changing, removing,
 * inserting or moving an event is always detected. The hashed text holds no names or details, only
 * a salted hash (mark) of each. The values are stored beside it and can be erased together with
 * their salts without breaking the chain. Pure: the caller supplies hashing and signatures. See
 * docs/decisions/0017. */
import { type Static, Type } from 'typebox';
import { AuditEvent } from './audit.ts';
import { Instant, Nullable, OneOf, Strict } from './schema.ts';

const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Seq = Type.Integer({ minimum: 0 });
/** Three values: for actor name, subject name and details, in this order. */
const Three = <T extends ReturnType<typeof Type.String>>(item: T) =>
  Type.Array(item, { minItems: 3, maxItems: 3 });

/** A salt is empty when its value was erased. */
export const ChainedEvent = Strict({
  seq: Seq,
  hash: Hash,
  ...AuditEvent.properties,
  salts: Three(Type.String({ pattern: '^([A-Za-z0-9_-]{22})?$' })),
  marks: Three(Hash),
});
export type ChainedEvent = Static<typeof ChainedEvent>;

/** A position in the chain: the last event's number, and its hash. */
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

/** Texts that the city signs. `headText`: the chain had this length and last hash at that time.
 * `removalText`: retention removed everything up to this link. */
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
): string => {
  const { id, at, action, actorKind, actorId, subjectId, siteId } = event;
  const hashed = [
    previous.seq + 1,
    ...[id, at, action, actorKind, actorId, subjectId, siteId],
    ...marks,
  ];
  return sha256(`${previous.hash}\n${JSON.stringify(hashed)}`);
};

/** `missing`: events were removed or moved. `changed`: a hashed field was altered. `name_changed`,
 * `details_changed`: a value beside the hash was altered. `erased`: no erasure event accounts for
 * an erased value. `cut`: the end is missing. `forged`: not signed by the city. `other_chain`: the
 * chain does not pass through the known link. */
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
  /** Events checked, and how many of their names and details are erased. */
  events: Type.Integer(),
  erased: Type.Integer(),
  /** The link before the first event checked. */
  start: Link,
  head: Link,
  /** The first invalid event. */
  broken: Nullable(Strict({ seq: Seq, problem: ChainProblem })),
});
export type ChainVerdict = Static<typeof ChainVerdict>;

function problemOf(sha256: Sha256, previous: Link, event: ChainedEvent): ChainProblem | null {
  if (event.seq !== previous.seq + 1) return 'missing';
  if (hashOf(sha256, previous, event, event.marks) !== event.hash) return 'changed';
  for (const [field, value] of valuesOf(event).entries()) {
    const salt = event.salts[field] ?? '';
    // Without its salt a value must be the erased placeholder; no other value is accepted.
    const isRight =
      salt === ''
        ? value === (field === 2 ? JSON.stringify(erasedDetails) : erasedName)
        : markOf(sha256, salt, field, value) === event.marks[field];
    if (!isRight) return field === 2 ? 'details_changed' : 'name_changed';
  }
  return null;
}

/** The account whose name an erased field held, which an erasure must name; null when the field
 * belonged to no account. Pure. */
function ownerOf(event: ChainedEvent, field: number): string | null {
  const id = field === 0 ? event.actorId : field === 1 ? event.subjectId : null;
  return id?.startsWith('acc_') === true ? id : null;
}

/** Counts erased values and the erasures that account for them. */
function countErasures() {
  let erased = 0;
  /** `unnamed`: erased values that belong to no account; `accounted`: how many of those the erasure
   * events declare. */
  let unnamed = 0;
  let accounted = 0;
  /** By account: the number of its first event with an erased value. */
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
    /** The event that no erasure accounts for, or `end` when it cannot be located; null when all
     * are accounted for. Only the end of the chain can tell, because an erasure comes after the
     * events that it erases. */
    unaccounted(end: number): number | null {
      const unexplained = [...firstErased].find(([id]) => !erasedAccounts.has(id));
      if (unexplained !== undefined) return unexplained[1];
      return unnamed > accounted ? end : null;
    },
  };
}

/** Verifies the chain from `start`, event by event. `known`: a link stored elsewhere, which the
 * chain must pass through. */
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
    /** `head`: where the chain is said to end; null when only a part was read. */
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

/** Lines of an exported file, one JSON object each: its start, its events, its end. Consecutive
 * files may be concatenated. */
export const ExportStart = Strict({
  preau: Type.Literal('audit'),
  key: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  start: Link,
  removal: Nullable(Strict({ ...Link.properties, signature: SignedLink.properties.signature })),
});
export type ExportStart = Static<typeof ExportStart>;
/** `last`: the chain ended here when it was exported. */
export const ExportEnd = Strict({ end: SignedLink, last: Type.Boolean() });
export type ExportEnd = Static<typeof ExportEnd>;
