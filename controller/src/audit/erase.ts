/** Two ways out of the audit: a name that must go, and age. The chain stays provable through both. */
import { type ChainedEvent, erasedDetails, erasedName, type Link, removalText } from '@preau/contract/audit-chain.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { linkPending } from './chain.ts';
import { recordEffect } from './record.ts';
import { closeChain, lockChain, removeUpTo, saveErased, selectNaming, selectPlaceBefore } from './store.ts';

const letter = '[\\p{L}\\p{N}]';
const within = (name: string): RegExp => new RegExp(`(?<!${letter})${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?!${letter})`, 'iu');

const strings = (value: unknown): string[] => (typeof value === 'string' ? [value] : typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, inner]) => [key, ...strings(inner)]) : []);

/** What is left of an event once somebody's names are gone; null when it does not name them. Pure. */
export function withoutNames(event: ChainedEvent, personId: string, names: readonly string[]): { event: ChainedEvent; unnamed: number } | null {
  const named = names.map(within);
  const parts = [
    event.actorId === personId,
    event.subjectId === personId || (event.subjectId === null && names.includes(event.subjectName)),
    strings(event.details).some((text) => named.some((name) => name.test(text))),
  ].map((is, field) => is && event.salts[field] !== '');
  if (!parts.some(Boolean)) return null;
  const [actor, subject, details] = parts;
  return {
    event: {
      ...event, actorName: actor === true ? erasedName : event.actorName, subjectName: subject === true ? erasedName : event.subjectName, details: details === true ? erasedDetails : event.details,
      salts: event.salts.map((salt, field) => (parts[field] === true ? '' : salt)),
    },
    unnamed: (details === true ? 1 : 0) + (subject === true && event.subjectId === null ? 1 : 0),
  };
}

/** Takes a person's names out of every event, and out of its salts, so that nobody can find them again by trying. In the caller's transaction;
 *  the caller records `account.erased` with what this returns. */
export async function eraseNames(deps: Pick<Platform, 'clock' | 'secrets'>, rows: Rows, personId: string, names: readonly string[]): Promise<{ events: number; unnamed: number }> {
  let { head }: { head: Link } = await lockChain(rows, 'erasure');
  for (let linked = 1; linked > 0; ) ({ linked, head } = await linkPending(deps, rows, head, 1000));
  await lockChain(rows, 'erasure');
  let events = 0;
  let unnamed = 0;
  for (let at = 0; ; ) {
    const page = await selectNaming(rows, personId, names, at, 500);
    for (const found of page) {
      const left = withoutNames(found, personId, names);
      if (left === null) continue;
      await saveErased(rows, left.event);
      events += 1;
      unnamed += left.unnamed;
    }
    at = page.at(-1)?.seq ?? 0;
    if (page.length < 500) break;
  }
  await closeChain(rows);
  return { events, unnamed };
}

/** Events a run removes at most: the rest goes with the next. */
const atOnce = 5000;

/** Removes from the front of the chain what is older than `before`, and signs where it begins now. Returns how many went. */
export async function removeOldEvents(deps: Pick<Platform, 'database' | 'clock' | 'secrets'>, actor: Actor, before: number): Promise<number> {
  return deps.database.transaction().execute(async (rows) => {
    const { removed } = await lockChain(rows, 'retention');
    const place = await selectPlaceBefore(rows, before, removed.seq, atOnce);
    if (place === undefined) {
      await closeChain(rows);
      return 0;
    }
    const count = await removeUpTo(rows, place, deps.secrets.sign(removalText(place)));
    await recordEffect(deps, rows, actor, { action: 'audit.pruned', subjectName: 'audit', details: { events: count, upTo: place.seq } });
    return count;
  });
}
