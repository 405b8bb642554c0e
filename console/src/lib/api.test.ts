import { beforeEach, describe, expect, test, vi } from 'vitest';
import { openBrowser } from './browser.fixture.ts';

openBrowser();
const { answerFrom, call, refusedBy, Refused, send, sentence } = await import('./api.ts');
const { page } = await import('./page.svelte.ts');
const { cityClock } = await import('./clock.ts');

const technician = { role: 'technician' } as unknown as NonNullable<typeof page.account>;
let asked: { path: string; init: RequestInit }[] = [];
/** What the controller, or whatever is in front of it, answers to each call in turn. */
const answers = (...replies: ([status: number, body: string] | Error)[]) => {
  asked = [];
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    asked.push({ path, init });
    const reply = replies.length > 1 ? replies.shift() : replies[0];
    if (reply === undefined || reply instanceof Error) throw reply ?? new Error('no answer');
    return new Response(reply[0] === 204 ? null : reply[1], { status: reply[0] });
  });
};
beforeEach(() => {
  page.account = technician;
  page.online = true;
  page.restarting = false;
  page.language = 'fr';
});
const refused = async (work: Promise<unknown>) => {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Refused)) throw new Error(`not refused: ${String(error)}`);
  return error;
};

describe('an answer', () => {
  // biome-ignore format: a table
  test.each([
    [200, '{"a":1}', { code: null, details: {}, body: { a: 1 } }],
    [200, '{"code":"X"}', { code: null, details: {}, body: { code: 'X' } }],
    [403, '{"code":"FORBIDDEN","details":{"right":"kill"}}', { code: 'FORBIDDEN', details: { right: 'kill' } }],
    [400, '{"code":"FORBIDDEN"}', { code: 'FORBIDDEN', details: {} }],
    [400, '{"code":7,"details":"x"}', { code: null, details: {} }],
    [502, '<html>Bad Gateway</html>', { code: null, details: {}, body: {} }],
    [200, 'null', { code: null, details: {}, body: {} }],
    [200, '', { code: null, details: {}, body: {} }],
  ])('%i %s', (status, text, expected) => {
    expect(answerFrom(status, text)).toMatchObject({ status, ...expected });
  });
});

describe('a refusal', () => {
  // biome-ignore format: a table
  test.each([
    [403, '{"code":"FORBIDDEN"}', 'FORBIDDEN'],
    [413, '<html>', 'PAYLOAD_TOO_LARGE'],
    [429, '<html>', 'SLOW_DOWN'],
    [502, '<html>', 'RESTARTING'],
    [503, '', 'RESTARTING'],
    [504, '', 'RESTARTING'],
    [503, '{"code":"BUSY"}', 'BUSY'],
    [418, '', 'INTERNAL'],
    [400, '{"code":"NO_SUCH_CODE"}', 'NO_SUCH_CODE'],
  ])('%i %s', (status, text, code) => {
    expect(refusedBy(answerFrom(status, text)).code).toBe(code);
  });
  test('of who is not signed in shows the sign-in page, and no other does', () => {
    refusedBy(answerFrom(403, '{"code":"FORBIDDEN"}'));
    expect(page.account).toBe(technician);
    refusedBy(answerFrom(401, '{"code":"NOT_SIGNED_IN"}'));
    expect(page.account).toBeNull();
  });
  test('is told in the words of the controller, else in ours, else in those for what is unknown', () => {
    const words = (text: string) => refusedBy(answerFrom(400, text)).words;
    const message = { fr: 'Non.', en: 'No.' };
    expect(words(JSON.stringify({ code: 'FORBIDDEN', message }))).toEqual(message);
    expect(words('{"code":"NO_SUCH_CODE"}')).toEqual(words('{"code":"INTERNAL"}'));
    expect(words('{"code":"FORBIDDEN"}')).not.toEqual(words('{"code":"INTERNAL"}'));
  });
});

describe('the sentence', () => {
  const words = { fr: 'Non.', en: 'No.' };
  // biome-ignore format: a table
  test.each([
    ['fr', {}, 'Non.'],
    ['en', {}, 'No.'],
    ['fr', { why: { fr: 'Parce que.', en: 'Because.' } }, 'Parce que.'],
    ['en', { why: { fr: 'Parce que.', en: 'Because.' } }, 'Because.'],
    ['en', { why: { fr: 'Parce que.' } }, 'No.'],
    ['fr', { why: 'ENOENT' }, 'Non.'],
    ['fr', { issues: [{ field: 'body/name' }] }, 'Non. (name)'],
    ['fr', { issues: [] }, 'Non.'],
  ] as const)('%s %j', (language, details, expected) => {
    page.language = language;
    expect(sentence(new Refused('NO_RUNBOOK', words, details))).toBe(expected);
  });
  test('names the runbook to a technician, and to nobody else', () => {
    const disk = new Refused('DISK_FULL', words, {});
    expect(sentence(disk)).toMatch(/^Non\. Que faire : https:\/\/preau\.example\//);
    page.language = 'en';
    expect(sentence(disk)).toMatch(/^No\. What to do: /);
    page.account = { role: 'teacher' } as unknown as typeof technician;
    expect(sentence(disk)).toBe('No.');
    page.account = null;
    expect(sentence(disk)).toBe('No.');
  });
  test('of what is no refusal tells nothing of it', () => {
    expect(sentence(new TypeError('secret'))).not.toContain('secret');
  });
});

describe('a call', () => {
  test('goes to its route, with what it is given', async () => {
    answers([200, '{"id":"x"}']);
    expect(await call('rollBackRollout', { params: { id: 'rol_a' }, body: { wave: 2 } })).toEqual({
      id: 'x',
    });
    expect(asked).toEqual([
      {
        path: '/api/rollouts/rol_a/roll-back',
        init: {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"wave":2}',
        },
      },
    ]);
    await call('listAudit', { query: { limit: 5, search: 'é &' } as never });
    expect(asked.at(-1)?.path).toMatch(/\?limit=5&search=%C3%A9\+%26$/);
    expect(asked.at(-1)?.init).toEqual({ method: 'GET' });
  });
  test('without an answer’s body is null', async () => {
    answers([204, '']);
    expect(await send('POST', '/x')).toBeNull();
  });
  test('that is refused throws, and the page stays online', async () => {
    answers([403, '{"code":"FORBIDDEN"}']);
    expect((await refused(send('POST', '/x'))).code).toBe('FORBIDDEN');
    expect([asked.length, page.online, page.restarting]).toEqual([1, true, false]);
  });
  test('that reaches nobody says so; what writes is not sent twice', async () => {
    answers(new TypeError('Failed to fetch'));
    expect((await refused(send('POST', '/x'))).code).toBe('NETWORK');
    expect([asked.length, page.online]).toEqual([1, false]);
    answers([200, '{}']);
    await send('POST', '/x');
    expect(page.online).toBe(true);
  });
  test('that only reads is sent once more when the network was lost', async () => {
    answers(new TypeError('Failed to fetch'), [200, '{"a":1}']);
    expect(await send('GET', '/x')).toEqual({ a: 1 });
    expect([asked.length, page.online]).toEqual([2, true]);
  });
  test('while the controller restarts the page says so, until it is back', async () => {
    answers([502, '<html>'], [200, '{}']);
    const answer = send('GET', '/x');
    await vi.waitFor(() => expect(page.restarting).toBe(true));
    await answer;
    expect(page.restarting).toBe(false);
  });
  test('teaches the page the city’s time', async () => {
    const date = 'Tue, 24 Nov 2026 09:00:00 GMT';
    vi.stubGlobal('fetch', async () => new Response('{}', { status: 200, headers: { date } }));
    await send('GET', '/x');
    expect(Math.abs(cityClock.now() - Date.parse(date))).toBeLessThan(5000);
  });
});
