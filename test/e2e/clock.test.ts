/** What a pupil sees when the clock is moved: nights of daylight saving, the edges of holidays, a
 * day without class. The real console in Chromium on the real edge; only the clock is the
 * test's. */
import { join } from 'node:path';
import { plainRule, type RuleTimes } from '@preau/contract/rule.ts';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRule, listRules, withdrawRule } from '../../controller/src/access/rules.ts';
import { openEdge, signedIn } from '../../controller/src/edge/edge.fixture.ts';
import { type City, makeCity } from '../../controller/src/testing.fixture.ts';
import { type OpenBrowser, openBrowser } from '../../dev/browser.ts';
import { root } from '../../dev/services.ts';

let city: City;
let app: Awaited<ReturnType<typeof openEdge>>;
let browser: OpenBrowser;
let page: Page;
let url = '';

beforeAll(async () => {
  city = await makeCity(':memory:', { PREAU_CONSOLE: join(root, 'console/build') });
  const { platform } = city;
  app = await openEdge(platform, {
    publicUrl: () => url,
    originAllowed: (origin) => origin === url,
  });

  url = await app.listen({ host: '127.0.0.1', port: 0 });
  const token = await signedIn(city, city.pupil.id, Date.parse('2030-01-01T00:00:00Z'));
  browser = await openBrowser();
  await browser.context.addCookies([{ name: 'preau_sign_in', value: token, url }]);
  page = browser.context.pages()[0] ?? (await browser.context.newPage());
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await app?.close();
  await city?.close();
});

/** Tux Paint, for pupils, at these hours; nothing else opens it. */
async function openAt(when: RuleTimes): Promise<void> {
  const { platform, technician, applications } = city;
  for (const rule of await listRules(platform, technician, null))
    if (
      rule.target.kind === 'application' &&
      rule.target.applicationId === applications.tuxpaint.id
    )
      await withdrawRule(platform, technician, rule.id);
  await createRule(platform, technician, {
    ...plainRule,
    effect: 'allow',
    target: { kind: 'application', applicationId: applications.tuxpaint.id },
    audience: { kind: 'role', role: 'pupil' },
    when,
  });
}
/** What the portal shows at that moment, loaded anew. */
async function seenAt(instant: string): Promise<'open' | 'closed'> {
  city.time.at = Date.parse(instant);
  // An answer is kept for two seconds of real time: no longer than that a portal may lag behind a
  // clock.
  city.platform.wakeups.wake(['portal']);
  await page.goto(`${url}/`);
  await page.waitForSelector('.tile:has-text("gimp")');
  return (await page.locator('.tile:has-text("tuxpaint")').count()) === 1 ? 'open' : 'closed';
}
const times = (more: Partial<RuleTimes>): RuleTimes => ({
  open: [],
  exceptDates: [],
  from: null,
  until: null,
  ...more,
});

test('the hour that comes twice is open twice; the one that does not exist is never open', async () => {
  await openAt(
    times({
      open: [{ days: [1, 2, 3, 4, 5, 6, 7], from: '02:00', to: '03:00', period: 'always' }],
    }),
  );
  const autumn = [
    ['2026-10-24T23:59:00Z', 'closed'],
    ['2026-10-25T00:30:00Z', 'open'],
    ['2026-10-25T01:30:00Z', 'open'],
    ['2026-10-25T02:00:00Z', 'closed'],
  ] as const;
  for (const [at, seen] of autumn) expect([at, await seenAt(at)]).toEqual([at, seen]);
  const spring = [
    ['2027-03-28T00:59:00Z', 'closed'],
    ['2027-03-28T01:00:00Z', 'closed'],
    ['2027-03-28T01:30:00Z', 'closed'],
    ['2027-03-29T00:30:00Z', 'open'],
  ] as const;
  for (const [at, seen] of spring) expect([at, await seenAt(at)]).toEqual([at, seen]);
}, 60_000);

test('half past eight is half past eight, in winter and in summer', async () => {
  await openAt(
    times({ open: [{ days: [1, 2, 3, 4, 5], from: '08:30', to: '16:30', period: 'always' }] }),
  );
  for (const [at, seen] of [
    ['2027-03-26T07:29:00Z', 'closed'],
    ['2027-03-26T07:30:00Z', 'open'],
    ['2027-03-29T06:29:00Z', 'closed'],
    ['2027-03-29T06:30:00Z', 'open'],
    ['2027-03-29T14:30:00Z', 'closed'],
  ] as const)
    expect([at, await seenAt(at)]).toEqual([at, seen]);
}, 60_000);

test('holidays begin and end on their days; a public holiday and a named day are not class; the ' +
  'page says when it opens', async () => {
  await openAt(
    times({
      open: [{ days: [1, 2, 3, 4, 5], from: '08:30', to: '16:30', period: 'school' }],
      exceptDates: ['2027-01-05'],
    }),
  );
  const days = [
    ['2026-12-18', 'open'],
    ['2026-12-21', 'closed'],
    ['2027-01-01', 'closed'],
    ['2027-01-04', 'open'],
    ['2027-01-05', 'closed'],
    ['2027-01-06', 'open'],
    ['2027-03-29', 'closed'],
  ] as const;
  for (const [day, seen] of days)
    expect([day, await seenAt(`${day}T10:00:00Z`)]).toEqual([day, seen]);
  city.time.at = Date.parse('2027-01-05T10:00:00Z');
  await page.goto(`${url}/launch/tuxpaint`);
  await page.waitForSelector('text=Ce n’est pas encore l’heure.');
}, 60_000);
