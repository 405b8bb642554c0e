import { describe, expect, test } from 'vitest';
import { createLinkWatch } from './link-watch.ts';

/** `+a` opens link a, `.a` is an answer to a ping on it, `-a` closes it; capitals are links of
 * another server. */
function clones(events: string): string[] {
  const found: string[] = [];
  const watch = createLinkWatch((serverId) => found.push(serverId));
  for (const [what, link = ''] of events
    .split(' ')
    .map((event) => [event.slice(0, 1), event.slice(1)])) {
    if (what === '+') watch.opened(link === link.toLowerCase() ? 'one' : 'other', link);
    else if (what === '.') watch.answered(link);
    else watch.closed(link);
  }
  return found;
}

describe('link watch', () => {
  const cases: [name: string, events: string, clone: boolean][] = [
    ['one link, for days', '+a .a .a .a .a', false],
    ['a restart: the old link closes', '+a .a -a +b .b .b .b', false],
    ['power lost: the old link never answers again', '+a .a .a .a +b .b .b .b -a .b', false],
    ['an answer was on its way when the machine lost power', '+a .a +b .a .b .b .b', false],
    ['the newer one broke at once', '+a .a +b .a .a .a -b .a', false],
    ['both answer', '+a .a +b .a .b .a', true],
    ['both answer, the newer one later', '+a +b .a .a .a .b', true],
    ['one line broke twice, and its links linger', '+a .a +b .b +c .c .c .c', false],
    ['a third machine beside a link that lingers', '+a .a +b .b +c .b .c .b', true],
    ['two servers do not meet', '+a +B .a .B .a .B .a .B', false],
  ];
  test.each(cases)('%s', (_name, events, clone) => {
    expect(clones(events).length > 0).toBe(clone);
    expect(new Set(clones(events))).toEqual(new Set(clone ? ['one'] : []));
  });
});
