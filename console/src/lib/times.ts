/** Times in words, in the page's language. */
import { commonWords } from './messages.ts';
import { page } from './page.svelte.ts';

export const time = (at: number | null): string =>
  at === null
    ? commonWords().never
    : new Intl.DateTimeFormat(page.language, { dateStyle: 'short', timeStyle: 'medium' }).format(
        at,
      );

export function ago(at: number | null, now: number): string {
  if (at === null) return commonWords().never;
  const seconds = Math.round((at - now) / 1000);
  const format = new Intl.RelativeTimeFormat(page.language, { numeric: 'auto' });
  if (seconds > -90) return format.format(Math.min(seconds, 0), 'second');
  return seconds > -5400
    ? format.format(Math.round(seconds / 60), 'minute')
    : seconds > -129_600
      ? format.format(Math.round(seconds / 3600), 'hour')
      : format.format(Math.round(seconds / 86_400), 'day');
}
