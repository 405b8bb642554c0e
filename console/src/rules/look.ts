/** How rules are displayed: tones and marks of their state, times in everyday words. Colour never
 * stands alone. */

import { cityNow } from '../lib/clock.ts';
import { page } from '../lib/page.svelte.ts';
import { openingWords } from '../portal/messages.ts';
import type { Tone } from '../rollouts/words.ts';
import type { Pulse } from './draft.ts';
import { ruleWords } from './messages.ts';

const pulses: Readonly<Record<Pulse['state'], { tone: Tone; mark: string }>> = {
  on: { tone: 'good', mark: '●' },
  off: { tone: 'calm', mark: '○' },
  ahead: { tone: 'calm', mark: '◔' },
  ended: { tone: 'calm', mark: '■' },
  gone: { tone: 'warn', mark: '▲' },
};
export const pulseLook = (pulse: Pulse): { tone: Tone; mark: string; word: string } => ({
  ...pulses[pulse.state],
  word: ruleWords().pulse[pulse.state],
});

/** "mar. 24 nov. à 10:30", in that zone, or the browser's; with the year unless it is this one. */
export function momentIn(at: number, timeZone?: string): string {
  const year =
    new Date(at).getUTCFullYear() === new Date(cityNow()).getUTCFullYear()
      ? {}
      : { year: 'numeric' as const };
  return new Intl.DateTimeFormat(page.language === 'fr' ? 'fr-FR' : 'en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    ...year,
    ...(timeZone === undefined ? {} : { timeZone }),
  }).format(at);
}

export const clockOf = (at: number): string =>
  new Intl.DateTimeFormat(page.language === 'fr' ? 'fr-FR' : 'en-GB', {
    hour: '2-digit',
    minute: '2-digit',
  }).format(at);

/** As said to a child: today, tomorrow, or the day. */
export function momentForChildren(at: number, now: number): string {
  const days = Math.round(
    (new Date(at).setHours(12, 0, 0, 0) - new Date(now).setHours(12, 0, 0, 0)) / 86_400_000,
  );
  if (days <= 0) return openingWords().today(clockOf(at));
  if (days === 1) return openingWords().tomorrow(clockOf(at));
  return openingWords().onDay(
    new Intl.DateTimeFormat(page.language === 'fr' ? 'fr-FR' : 'en-GB', {
      weekday: 'long',
      day: 'numeric',
      month: 'long',
    }).format(at),
    clockOf(at),
  );
}
