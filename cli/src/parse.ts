/** Parses what people type into the types of the contract. Pure; throws UsageError. */

import type { RolloutDraft, WaveSpec } from '@preau/contract/rollout-draft.ts';
import type { WindowSpec, Windows } from '@preau/contract/windows.ts';
import { UsageError } from './outcome.ts';

export const listOf = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

export function gateFrom(text: string): WaveSpec['gate'] {
  if (text === 'auto' || text === 'manual') return text;
  const minutes = Number(text);
  if (!/^\d{1,5}$/.test(text) || minutes < 1 || minutes > 20_160)
    throw new UsageError('badChoice', { text, choices: 'auto, manual, 1–20160' });
  return { afterMinutes: minutes };
}

/** `1,10%,rest`: a number of schools, a share, all that remain. A missing `rest` at the end is
 * added, so that no school is left out. */
export function wavesFrom(text: string, gate: WaveSpec['gate'], soakMinutes = 0): WaveSpec[] {
  const bad = () => new UsageError('badWaves', { text });
  const parts = listOf(text);
  if (parts.length === 0) throw bad();
  const sizes = parts.map((part, index): WaveSpec['size'] => {
    if (part === 'rest') {
      if (index !== parts.length - 1) throw bad();
      return { rest: true };
    }
    const share = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(part)?.[1];
    if (share !== undefined) {
      if (Number(share) <= 0 || Number(share) > 100) throw bad();
      return { share: Number(share) / 100 };
    }
    if (!/^[1-9]\d{0,3}$/.test(part)) throw bad();
    return { sites: Number(part) };
  });
  if (!('rest' in (sizes.at(-1) ?? {}))) sizes.push({ rest: true });
  if (sizes.length > 12) throw bad();
  return sizes.map((size) => ({ size, gate, soakMinutes }));
}

const dayNames = [
  ['lun', 'mon'],
  ['mar', 'tue'],
  ['mer', 'wed'],
  ['jeu', 'thu'],
  ['ven', 'fri'],
  ['sam', 'sat'],
  ['dim', 'sun'],
];
const dayOf = (text: string): number => {
  const named = dayNames.findIndex((names) =>
    names.some((name) => text.toLowerCase().startsWith(name)),
  );
  return named >= 0 ? named + 1 : /^[1-7]$/.test(text) ? Number(text) : 0;
};

/** `[school|holidays|outside_holidays] lun-ven 18:00-07:00; …`, `*` for every day. */
export function windowsFrom(text: string): Windows {
  const open = text
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part): WindowSpec => {
      const bad = () => new UsageError('badWindow', { text: part });
      const match =
        /^(?:(always|school|holidays|outside_holidays)\s+)?(\S+)\s+([012]\d:[0-5]\d)\s*-\s*([012]\d:[0-5]\d)$/.exec(
          part,
        );
      if (match === null) throw bad();
      const [, period = 'always', days = '', from = '', to = ''] = match;
      if (from > '23:59' || to > '24:00') throw bad();
      const numbers =
        days === '*'
          ? [1, 2, 3, 4, 5, 6, 7]
          : days.split(',').flatMap((piece) => {
              const [first = '', last = first] = piece.split('-');
              const [begin, end] = [dayOf(first), dayOf(last)];
              if (begin === 0 || end === 0) throw bad();
              // From Friday to Monday includes the weekend.
              return Array.from(
                { length: ((end - begin + 7) % 7) + 1 },
                (_, index) => ((begin - 1 + index) % 7) + 1,
              );
            });
      return {
        days: [...new Set(numbers)].sort(),
        from,
        to,
        period: period as WindowSpec['period'],
      };
    });
  if (open.length === 0) throw new UsageError('badWindow', { text });
  return { open, exceptDates: [] };
}

/** `a,b@1.2`. */
export const wishesFrom = (
  text: string | undefined,
  want: 'present' | 'absent',
): { slug: string; version: string | null; want: 'present' | 'absent' }[] =>
  listOf(text).map((part) => {
    const [slug = '', version] = part.split('@');
    return { slug, version: version ?? null, want };
  });

export function cancelKindFrom(text: string): 'finish' | 'remove' | 'kill' {
  if (text === 'finish' || text === 'remove' || text === 'kill') return text;
  throw new UsageError('badChoice', { text, choices: 'finish, remove, kill' });
}

export type Where = RolloutDraft['where'];
