/** Rollouts on real schools: real dpkg, real agents, a real source; what is killed, cut or broken
 * on the way. */
import { join } from 'node:path';
import type { Rollout, Target } from '@preau/contract/rollout.ts';
import { defaultDraft, type RolloutDraft } from '@preau/contract/rollout-draft.ts';
import type { TargetState } from '@preau/contract/rollout-states.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answered } from '../../dev/answered.ts';
import { labFolder, lightApplications } from '../../dev/lab/base.ts';
import { type Lab, startLab } from '../../dev/lab/lab.ts';
import type { LabServer } from '../../dev/lab/school.ts';
import { until } from '../../dev/services.ts';

/** `PREAU_TEST_SCHOOLS=27` for the night: the whole city, five of its lines cut. */
const sites = Number(process.env['PREAU_TEST_SCHOOLS'] ?? 7);
const cutOff = sites >= 27 ? 5 : 2;
let lab: Lab;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The same walk each time: which kill comes when must not depend on the day. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * sides);
  };
}

const draft = (
  name: string,
  applicationIds: readonly string[],
  more: Partial<RolloutDraft> = {},
): RolloutDraft => ({
  ...defaultDraft,
  name,
  items: applicationIds.map((applicationId) => ({ applicationId, want: 'present' as const })),
  where: { all: true, siteIds: [], groupIds: [], serverIds: [], labels: [] },
  waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
  trip: { failedShare: null, failedCount: null, timedOutShare: null, consecutiveFailures: null },
  budget: { sitesAtOnce: null, serversPerSite: null, kibibytesPerSecond: null },
  timeoutMinutes: 15,
  ...more,
});
const begin = async (wanted: RolloutDraft): Promise<string> => {
  const planned = await answered(
    lab.technician,
    await lab.technician.call('createRollout', { body: wanted }),
  );
  await lab.technician.call('startRollout', {
    params: { id: planned.id },
    body: { planHash: planned.plan.hash, force: true },
  });
  return planned.id;
};
const read = (id: string): Promise<Rollout> =>
  lab.technician.call('readRollout', { params: { id } });
const targets = async (id: string): Promise<Target[]> =>
  (await lab.technician.call('listTargets', { params: { id }, query: { limit: '200' } })).items;
const targetOf = async (id: string, server: LabServer): Promise<Target | undefined> =>
  (await targets(id)).find((target) => target.serverId === server.serverId());
const over = (id: string, timeoutMs: number) =>
  until(
    'the rollout',
    async () =>
      ['completed', 'completed_with_failures', 'cancelled', 'rolled_back', 'failed'].includes(
        (await read(id)).state,
      ),
    timeoutMs,
  );
const countersHold = async (id: string) => {
  const counted: Partial<Record<TargetState, number>> = {};
  for (const target of await targets(id)) counted[target.state] = (counted[target.state] ?? 0) + 1;
  expect((await read(id)).counts).toEqual(counted);
};

let apps: Record<
  'payload' | 'payload2' | 'fails' | 'empty' | 'asks' | 'hangs' | 'ballast' | 'steady',
  string
>;

beforeAll(async () => {
  lab = await startLab({
    sites,
    serversPerSite: { 1: 2 },
    folder: join(labFolder, `rollout-${process.pid}`),
  });
  // All at once: a source whose list changes while a school reads it is refused by apt, and rightly
  // so.
  apps = {
    payload: await lab.offer('payload'),
    fails: await lab.offer('fails'),
    empty: await lab.offer('empty'),
    asks: await lab.offer('asks'),
    hangs: await lab.offer('hangs'),
    ballast: await lab.offer({
      name: 'preau-ballast',
      version: '1.0',
      ballastKib: 2048,
      files: { 'usr/games/preau-ballast': '#!/bin/sh\n' },
    }),
    steady: await lab.offer({
      name: 'preau-steady',
      version: '1.0',
      ballastKib: 512,
      files: { 'usr/games/preau-steady': '#!/bin/sh\n' },
      postinst: 'sleep 3',
    }),
    payload2: await lab.offer({
      name: 'preau-other',
      version: '1.0',
      ballastKib: 64,
      files: { 'usr/games/preau-other': '#!/bin/sh\n' },
    }),
  };
}, 600_000);
afterAll(async () => {
  await lab?.stop();
}, 120_000);

describe('on real schools', () => {
  test('several programs at once; each package crosses a school’s line once, though it has two servers', async () => {
    const ids = await Promise.all(
      lightApplications.slice(0, 2).map((slug) => lab.applicationId(slug)),
    );
    lab.mirror.resetCounts();
    const id = await begin(draft('Deux programmes', ids));
    await over(id, 240_000);
    expect(await read(id)).toMatchObject({ state: 'completed', counts: { succeeded: sites + 1 } });
    for (const server of lab.servers)
      for (const slug of lightApplications.slice(0, 2))
        expect(await server.installed(slug), `${slug} on ${server.name}`).not.toBeNull();
    const [two, one] = [lab.schools[0], lab.schools[1]].map((school) =>
      [...lab.mirror.requestsOf(school?.addresses ?? [])]
        .filter(([name]) => name.endsWith('.deb'))
        .reduce((sum, [, times]) => sum + times, 0),
    );
    expect(two).toBe(one);
    await countersHold(id);
    const again = await begin(draft('Rien à faire', ids));
    await over(again, 20_000);
    expect(await read(again)).toMatchObject({ counts: { already_installed: sites + 1 } });
  });

  test('a package that fails stops in its wave; the others are untouched; one call brings the wave back', async () => {
    const id = await begin(
      draft('Casse', [apps.payload, apps.fails], {
        waves: [
          { size: { sites: 2 }, gate: 'auto', soakMinutes: 0 },
          { size: { rest: true }, gate: 'auto', soakMinutes: 0 },
        ],
        trip: { failedShare: 0.1, failedCount: 2, timedOutShare: null, consecutiveFailures: null },
      }),
    );
    await until('the trip', async () => (await read(id)).state === 'paused', 120_000);
    const seen = await read(id);
    expect(seen).toMatchObject({ pauseReason: 'threshold' });
    const all = await targets(id);
    expect(all.filter((target) => target.wave === 1).map((target) => target.code)).toContain(
      'INSTALL_FAILED',
    );
    expect(
      all.filter((target) => target.wave === 2).every((target) => target.state === 'queued'),
    ).toBe(true);
    for (const server of lab.servers)
      if (all.find((target) => target.serverId === server.serverId())?.wave === 2)
        expect(await server.installed('preau-payload')).toBeNull();
    const failed = all.find((target) => target.state === 'failed');
    expect(
      (
        await lab.technician.call('readTarget', {
          params: { id, serverId: failed?.serverId ?? '' },
        })
      ).log,
    ).toContain('this set-up always fails');
    await lab.technician.call('rollBackRollout', { params: { id }, body: { wave: null } });
    await until(
      'the way back',
      async () => ['rolled_back', 'failed'].includes((await read(id)).state),
      120_000,
    );
    for (const server of lab.servers)
      expect(await server.installed('preau-payload'), server.name).toBeNull();
    await countersHold(id);
  });

  test('an exit code is no proof; a question is answered by nobody; what never ends is ended', async () => {
    const [first, second, third] = lab.servers.slice(2, 5);
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('too few servers');
    const only = (server: LabServer) => ({
      where: { all: false, siteIds: [], groupIds: [], serverIds: [server.serverId()], labels: [] },
    });
    const empty = await begin(draft('Vide', [apps.empty], only(first)));
    const asks = await begin(draft('Question', [apps.asks], only(second)));
    const hangs = await begin(
      draft('Sans fin', [apps.hangs], { ...only(third), timeoutMinutes: 1 }),
    );
    await over(empty, 60_000);
    expect(await targetOf(empty, first)).toMatchObject({ state: 'failed', code: 'NOT_DETECTED' });
    await over(asks, 60_000);
    expect((await targetOf(asks, second))?.state).toMatch(/succeeded|failed/);
    await over(hangs, 150_000);
    expect((await targetOf(hangs, third))?.state).toMatch(/timed_out|failed/);
    // Its agent still waits for that installer; a new disk is quicker.
    await third.reimage();
  });

  test('a source that lies, endlessly or a byte at a time', async () => {
    const [first, second] = lab.servers.slice(2, 4);
    if (first === undefined || second === undefined) throw new Error('too few servers');
    const only = (server: LabServer) => ({
      where: { all: false, siteIds: [], groupIds: [], serverIds: [server.serverId()], labels: [] },
    });
    lab.mirror.misbehave('changed', { addresses: [first.address], files: /preau-ballast/ });
    lab.mirror.misbehave('endless', { addresses: [second.address], files: /preau-ballast/ });
    const ids = [
      await begin(draft('Changé', [apps.ballast], only(first))),
      await begin(draft('Sans fin', [apps.ballast], only(second))),
    ];
    for (const id of ids) await over(id, 120_000);
    lab.mirror.behave();
    for (const [index, server] of [first, second].entries()) {
      expect((await targetOf(ids[index] ?? '', server))?.code, server.name).toMatch(
        /HASH_MISMATCH|DOWNLOAD_FAILED/,
      );
      expect(await server.installed('preau-ballast')).toBeNull();
    }
    await lab.technician.call('retryRollout', { params: { id: ids[0] ?? '' } });
    await over(ids[0] ?? '', 60_000);
    expect(await first.installed('preau-ballast')).not.toBeNull();
  });

  test('thirty kills of controller, Redis, agents and installers; Redis emptied; schools cut off ' +
    'for all of it, and back: nothing is lost, nothing is done twice', async () => {
    const roll = dice(2026);
    const cut = lab.schools.slice(-cutOff);
    for (const school of cut) await school.cut();
    const id = await begin(draft('Sous les coups', [apps.steady], { timeoutMinutes: 10 }));
    const kills = { controller: 0, redis: 0, agent: 0, installer: 0, flush: 0 };
    const strike = async () => {
      const server = lab.servers[roll(lab.servers.length)];
      const what = roll(10);
      if (what < 2) {
        await lab.controller.kill();
        await pause(200);
        await lab.controller.startAgain();
        kills.controller += 1;
      } else if (what === 2) {
        await lab.redis.kill();
        await lab.redis.startAgain();
        kills.redis += 1;
      } else if (what < 7) {
        if (server?.agent.kill() === true) kills.agent += 1;
        await server?.agent.start();
      } else kills.installer += server?.killInstaller() === 0 ? 0 : 1;
    };
    for (let count = 0; count < 30; count += 1) {
      await strike();
      if (count === 15) {
        await lab.redis.flush();
        kills.flush += 1;
      }
      await pause(200 + roll(500));
    }
    expect(kills.controller).toBeGreaterThan(0);
    expect(kills.agent).toBeGreaterThan(3);
    expect(kills.flush).toBe(1);
    for (const school of cut)
      for (const server of school.servers)
        expect(await server.installed('preau-steady'), server.name).toBeNull();
    for (const school of cut) await school.mend();
    // What was killed in the middle has failed and says so; one call tries only that again, as
    // often as it takes.
    await until(
      'everyone',
      async () => {
        const rollout = await read(id).catch(() => null);
        if (rollout?.state === 'completed_with_failures')
          await lab.technician.call('retryRollout', { params: { id } });
        return rollout?.state === 'completed';
      },
      300_000,
    );
    for (const server of lab.servers) {
      const target = await targetOf(id, server);
      expect(await server.installed('preau-steady'), server.name).toBe('1.0');
      // dpkg begins again only what a killed installer left half done, and each time under an
      // attempt of its own.
      expect(server.installs('preau-steady'), server.name).toBeLessThanOrEqual(
        target?.attempt ?? 0,
      );
    }
    await countersHold(id);
  }, 420_000);

  test('a school retired in the middle is nobody’s failure', async () => {
    const last = lab.servers.at(-1);
    if (last === undefined) throw new Error('no server');
    last.agent.freeze();
    const id = await begin(draft('Retirée', [apps.payload2]));
    await lab.technician.call('retireServer', { params: { id: last.serverId() } });
    await over(id, 120_000);
    expect(await targetOf(id, last)).toMatchObject({ state: 'cancelled' });
    expect((await read(id)).state).toBe('completed');
    last.agent.thaw();
  });
});
