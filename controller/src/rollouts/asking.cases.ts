/** Asking the schools' servers before the start, for every database. */
import type { Answer, Foreseen } from '@preau/contract/asking.ts';
import { askingMs } from '@preau/contract/rollout-plan.ts';
import { describe, expect, test } from 'vitest';
import { createApplication } from '#src/applications/create.ts';
import { application } from '#src/builders.fixture.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { codeOf, type TestAgent } from '#src/testing.fixture.ts';
import { approveRollout, changeDraft, createRollout, removeRollout } from './plan/create.ts';
import { considerAnswers, sweepAnswers } from './plan/questions/ask.ts';
import { listSchoolAnswers } from './read.ts';
import type { RolloutFixture } from './rollouts.fixture.ts';
import { changeSettings } from './settings.ts';

export function askingCases(at: RolloutFixture): void {
  const { draft, start, read, stateDocument, ordersOf, obey, hello } = at;

  const foresee = (more: Partial<Foreseen> = {}): Foreseen => ({
    applicationId: at.app.id,
    installs: 3,
    upgrades: 1,
    removes: [],
    downloadBytes: 5_000_000,
    refusal: null,
    ...more,
  });
  const refused = (): Foreseen =>
    foresee({
      removes: [{ name: 'libabacus', version: '1.0-1', wantedBy: 'tuxpaint' }],
      refusal: { code: 'PACKAGE_NOT_FOUND', message: 'would remove libabacus' },
    });
  /** Its agent is one that answers: `answers` is always in its report. */
  const tell = (agent: TestAgent, answers: Answer[] = []) =>
    acceptReport(at.city.platform, agent.actor, agent.report({ answers }));
  const canAnswer = async (among = at.fleet) => {
    for (const { agent } of among) await tell(agent);
  };
  const answerWith = async (agent: TestAgent, foreseen: Foreseen[]) => {
    const { questions } = await stateDocument(agent);
    await tell(
      agent,
      (questions?.questions ?? []).map(({ key }) => ({ key, at: at.city.time.at, foreseen })),
    );
  };
  const plan = () => createRollout(at.city.platform, at.city.technician, draft());
  const schools = async (id: string) =>
    (
      await listSchoolAnswers(at.city.platform, at.city.technician, id, { from: 0, limit: 100 })
    ).items.map(({ state }) => state);
  const agentOf = (index: number) => {
    const found = at.fleet[index];
    if (found === undefined) throw new Error('no such server');
    return found.agent;
  };
  const considering = (id: string) => considerAnswers(at.city.platform, id);

  describe('asking before the start', () => {
    test('an agent that cannot answer is never asked, and nothing waits for it', async () => {
      const id = await plan();
      expect((await stateDocument(agentOf(0))).questions).toBeUndefined();
      expect(await schools(id)).toEqual(Array(6).fill('at_start'));
      expect((await read(id)).asking).toMatchObject({ atStart: 6, asking: 0, until: null });
      expect(await codeOf(start(id))).toBe('done');
    });

    test('one server of each school is asked, and what it foresees is told', async () => {
      await canAnswer();
      const id = await plan();
      const { questions } = await stateDocument(agentOf(0));
      expect(questions).toMatchObject({
        asked: [{ applicationId: at.app.id, slug: 'abacus', version: '1.0' }],
        questions: [{ applicationIds: [at.app.id] }],
      });
      expect((await read(id)).asking).toMatchObject({ asking: 6, answered: 0 });
      const { hash } = (await read(id)).plan;
      for (const { agent } of at.fleet) await answerWith(agent, [foresee()]);
      expect(at.city.woken).toContain(`rollout:${id}`);
      await considering(id);
      expect(await schools(id)).toEqual(Array(6).fill('answered'));
      expect((await read(id)).asking).toMatchObject({ asking: 0, answered: 6, until: null });
      expect((await read(id)).plan).toMatchObject({ hash, refusals: [] });
      // A second report with the same answer, and one to a question that nobody asked.
      await answerWith(agentOf(0), [refused()]);
      await tell(agentOf(0), [{ key: '0'.repeat(64), at: 1, foreseen: [refused()] }]);
      await considering(id);
      expect((await read(id)).plan.hash).toBe(hash);
      expect(await codeOf(start(id))).toBe('done');
      expect((await read(id)).asking).toBeNull();
    });

    test('a start waits for answers, but not for ever', async () => {
      await canAnswer();
      const id = await plan();
      expect(await codeOf(start(id))).toBe('PLAN_ASKING');
      for (const { agent } of at.fleet.slice(1)) await answerWith(agent, [foresee()]);
      expect(await codeOf(start(id))).toBe('PLAN_ASKING');
      at.city.time.at += askingMs;
      expect(await schools(id)).toEqual(['silent', ...Array(5).fill('answered')]);
      expect(await codeOf(start(id))).toBe('done');
      // Once started, nobody is asked any more.
      await hello();
      await canAnswer();
      at.city.time.at += 1000;
      await obey(id, 'succeeded');
      expect((await stateDocument(agentOf(0))).questions).toBeUndefined();
    });

    test('a refusal leaves that school out, with both names, and no other', async () => {
      await canAnswer();
      const id = await plan();
      const { hash } = (await read(id)).plan;
      await answerWith(agentOf(2), [refused()]);
      await considering(id);
      const { plan: after } = await read(id);
      expect(after.hash).not.toBe(hash);
      expect(after.refusals).toMatchObject([
        {
          siteName: 'École 2',
          applicationId: at.app.id,
          removes: [{ name: 'libabacus', wantedBy: 'tuxpaint', wantedByName: { fr: 'tuxpaint' } }],
        },
      ]);
      expect(after.leftOut).toMatchObject([{ siteName: 'École 2', reason: 'refused' }]);
      expect(after.totals).toMatchObject({ sites: 5, servers: 5 });
      for (const { agent } of at.fleet) await answerWith(agent, [foresee()]);
      expect(await codeOf(start(id))).toBe('done');
      await obey(id, 'succeeded');
      await obey(id, 'succeeded');
      expect((await read(id)).state).toBe('completed');
      expect(await ordersOf(agentOf(2))).toEqual([]);
    });

    test('a server that gets the rest gets no order for what is refused', async () => {
      const other = await createApplication(
        at.city.platform,
        at.city.technician,
        application('compass'),
      );
      await canAnswer();
      const id = await createRollout(
        at.city.platform,
        at.city.technician,
        draft({
          items: [
            { applicationId: at.app.id, want: 'present' },
            { applicationId: other.id, want: 'present' },
          ],
          waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
        }),
      );
      for (const { agent } of at.fleet)
        await answerWith(agent, [
          agent === agentOf(3) ? refused() : foresee(),
          foresee({ applicationId: other.id }),
        ]);
      // The start reads the answers itself, although no wake-up came: the plan that was read is
      // another one.
      const { hash } = (await read(id)).plan;
      expect(await codeOf(start(id))).toBe('PLAN_DRIFTED');
      expect((await read(id)).plan.hash).not.toBe(hash);
      expect(await codeOf(start(id))).toBe('done');
      const ordered = async (index: number) =>
        (await ordersOf(agentOf(index))).flatMap((order) =>
          order.applications.map(({ slug }) => slug),
        );
      expect(await ordered(3)).toEqual(['compass']);
      expect(await ordered(4)).toEqual(['abacus', 'compass']);
    });

    test('an approval is void only when a refusal changes who gets what', async () => {
      await changeSettings(at.city.platform, at.city.technician, {
        approvalAboveSites: 3,
        brakeAtSilentShare: 0.55,
        planDriftShare: 0.1,
        closures: [],
      });
      await canAnswer();
      const id = await plan();
      const colleague = await at.city.account('tech2', 'technician', null);
      await approveRollout(at.city.platform, colleague, id, (await read(id)).plan.hash);
      await answerWith(agentOf(0), [foresee()]);
      await considering(id);
      expect((await read(id)).state).toBe('approved');
      await answerWith(agentOf(1), [refused()]);
      await sweepAnswers(at.city.platform);
      expect(await read(id)).toMatchObject({ state: 'awaiting_approval', approvedByName: null });
    });

    test('the same question is not asked twice; another one is', async () => {
      await canAnswer();
      const id = await plan();
      for (const { agent } of at.fleet) await answerWith(agent, [refused()]);
      await considering(id);
      // Every school refuses: the plan is kept to be read, and starts nowhere.
      expect((await read(id)).plan).toMatchObject({ totals: { sites: 0 } });
      expect(await codeOf(start(id))).toBe('PLAN_EMPTY');
      await changeDraft(at.city.platform, at.city.technician, id, null);
      expect((await stateDocument(agentOf(0))).questions).toBeUndefined();
      expect((await read(id)).plan.refusals).toHaveLength(6);
      at.city.time.at += 3_600_001;
      await canAnswer();
      await changeDraft(at.city.platform, at.city.technician, id, null);
      expect((await stateDocument(agentOf(0))).questions?.questions).toHaveLength(1);
      expect((await read(id)).plan.refusals).toEqual([]);
    });

    test('answers go with their rollout, or after a day', async () => {
      await canAnswer();
      const rowsOf = () =>
        at.city.platform.database.selectFrom('rollout_questions').selectAll().execute();
      const id = await plan();
      expect(await rowsOf()).toHaveLength(6);
      await removeRollout(at.city.platform, at.city.technician, id);
      expect(await rowsOf()).toEqual([]);
      await plan();
      at.city.time.at += 86_400_001;
      await sweepAnswers(at.city.platform);
      expect(await rowsOf()).toEqual([]);
    });

    test('an agent that goes back to an older version gets a state that it understands', async () => {
      await canAnswer();
      await plan();
      expect((await stateDocument(agentOf(0))).questions).toBeDefined();
      await acceptReport(at.city.platform, agentOf(0).actor, agentOf(0).report());
      expect((await stateDocument(agentOf(0))).questions).toBeUndefined();
    });
  });
}
