/** The wires from a wake-up, or from the clock, to the work that no request waits for. */

import { defaultDraft } from '@preau/contract/rollout-draft.ts';
import { plainRule } from '@preau/contract/rule.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRule } from '#src/access/rules.ts';
import { readAuditChain } from '#src/privacy/keep.ts';
import { approveRequest } from '#src/requests/answer.ts';
import { askForProgram } from '#src/requests/ask.ts';
import { readRequest } from '#src/requests/show.ts';
import { createRollout } from '#src/rollouts/plan/create.ts';
import { startRollout } from '#src/rollouts/plan/start.ts';
import { readRollout } from '#src/rollouts/read.ts';
import { listTargets } from '#src/rollouts/targets/pages/list.ts';
import { launch } from '#src/sessions/launch.ts';
import { selectSession } from '#src/sessions/store.ts';
import { type City, makeCity, publicUrl } from '#src/testing.fixture.ts';
import { watchAccess } from './access-watch.ts';
import { startNotices } from './notices.ts';
import { watchRollouts } from './rollout-watch.ts';

let city: City;
const open: { close: () => Promise<void> }[] = [];
beforeEach(async () => {
  city = await makeCity();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ close }) => close()));
  await city.close();
});
const never = 1_000_000_000;
const notices = (times: { everyMs: number; settleMs: number }) =>
  open.push(startNotices({ ...city.platform, publicUrl: () => publicUrl }, times));
const stateOf = async (id: string) =>
  (await readRequest(city.platform.database, city.technician, id)).state;
const ask = () =>
  askForProgram(city.platform, city.teacher, {
    applicationId: city.applications.secret.id,
    name: 'secret',
    purpose: 'Pour la classe',
    link: null,
    wantedBy: null,
    wish: 'class',
  });
const approve = (id: string) =>
  approveRequest(city.platform, city.technician, id, {
    audience: { kind: 'role', role: 'teacher' },
    alike: true,
    note: null,
  });

describe('news', () => {
  test('is told as soon as a rule opens the program, without waiting for the clock', async () => {
    notices({ everyMs: never, settleMs: 1 });
    const { id } = await ask();
    await approve(id);
    await expect.poll(() => stateOf(id), { timeout: 5000 }).toBe('ready');
  });
  test.each(['applications', 'rules', 'requests'] as const)(
    'is looked for at %s',
    async (topic) => {
      const { id } = await ask();
      await approve(id);
      notices({ everyMs: never, settleMs: 1 });
      city.platform.wakeups.wake([topic]);
      await expect.poll(() => stateOf(id), { timeout: 5000 }).toBe('ready');
    },
  );
  test('is told by the clock when a wake-up was lost, and not once it is closed', async () => {
    const { id } = await ask();
    await approve(id);
    notices({ everyMs: 20, settleMs: 1 });
    await expect.poll(() => stateOf(id), { timeout: 5000 }).toBe('ready');
    await open.pop()?.close();
    await city.platform.database.updateTable('requests').set({ ready_at: null }).execute();
    city.platform.wakeups.wake(['requests']);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await stateOf(id)).not.toBe('ready');
  });
});

test('what is too old goes, and the audit is verified, by the clock', async () => {
  expect((await readAuditChain(city.platform)).verified).toBeNull();
  notices({ everyMs: 20, settleMs: 1 });
  await expect
    .poll(async () => (await readAuditChain(city.platform)).verified, { timeout: 5000 })
    .toMatchObject({ intact: true, at: city.time.at });
});

test('access that a rule takes away ends sessions at once, whichever controller changed it', async () => {
  open.push(watchAccess(city.platform));
  const { session } = await launch(city.platform, city.pupil, {
    application: 'tuxpaint',
    language: 'fr',
  });
  const state = async () =>
    (await selectSession(city.platform.database, session.id))?.state ?? 'none';
  // Nothing has changed: it goes on.
  city.platform.wakeups.wake(['rules']);
  await createRule(city.platform, city.technician, {
    ...plainRule,
    effect: 'deny',
    target: { kind: 'application', applicationId: city.applications.gimp.id },
    audience: { kind: 'everyone' },
  });
  expect(await state()).not.toBe('ended');
  await createRule(city.platform, city.technician, {
    ...plainRule,
    effect: 'deny',
    target: { kind: 'application', applicationId: city.applications.tuxpaint.id },
    audience: { kind: 'role', role: 'pupil' },
  });
  await expect.poll(state, { timeout: 5000 }).toBe('ended');
});

test('a rollout goes on as soon as something of it has changed', async () => {
  const id = await createRollout(city.platform, city.technician, {
    ...defaultDraft,
    name: 'GIMP',
    items: [{ applicationId: city.applications.gimp.id, want: 'present' }],
    where: { all: false, siteIds: [city.site.id], groupIds: [], serverIds: [], labels: [] },
  });
  const { plan } = await readRollout(city.platform, city.technician, id);
  await startRollout(city.platform, city.technician, id, { planHash: plan.hash, force: true });
  const states = async () =>
    (await listTargets(city.platform, city.technician, id, { limit: 10 })).items.map(
      ({ state }) => state,
    );
  expect(await states()).toEqual(['queued']);
  open.push(watchRollouts(city.platform));
  city.platform.wakeups.wake(['rollouts', 'rollout:rol_other']);
  city.platform.wakeups.wake([`rollout:${id}`]);
  await expect.poll(states, { timeout: 5000 }).not.toEqual(['queued']);
});
