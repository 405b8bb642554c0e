/** Asking, answering, bringing and telling, for every database. */

import type { RequestDraft } from '@preau/contract/request.ts';
import { describe, expect, test } from 'vitest';
import { insertGroup } from '#src/accounts/store.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import { site as siteDraft } from '#src/builders.fixture.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { evaluateRollout } from '#src/rollouts/run/evaluate.ts';
import { portal } from '#src/sessions/portal.ts';
import { createSite } from '#src/sites/sites.ts';
import { type City, codeOf } from '#src/testing.fixture.ts';
import {
  answerRequest,
  approveRequest,
  installRequest,
  linkRequest,
  refuseRequest,
} from './answer.ts';
import { answerMyRequest, askForProgram, listPrograms, readNews, withdrawRequest } from './ask.ts';
import { noticeReady } from './bring.ts';
import { listRequests, myRequests, readRequest } from './show.ts';
import { selectDueMails } from './store.ts';

const asking = (more: Partial<RequestDraft> = {}): RequestDraft => ({
  applicationId: null,
  name: 'Solfège facile',
  purpose: 'Apprendre les notes',
  link: null,
  wantedBy: null,
  wish: 'class',
  ...more,
});

export function requestCases(newCity: (settings?: Record<string, string>) => Promise<City>): void {
  describe('requests', () => {
    test('from asking to the icon: rule and rollout at approval, told once it is really there', async () => {
      const city = await newCity({ PREAU_SMTP_URL: 'smtp://127.0.0.1:1' });
      const { platform, teacher, contact, technician, site, agent, applications, time, woken } =
        city;
      const { database } = platform;
      await database
        .updateTable('accounts')
        .set({ mail: 'prof@ecole.example' })
        .where('id', '=', teacher.id)
        .execute();
      const secondTeacher = await city.account('zoe', 'teacher');
      // Published to everyone by the city; here nobody has it.
      await database.updateTable('rule_versions').set({ until: time.at }).execute();
      const { gimp, secret } = applications;
      expect(
        (await listPrograms(platform, teacher))
          .map(({ slug, installed, open, asked }) => [slug, installed, open, asked])
          .sort(),
      ).toEqual([
        ['gimp', false, false, false],
        ['secret', true, false, false],
        ['tuxpaint', true, false, false],
      ]);

      const mine = await askForProgram(platform, teacher, asking({ applicationId: gimp.id }));
      expect(mine).toMatchObject({ state: 'asked', name: 'gimp', news: false });
      expect(
        await codeOf(askForProgram(platform, teacher, asking({ applicationId: gimp.id }))),
      ).toBe('ALREADY_EXISTS');
      expect(await codeOf(askForProgram(platform, technician, asking()))).toBe('NO_SITE');
      await askForProgram(platform, secondTeacher, asking({ applicationId: gimp.id }));
      expect(
        (await listRequests(database, contact, true))
          .map(({ askerName, alike }) => [askerName, alike])
          .sort(),
      ).toEqual([
        ['prof', ['zoe']],
        ['zoe', ['prof']],
      ]);
      expect(woken).toContain('requests');

      // The school says yes to what it has; what it has not goes on to the city.
      const passed = await approveRequest(platform, contact, mine.id, {
        audience: { kind: 'role', role: 'teacher' },
        alike: true,
        note: 'Utile.',
      });
      expect(passed).toMatchObject({
        state: 'approved_by_school',
        ruleId: null,
        rolloutId: null,
        decidedByName: 'referente',
        reason: 'Utile.',
        alike: ['zoe'],
      });
      expect(
        await codeOf(
          approveRequest(platform, contact, mine.id, {
            audience: { kind: 'askers' },
            alike: false,
            note: null,
          }),
        ),
      ).toBe('STATE_FORBIDS');
      expect(
        await codeOf(refuseRequest(platform, contact, mine.id, { reason: 'non', alike: false })),
      ).toBe('STATE_FORBIDS');
      expect((await myRequests(database, teacher))[0]).toMatchObject({
        state: 'approved_by_school',
        news: true,
      });
      await readNews(platform, teacher, time.at - 1);
      expect((await myRequests(database, teacher))[0]?.news).toBe(true);
      await readNews(platform, teacher, time.at);
      expect((await myRequests(database, teacher))[0]?.news).toBe(false);

      // What has left the catalogue is not approved: nobody could bring it.
      const offered = (withdrawn_at: number | null) =>
        database
          .updateTable('application_versions')
          .set({ withdrawn_at })
          .where('application_id', '=', gimp.id)
          .execute();
      await offered(time.at);
      expect(
        await codeOf(
          approveRequest(platform, technician, mine.id, {
            audience: { kind: 'role', role: 'teacher' },
            alike: true,
            note: null,
          }),
        ),
      ).toBe('WITHDRAWN');
      await offered(null);
      const approved = await approveRequest(platform, technician, mine.id, {
        audience: { kind: 'role', role: 'teacher' },
        alike: true,
        note: null,
      });
      expect(approved).toMatchObject({ state: 'installing', problem: null, installed: false });
      expect(
        await codeOf(
          approveRequest(platform, technician, mine.id, {
            audience: { kind: 'everyone' },
            alike: true,
            note: null,
          }),
        ),
      ).toBe('STATE_FORBIDS');
      expect(await codeOf(withdrawRequest(platform, teacher, mine.id))).toBe('STATE_FORBIDS');
      expect(
        (await listRequests(database, contact, true)).map(({ ruleId, rolloutId, state }) => [
          ruleId,
          rolloutId,
          state,
        ]),
      ).toEqual([
        [approved.ruleId, approved.rolloutId, 'installing'],
        [approved.ruleId, approved.rolloutId, 'installing'],
      ]);
      const told = await selectAuditEvents(database, { before: null, limit: 100, search: null });
      expect(
        told
          .filter(
            ({ subjectId }) => subjectId === approved.ruleId || subjectId === approved.rolloutId,
          )
          .map(({ action, actorId }) => [action, actorId])
          .sort(),
      ).toEqual([
        ['rollout.planned', technician.id],
        ['rollout.started', technician.id],
        ['rule.created', technician.id],
      ]);

      // Open for them, not there yet: nobody is told.
      expect(await noticeReady(platform)).toBe(0);
      await evaluateRollout(platform, approved.rolloutId ?? '');
      await acceptReport(
        platform,
        agent.actor,
        agent.report({
          applications: [
            {
              applicationId: gimp.id,
              state: 'installed',
              version: '1.0',
              error: null,
              iconHash: null,
            },
          ],
        }),
      );
      expect(
        (await portal(platform, teacher, null)).map(({ slug, installed }) => [slug, installed]),
      ).toEqual([['gimp', true]]);
      expect(
        (await Promise.all([noticeReady(platform), noticeReady(platform)])).reduce(
          (sum, count) => sum + count,
          0,
        ),
      ).toBe(2);
      expect(await noticeReady(platform)).toBe(0);
      expect((await myRequests(database, teacher))[0]).toMatchObject({
        state: 'ready',
        news: true,
      });
      // One mail each, to who has an address.
      expect(
        (await selectDueMails(database, time.at, 10)).map(({ kind, address, language, about }) => [
          kind,
          address,
          language,
          about,
        ]),
      ).toEqual([['request.ready', 'prof@ecole.example', 'fr', mine.id]]);

      // What is on the school's servers, the school's contact opens by themselves, for one class.
      const groupId = await insertGroup(database, { kind: 'class', name: 'CM2', siteId: site.id }, [
        teacher.id,
      ]);
      const elsewhere = await createSite(
        platform,
        technician,
        siteDraft({ uai: '0380009Z', name: 'Ailleurs' }),
      );
      const foreign = await insertGroup(
        database,
        { kind: 'class', name: 'CP', siteId: elsewhere.id },
        [],
      );
      const there = await askForProgram(platform, teacher, asking({ applicationId: secret.id }));
      expect(
        await codeOf(
          approveRequest(platform, contact, there.id, {
            audience: { kind: 'group', groupId: foreign },
            alike: true,
            note: null,
          }),
        ),
      ).toBe('OUT_OF_SCOPE');
      expect((await readRequest(database, contact, there.id)).groups).toEqual([
        { id: groupId, name: 'CM2' },
      ]);
      expect(
        await approveRequest(platform, contact, there.id, {
          audience: { kind: 'group', groupId },
          alike: true,
          note: null,
        }),
      ).toMatchObject({ state: 'approved', rolloutId: null });
      expect(await noticeReady(platform)).toBe(1);
      expect((await portal(platform, teacher, null)).map(({ slug }) => slug).sort()).toEqual([
        'gimp',
        'secret',
      ]);
      const farTeacher = await city.account('loin', 'contact', elsewhere.id);
      expect(await codeOf(readRequest(database, farTeacher, there.id))).toBe('OUT_OF_SCOPE');
      expect(await listRequests(database, farTeacher, false)).toEqual([]);
      await city.close();
    });

    test('described in words: thread, link, problems on the way, refusal, withdrawal', async () => {
      const city = await newCity();
      const { platform, teacher, contact, technician, agent, applications } = city;
      const { database } = platform;
      const first = await askForProgram(platform, teacher, asking());
      const zoe = await city.account('zoe', 'teacher');
      const second = await askForProgram(
        platform,
        zoe,
        asking({ name: '  solfege-FACILE'.trim() }),
      );
      expect((await readRequest(database, technician, first.id)).alike).toEqual(['zoe']);
      await answerRequest(platform, contact, first.id, 'Pour quelle classe ?');
      city.time.at += 1;
      const mine = await answerMyRequest(platform, teacher, first.id, 'Les CE1.\nMerci !');
      expect(mine.thread.map(({ authorName, mine: own, text }) => [authorName, own, text])).toEqual(
        [
          ['referente', false, 'Pour quelle classe ?'],
          ['prof', true, 'Les CE1.\nMerci !'],
        ],
      );
      expect(await codeOf(answerMyRequest(platform, zoe, first.id, 'x'))).toBe('NOT_FOUND');
      // The contact's yes to something described goes on to the city; the city says first which
      // application it is.
      expect(
        await approveRequest(platform, contact, first.id, {
          audience: { kind: 'askers' },
          alike: true,
          note: null,
        }),
      ).toMatchObject({ state: 'approved_by_school' });
      expect(
        await codeOf(
          approveRequest(platform, technician, first.id, {
            audience: { kind: 'askers' },
            alike: true,
            note: null,
          }),
        ),
      ).toBe('STATE_FORBIDS');
      expect(await codeOf(linkRequest(platform, contact, first.id, applications.gimp.id))).toBe(
        'STATE_FORBIDS',
      );
      expect(await linkRequest(platform, technician, first.id, applications.gimp.id)).toMatchObject(
        { slug: 'gimp', alike: ['zoe'] },
      );
      // No server can take it: the rule stands, and what stands in the way is told.
      await database
        .updateTable('servers')
        .set({ draining_since: 1 })
        .where('id', '=', agent.actor.id)
        .execute();
      const stuck = await approveRequest(platform, technician, first.id, {
        audience: { kind: 'askers' },
        alike: true,
        note: null,
      });
      expect(stuck).toMatchObject({ state: 'approved', problem: 'PLAN_EMPTY', rolloutId: null });
      await database.updateTable('servers').set({ draining_since: null }).execute();
      expect(await codeOf(installRequest(platform, contact, first.id))).toBe('STATE_FORBIDS');
      expect(await installRequest(platform, technician, first.id)).toMatchObject({
        state: 'installing',
        problem: null,
      });
      const rules = (
        await database
          .selectFrom('rule_versions')
          .select('body')
          .where('body', 'like', '%"person"%')
          .execute()
      ).map(
        ({ body }) => (JSON.parse(body) as { audience: { accountId: string } }).audience.accountId,
      );
      expect(rules.sort()).toEqual([teacher.id, zoe.id].sort());
      expect((await myRequests(database, zoe))[0]).toMatchObject({
        id: second.id,
        state: 'installing',
      });

      const third = await askForProgram(platform, teacher, asking({ name: 'Jeu cher' }));
      expect(
        await refuseRequest(platform, contact, third.id, { reason: 'Trop cher.', alike: true }),
      ).toMatchObject({ state: 'refused', reason: 'Trop cher.' });
      for (const late of [
        () => refuseRequest(platform, technician, third.id, { reason: 'x', alike: false }),
        () => withdrawRequest(platform, teacher, third.id),
        () => answerRequest(platform, contact, third.id, 'x'),
        () => linkRequest(platform, technician, third.id, applications.gimp.id),
      ])
        expect(await codeOf(late())).toBe('STATE_FORBIDS');
      const fourth = await askForProgram(platform, teacher, asking({ name: 'Autre' }));
      expect(await withdrawRequest(platform, teacher, fourth.id)).toMatchObject({
        state: 'withdrawn',
      });
      // Without a mail server nothing waits to be sent.
      expect(await database.selectFrom('mail_outbox').select('id').execute()).toEqual([]);
      for (let count = 0; count < 20; count += 1)
        await askForProgram(platform, teacher, asking({ name: `Jeu ${count}` }));
      expect(await codeOf(askForProgram(platform, teacher, asking({ name: 'Un de trop' })))).toBe(
        'STATE_FORBIDS',
      );
      await city.close();
    });
  });
}
