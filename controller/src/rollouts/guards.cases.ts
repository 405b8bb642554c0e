/** What keeps rollouts from doing harm, for every database. */

import { describe, expect, test } from 'vitest';
import { createApplication } from '#src/applications/create.ts';
import { application } from '#src/builders.fixture.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { retireServer } from '#src/servers/enrolment/enrol.ts';

import { codeOf } from '#src/testing.fixture.ts';
import { approveRollout, changeDraft, createRollout } from './plan/create.ts';
import { readRollout } from './read.ts';
import type { RolloutFixture } from './rollouts.fixture.ts';
import { evaluateRollout } from './run/evaluate.ts';
import { changeSettings, readBrake, setBrake } from './settings.ts';
import { finishRollout, pauseRollout } from './steer.ts';
import { sweepRollouts } from './sweep.ts';

export function guardCases(at: RolloutFixture): void {
  const { hello, draft, begin, start, read, statesOf, ordersOf, answer, obey } = at;

  describe('guards', () => {
    test('budgets: so many schools at once', async () => {
      const id = await begin({
        waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
        budget: { sitesAtOnce: 2, serversPerSite: 1, kibibytesPerSecond: 500 },
      });
      for (let round = 0; round < 3; round += 1) {
        expect((await statesOf(id)).filter((state) => state === 'offered')).toHaveLength(2);
        expect(await obey(id, 'succeeded')).toBe(2);
      }
      expect((await read(id)).state).toBe('completed');
    });

    test(
      'a plan is approved by somebody else, and void once edited; a changed at.fleet refuses ' +
        'the start',
      async () => {
        await changeSettings(at.city.platform, at.city.technician, {
          approvalAboveSites: 3,
          brakeAtSilentShare: 0.55,
          planDriftShare: 0.1,
          closures: [],
        });
        const id = await createRollout(at.city.platform, at.city.technician, draft());
        const { plan } = await read(id);
        expect(await codeOf(start(id))).toBe('NEEDS_APPROVAL');
        expect(
          await codeOf(approveRollout(at.city.platform, at.city.technician, id, plan.hash)),
        ).toBe('OWN_APPROVAL');
        const colleague = await at.city.account('tech2', 'technician', null);
        expect(
          await codeOf(
            approveRollout(
              at.city.platform,
              { ...colleague, token: { id: 'tok', readOnly: false, siteIds: null } },
              id,
              plan.hash,
            ),
          ),
        ).toBe('FORBIDDEN');
        await approveRollout(at.city.platform, colleague, id, plan.hash);
        await changeDraft(at.city.platform, at.city.technician, id, draft({ name: 'Autre' }));
        expect(await codeOf(start(id))).toBe('NEEDS_APPROVAL');
        await approveRollout(at.city.platform, colleague, id, (await read(id)).plan.hash);
        await retireServer(at.city.platform, at.city.technician, at.fleet[0]?.agent.actor.id ?? '');
        expect(await codeOf(start(id))).toBe('PLAN_DRIFTED');
      },
    );

    test('two rollouts on one server take turns; a newer one that covers all of an older supersedes it', async () => {
      const first = await begin({
        waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
      });
      const other = await createApplication(
        at.city.platform,
        at.city.technician,
        application('chess'),
      );
      const second = await begin({
        items: [{ applicationId: other.id, want: 'present' }],
        waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
      });
      expect(await statesOf(second)).toEqual(Array(6).fill('blocked'));
      await obey(first, 'succeeded');
      await evaluateRollout(at.city.platform, second);
      expect(await statesOf(second)).toEqual(Array(6).fill('offered'));
      const third = await begin();
      expect(
        (await statesOf(third)).filter(
          (state) => state === 'blocked' || state === 'queued' || state === 'already_installed',
        ),
      ).toHaveLength(6);
      at.city.time.at += 1000;
      const newer = await createApplication(
        at.city.platform,
        at.city.technician,
        application('abacus', { version: '3' }),
      );
      const held = await begin({ items: [{ applicationId: newer.id, want: 'present' }] });
      const covering = await begin({ items: [{ applicationId: newer.id, want: 'present' }] });
      await evaluateRollout(at.city.platform, held);
      expect(await read(held)).toMatchObject({ state: 'superseded', supersededBy: covering });
    });

    test('the brake: by hand, and by itself when most of the at.fleet falls silent; no verdict meanwhile', async () => {
      const id = await begin({
        waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
        timeoutMinutes: 5,
      });
      await setBrake(at.city.platform, at.city.technician, true);
      await evaluateRollout(at.city.platform, id);
      expect(await read(id)).toMatchObject({ state: 'paused', pauseReason: 'brake' });
      expect(
        await codeOf(start(await createRollout(at.city.platform, at.city.technician, draft()))),
      ).toBe('BRAKE_ON');
      await setBrake(at.city.platform, at.city.technician, false);
      expect((await read(id)).state).toBe('running');
      for (const { agent } of at.fleet)
        await acceptReport(
          at.city.platform,
          agent.actor,
          agent.report({
            orders: (await ordersOf(agent)).map((order) => answer(order, 'installing', 2)),
          }),
        );
      at.city.time.at += 60_000;
      await sweepRollouts(at.city.platform);
      expect(await readBrake(at.city.platform)).toMatchObject({
        on: true,
        cause: 'fleet',
        silentServers: 7,
        servers: 7,
      });
      at.city.time.at += 3_600_000;
      await sweepRollouts(at.city.platform);
      expect(await statesOf(id)).toEqual(Array(6).fill('installing'));
      await hello();
      await acceptReport(at.city.platform, at.city.agent.actor, at.city.agent.report());
      await sweepRollouts(at.city.platform);
      expect(await readBrake(at.city.platform)).toMatchObject({ on: false });
      await obey(id, 'succeeded');
      expect((await read(id)).state).toBe('completed');
    });

    test('without the silent: the rest is done', async () => {
      at.city.time.at += 120_000;
      await hello(at.fleet.slice(0, 5));
      const id = await begin({ waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }] });
      await obey(id, 'succeeded', at.fleet.slice(0, 5));
      await finishRollout(at.city.platform, at.city.technician, id);
      await evaluateRollout(at.city.platform, id);
      expect(await read(id)).toMatchObject({
        state: 'completed',
        counts: { succeeded: 5, skipped: 1 },
      });
    });

    test('a token of one school does not reach a rollout of another', async () => {
      const limited = { ...at.city.technician, siteIds: [at.fleet[0]?.siteId ?? ''] };
      expect(await codeOf(createRollout(at.city.platform, limited, draft()))).toBe('OUT_OF_SCOPE');
      const own = await createRollout(
        at.city.platform,
        limited,
        draft({ where: { ...draft().where, siteIds: [at.fleet[0]?.siteId ?? ''] } }),
      );
      expect((await readRollout(at.city.platform, limited, own)).sites).toBe(1);
      const foreign = await begin();
      expect(await codeOf(pauseRollout(at.city.platform, limited, foreign))).toBe('OUT_OF_SCOPE');
      expect(await codeOf(setBrake(at.city.platform, limited, true))).toBe('OUT_OF_SCOPE');
    });
  });
}
