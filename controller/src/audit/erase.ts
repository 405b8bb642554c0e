/** The two ways to remove data from the audit: erasing a name, and retention. The chain remains
 * verifiable after both. */
import { setImmediate as breathe } from 'node:timers/promises';
import {
  type ChainedEvent,
  erasedDetails,
  erasedName,
  removalText,
} from '@preau/contract/audit-chain.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { recordEffect } from './record.ts';
import {
  closeChain,
  lockChain,
  removeUpTo,
  saveErased,
  selectChained,
  selectPlaceBefore,
} from './store.ts';

/** The people to erase: their ids, and the names they had. */
export interface Erasing {
  ids: ReadonlySet<string>;
  names: ReadonlySet<string>;
  /** Patterns of names by their first word, so that one pass can search for thousands of people. */
  byWord: ReadonlyMap<string, readonly RegExp[]>;
}

const words = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
const letter = '[\\p{L}\\p{N}]';

/** Pure. */
export function erasingOf(people: readonly { id: string; names: readonly string[] }[]): Erasing {
  const names = new Set(people.flatMap((person) => person.names).filter((name) => name.length > 1));
  const byWord = new Map<string, RegExp[]>();
  for (const name of names) {
    const [first = name] = words(name);
    byWord.set(first, [
      ...(byWord.get(first) ?? []),
      new RegExp(`(?<!${letter})${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?!${letter})`, 'iu'),
    ]);
  }
  return { ids: new Set(people.map(({ id }) => id)), names, byWord };
}

const strings = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, inner]) => [key, ...strings(inner)])
      : [];
const namesSomebody = (text: string, { byWord }: Erasing): boolean =>
  words(text).some((word) => byWord.get(word)?.some((name) => name.test(text)) === true);

/** The event without the names; null when it contains none of them. `unnamed`: see `passOver`.
 * Pure. */
export function withoutNames(
  event: ChainedEvent,
  erasing: Erasing,
): { event: ChainedEvent; unnamed: number } | null {
  const parts = [
    event.actorName !== erasedName && event.actorId !== null && erasing.ids.has(event.actorId),
    event.subjectName === erasedName
      ? false
      : event.subjectId === null
        ? erasing.names.has(event.subjectName)
        : erasing.ids.has(event.subjectId),
    strings(event.details).some((text) => namesSomebody(text, erasing)),
  ].map((is, field) => is && event.salts[field] !== '');
  if (!parts.some(Boolean)) return null;
  const [actor, subject, details] = parts;
  return {
    event: {
      ...event,
      actorName: actor === true ? erasedName : event.actorName,
      subjectName: subject === true ? erasedName : event.subjectName,
      details: details === true ? erasedDetails : event.details,
      salts: event.salts.map((salt, field) => (parts[field] === true ? '' : salt)),
    },
    unnamed: (details === true ? 1 : 0) + (subject === true && event.subjectId === null ? 1 : 0),
  };
}

const pageSize = 400;

/** One pass over the chain, over the events after `after` and up to `upTo`. `count` only counts;
 * `erase` removes names and their salts, page by page, so that nobody waits for long. `unnamed`:
 * number of erased fields that no id accounts for: the caller records it with `account.erased`
 * before they are erased. */
export async function passOver(
  deps: Pick<Platform, 'database'>,
  erasing: Erasing,
  { after = 0, upTo = Number.POSITIVE_INFINITY }: { after?: number; upTo?: number },
  what: 'count' | 'erase',
): Promise<{ events: number; unnamed: number; seq: number }> {
  let [events, unnamed, seq] = [0, 0, after];
  for (;;) {
    const read = await selectChained(deps.database, seq, pageSize);
    const page = read.filter((event) => event.seq <= upTo);
    const left = page
      .map((event) => withoutNames(event, erasing))
      .filter((found) => found !== null);
    events += left.length;
    unnamed += left.reduce((sum, found) => sum + found.unnamed, 0);
    if (what === 'erase' && left.length > 0) {
      await deps.database.transaction().execute(async (rows) => {
        await lockChain(rows, 'erasure');
        for (const { event } of left) await saveErased(rows, event);
        await closeChain(rows);
      });
    }
    seq = page.at(-1)?.seq ?? seq;
    await breathe();
    if (page.length < pageSize) return { events, unnamed, seq };
  }
}

/** Events that one run removes at most; the next run removes more. */
const atOnce = 5000;

/** Removes events older than `before` from the front of the chain, and signs its new beginning.
 * Returns how many were removed. */
export async function removeOldEvents(
  deps: Pick<Platform, 'database' | 'clock' | 'secrets'>,
  actor: Actor,
  before: number,
): Promise<number> {
  return deps.database.transaction().execute(async (rows) => {
    const { removed } = await lockChain(rows, 'retention');
    const place = await selectPlaceBefore(rows, before, removed.seq, atOnce);
    if (place === undefined) {
      await closeChain(rows);
      return 0;
    }
    const count = await removeUpTo(rows, place, deps.secrets.sign(removalText(place)));
    await recordEffect(deps, rows, actor, {
      action: 'audit.pruned',
      subjectName: 'audit',
      details: { events: count, upTo: place.seq },
    });
    return count;
  });
}
