/** What must hold of rules as they are written, weighed, explained and sent, whatever database is
 * below. */

import type { DesiredState, PolicyDocument } from '@preau/contract/desired-state.ts';
import { AppError } from '@preau/contract/errors.ts';
import { defaultTerms, plainRule, type RuleDraft } from '@preau/contract/rule.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { insertGroup } from '#src/accounts/store.ts';
import { site as siteDraft } from '#src/builders.fixture.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { readDesiredState } from '#src/servers/desired/desired-state.ts';
import { weighSessions } from '#src/sessions/end-of-access.ts';
import { attach, launch } from '#src/sessions/launch.ts';
import { portal } from '#src/sessions/portal.ts';
import { redeemTicket } from '#src/sessions/tunnel.ts';
import { createSite } from '#src/sites/sites.ts';
import { type City, codeOf } from '#src/testing.fixture.ts';
import { explainAccess, whyNot } from './explain.ts';
import { exportAccess, readAccessMatrix } from './overview.ts';
import { previewRule } from './preview.ts';
import { readPush } from './push.ts';
import {
  changeRule,
  createRule,
  listRules,
  listRuleVersions,
  listWithdrawnRules,
  restoreRule,
  withdrawRule,
} from './rules.ts';
import { createSiteGroup } from './site-groups.ts';
import { changeSiteSettings } from './site-settings.ts';

const job = { kind: 'job', id: 'test', name: 'test' } as const;
const minute = 60_000;

export function accessCases(openCity: () => Promise<City>): void {
  let city: City;
  beforeEach(async () => {
    city = await openCity();
    // A Tuesday with class, 10:00 in Paris.
    city.time.at = Date.parse('2027-01-12T09:00:00Z');
    await acceptReport(
      city.platform,
      city.agent.actor,
      city.agent.report({
        applications: Object.values(city.applications).map(({ id }) => ({
          applicationId: id,
          state: 'installed' as const,
          version: '1.0',
          error: null,
          iconHash: null,
        })),
      }),
    );
  });
  afterEach(() => city.close());

  const about = (
    name: 'tuxpaint' | 'gimp' | 'secret',
    more: Partial<RuleDraft> = {},
  ): RuleDraft => ({
    ...plainRule,
    effect: 'allow',
    target: { kind: 'application', applicationId: city.applications[name].id },
    audience: { kind: 'everyone' },
    ...more,
  });
  const inHours = (from: string, to: string): RuleDraft['when'] => ({
    open: [{ days: [1, 2, 3, 4, 5], from, to, period: 'school' }],
    exceptDates: [],
    from: null,
    until: null,
  });
  const seen = async (actor = city.pupil, address: string | null = null) =>
    (await portal(city.platform, actor, address)).map(({ slug }) => slug).sort();
  const state = async (agent = city.agent) => {
    const signed = await readDesiredState(city.platform, agent.actor);
    return {
      state: JSON.parse(signed.document) as DesiredState,
      policy: JSON.parse(signed.policy ?? '{}') as PolicyDocument,
      hash: sha256(signed.policy ?? ''),
    };
  };
  const elsewhere = async () => {
    const site = await createSite(
      city.platform,
      city.technician,
      siteDraft({ uai: '0380009Z', name: 'École d’ailleurs' }),
    );
    return { site, agent: await city.enrolServer('serveur-ailleurs', site.id) };
  };

  describe('rules', () => {
    test('are versioned: changed by who has read them, withdrawn, brought back, and the past stays', async () => {
      const { platform, technician } = city;
      const began = city.time.at;
      const made = await createRule(
        platform,
        technician,
        about('secret', { note: 'pour essayer' }),
      );
      expect(made).toMatchObject({
        version: 1,
        targetName: 'secret',
        audienceName: 'everyone',
        placeName: 'everywhere',
        changedByName: 'tech',
      });
      expect(await seen()).toContain('secret');
      city.time.at += minute;
      const changed = await changeRule(platform, technician, made.id, {
        version: 1,
        draft: about('secret', { audience: { kind: 'role', role: 'teacher' } }),
      });
      expect(changed.version).toBe(2);
      expect(
        await codeOf(
          changeRule(platform, technician, made.id, { version: 1, draft: about('secret') }),
        ),
      ).toBe('RULE_CHANGED');
      expect(
        [await seen(), await seen(city.teacher)].map((slugs) => slugs.includes('secret')),
      ).toEqual([false, true]);
      city.time.at += minute;
      await withdrawRule(platform, technician, made.id);
      expect(await codeOf(withdrawRule(platform, technician, made.id))).toBe('NOT_FOUND');
      expect(await listWithdrawnRules(platform, technician)).toMatchObject([
        { rule: { id: made.id, version: 2 }, until: began + 2 * minute },
      ]);
      expect(await seen(city.teacher)).not.toContain('secret');
      city.time.at += minute;
      expect((await restoreRule(platform, technician, made.id)).version).toBe(3);
      expect(await listWithdrawnRules(platform, technician)).toEqual([]);
      expect(await codeOf(restoreRule(platform, technician, made.id))).toBe('STATE_FORBIDS');
      expect(await seen(city.teacher)).toContain('secret');
      expect(
        (await listRuleVersions(platform, technician, made.id)).map(({ rule, until }) => [
          rule.version,
          until,
        ]),
      ).toEqual([
        [3, null],
        [2, began + 2 * minute],
        [1, began + minute],
      ]);
      const then = async (at: number) =>
        (await listRules(platform, technician, at))
          .filter(({ id }) => id === made.id)
          .map(({ version }) => version);
      expect([
        await then(began - 1),
        await then(began),
        await then(began + minute),
        await then(began + 2 * minute),
        await then(began + 3 * minute),
      ]).toEqual([[], [1], [2], [], [3]]);
      const who = (at: number) =>
        explainAccess(platform, technician, {
          accountId: city.pupil.id,
          applicationId: city.applications.secret.id,
          at,
          address: null,
        }).then(({ items }) => items[0]?.allowed);
      expect([await who(began - 1), await who(began), await who(began + minute)]).toEqual([
        false,
        true,
        false,
      ]);
    });

    test('that make no sense, or name what is not there, are refused whole', async () => {
      const { platform, technician } = city;
      // biome-ignore format: a table
      const bad: [Partial<RuleDraft>, string][] = [
        [{ client: { kind: 'subnet', subnet: '10.0.0.0/99' } }, 'RULE_REFUSED'],
        [{ effect: 'deny', how: { ...defaultTerms, clipboard: 'both' } }, 'RULE_REFUSED'],
        [{ when: { open: [], exceptDates: [], from: null, until: null } }, 'RULE_REFUSED'],
        [{ when: { open: [], exceptDates: ['2027-02-30'], from: null, until: null } }, 'RULE_REFUSED'],
        [{ when: { open: [], exceptDates: [], from: '2027-02-02', until: '2027-02-01' } }, 'RULE_REFUSED'],
        [{ when: { open: [{ days: [], from: '08:00', to: '09:00', period: 'school' }], exceptDates: [], from: null, until: null } }, 'RULE_REFUSED'],
        [{ target: { kind: 'application', applicationId: `app_${'x'.repeat(22)}` } }, 'NOT_FOUND'], [{ audience: { kind: 'group', groupId: `grp_${'x'.repeat(22)}` } }, 'NOT_FOUND'],
        [{ audience: { kind: 'person', accountId: `acc_${'x'.repeat(22)}` } }, 'NOT_FOUND'], [{ place: { kind: 'site', siteId: `sit_${'x'.repeat(22)}` } }, 'NOT_FOUND'], [{ place: { kind: 'site_group', siteGroupId: `sgr_${'x'.repeat(22)}` } }, 'NOT_FOUND'],
      ];
      const before = (await listRules(platform, technician, null)).length;
      for (const [more, code] of bad)
        expect(await codeOf(createRule(platform, technician, about('secret', more)))).toBe(code);
      expect((await listRules(platform, technician, null)).length).toBe(before);
    });

    test('reach the agents of the schools they touch, and no others, in a new generation', async () => {
      const { platform, technician } = city;
      const other = await elsewhere();
      const third = await createSite(
        platform,
        technician,
        siteDraft({ uai: '0380008Y', name: 'Troisième' }),
      );
      const group = await createSiteGroup(platform, technician, {
        name: 'Nord',
        siteIds: [other.site.id, third.id],
      });
      const generations = async () => [
        (await state()).state.generation,
        (await state(other.agent)).state.generation,
      ];
      const [here, there] = await generations();
      city.woken.length = 0;
      const local = await createRule(
        platform,
        technician,
        about('secret', { place: { kind: 'site', siteId: city.site.id } }),
      );
      expect(await generations()).toEqual([(here ?? 0) + 1, there]);
      expect(city.woken.filter((topic) => topic.startsWith('agent:'))).toEqual([
        `agent:${city.agent.actor.id}`,
      ]);
      expect(city.woken).toEqual(expect.arrayContaining(['rules', 'portal']));
      await createRule(
        platform,
        technician,
        about('gimp', { place: { kind: 'site_group', siteGroupId: group.id } }),
      );
      expect(await generations()).toEqual([(here ?? 0) + 1, (there ?? 0) + 1]);
      await createRule(
        platform,
        technician,
        about('gimp', { effect: 'deny', audience: { kind: 'role', role: 'pupil' } }),
      );
      expect(await generations()).toEqual([(here ?? 0) + 2, (there ?? 0) + 2]);
      // Moved from one school to another: both follow.
      await changeRule(platform, technician, local.id, {
        version: 1,
        draft: about('secret', { place: { kind: 'site', siteId: other.site.id } }),
      });
      expect(await generations()).toEqual([(here ?? 0) + 3, (there ?? 0) + 3]);
      const [own, foreign] = [await state(), await state(other.agent)];
      expect(own.hash).toBe(own.state.policy);
      expect(own.policy.rules.map(({ place }) => place.kind)).toEqual([
        'everywhere',
        'everywhere',
        'everywhere',
      ]);
      expect(foreign.policy.rules.map(({ place }) => place.kind).sort()).toEqual([
        'everywhere',
        'everywhere',
        'everywhere',
        'site',
        'site_group',
      ]);
      expect(foreign.state.site).toMatchObject({
        siteId: other.site.id,
        siteGroupIds: [group.id],
        timeZone: 'Europe/Paris',
      });
      // An agent that has the rules is not sent them again.
      expect(await readDesiredState(platform, city.agent.actor, own.hash)).toMatchObject({
        policy: null,
      });
      // One that has those of before is sent the difference; one that has others, the whole.
      const more = await createRule(
        platform,
        technician,
        about('gimp', {
          audience: { kind: 'role', role: 'teacher' },
          place: { kind: 'site', siteId: city.site.id },
        }),
      );
      expect(await readDesiredState(platform, city.agent.actor, own.hash)).toMatchObject({
        policy: null,
        change: { from: own.hash, removed: [more.id], added: [{ id: more.id }] },
      });
      expect((await readDesiredState(platform, city.agent.actor, 'a'.repeat(64))).policy).toContain(
        more.id,
      );
    });

    test('the console shows who has followed and who is late', async () => {
      const { platform, technician } = city;
      const progress = async () =>
        (await readPush(platform, technician)).items.find(({ siteId }) => siteId === city.site.id)
          ?.state;
      await createRule(platform, technician, about('secret'));
      await acceptReport(platform, city.agent.actor, city.agent.report());
      expect(await progress()).toBe('waiting');
      city.time.at += 61_000;
      expect(await progress()).toBe('offline');
      await acceptReport(platform, city.agent.actor, city.agent.report());
      expect(await progress()).toBe('late');
      await acceptReport(
        platform,
        city.agent.actor,
        city.agent.report({ generation: (await state()).state.generation }),
      );
      expect(await progress()).toBe('applied');
    });
  });

  describe('at every door', () => {
    test('the portal, the launch, the attachment and the ticket all ask', async () => {
      const { platform, technician, pupil } = city;
      const { session, ticket } = await launch(platform, pupil, {
        application: 'tuxpaint',
        language: 'fr',
      });
      const deny = await createRule(
        platform,
        technician,
        about('tuxpaint', { effect: 'deny', audience: { kind: 'person', accountId: pupil.id } }),
      );
      expect(
        (await portal(platform, pupil, null)).find(({ slug }) => slug === 'tuxpaint')?.openUntil,
      ).toBe(city.time.at);
      expect(await codeOf(redeemTicket(platform, pupil, ticket.ticket))).toBe(
        'APPLICATION_NOT_ALLOWED',
      );
      expect(await codeOf(attach(platform, pupil, session.id))).toBe('APPLICATION_NOT_ALLOWED');
      expect(
        await codeOf(launch(platform, pupil, { application: 'tuxpaint', language: 'fr' })),
      ).toBe('APPLICATION_NOT_ALLOWED');
      await withdrawRule(platform, technician, deny.id);
      expect(await codeOf(attach(platform, pupil, session.id))).toBe('done');
    });

    test('from the right PC, at the right hour: said so, with the hour', async () => {
      const { platform, technician, pupil } = city;
      await changeSiteSettings(platform, technician, city.site.id, {
        networks: [{ subnet: '10.1.2.0/24', labels: ['salle-info'] }],
        closures: ['2027-01-13'],
        badgeHours: [],
      });
      await createRule(
        platform,
        technician,
        about('secret', { client: { kind: 'label', label: 'salle-info' } }),
      );
      expect(
        [await seen(pupil, '10.1.2.9'), await seen(pupil, '10.1.3.9')].map((slugs) =>
          slugs.includes('secret'),
        ),
      ).toEqual([true, false]);
      expect(
        await codeOf(
          launch(platform, pupil, { application: 'secret', language: 'fr', address: '10.1.3.9' }),
        ),
      ).toBe('WRONG_DEVICE');
      expect(await whyNot(platform, pupil, 'secret', '10.1.3.9')).toMatchObject({
        reason: 'other_device',
      });
      const gimp = (await listRules(platform, technician, null)).find(
        ({ targetName }) => targetName === 'gimp',
      );
      await changeRule(platform, technician, gimp?.id ?? '', {
        version: 1,
        draft: about('gimp', { when: inHours('13:30', '16:30') }),
      });
      const refused = await launch(platform, pupil, { application: 'gimp', language: 'fr' }).catch(
        (error: unknown) => error,
      );
      expect(refused).toMatchObject({
        code: 'OUTSIDE_HOURS',
        details: { opensAt: Date.parse('2027-01-12T13:30:00+01:00') },
      });
      expect(await whyNot(platform, pupil, 'gimp', null)).toMatchObject({
        reason: 'out_of_hours',
        at: Date.parse('2027-01-12T13:30:00+01:00'),
      });
      // The day after is a closure of the school: the next hours are on Thursday.
      city.time.at = Date.parse('2027-01-12T17:00:00+01:00');
      expect((await whyNot(platform, pupil, 'gimp', null)).at).toBe(
        Date.parse('2027-01-14T13:30:00+01:00'),
      );
      expect(
        [
          await whyNot(platform, pupil, 'tuxpaint', null),
          await whyNot(platform, technician, 'tuxpaint', null),
        ].map(({ reason }) => reason),
      ).toEqual(['open', 'no_school']);
    });

    test('access that ends is told beforehand, then the session ends', async () => {
      const { platform, technician, pupil } = city;
      const rule = (await listRules(platform, technician, null)).find(
        ({ targetName }) => targetName === 'tuxpaint',
      );
      await changeRule(platform, technician, rule?.id ?? '', {
        version: 1,
        draft: about('tuxpaint', { when: inHours('08:30', '11:30') }),
      });
      const { session } = await launch(platform, pupil, {
        application: 'tuxpaint',
        language: 'fr',
      });
      const ends = Date.parse('2027-01-12T11:30:00+01:00');
      const mine = async () =>
        (await portal(platform, pupil, null)).find(({ slug }) => slug === 'tuxpaint')?.session;
      await weighSessions(platform, job);
      expect(await mine()).toMatchObject({ endsAt: null });
      city.time.at = ends - 10 * minute;
      city.woken.length = 0;
      await weighSessions(platform, job);
      expect(await mine()).toMatchObject({ endsAt: ends });
      expect(city.woken).toEqual([`session:${session.id}`, `person:${pupil.id}`]);
      city.woken.length = 0;
      await weighSessions(platform, job);
      expect(city.woken).toEqual([]);
      city.time.at = ends;
      await weighSessions(platform, job);
      expect(await mine()).toBeUndefined();
      const row = await platform.database
        .selectFrom('sessions')
        .select(['state', 'end_reason'])
        .where('id', '=', session.id)
        .executeTakeFirst();
      expect(row).toEqual({ state: 'ended', end_reason: 'access_ended' });
      expect((await state()).state.sessions).toEqual([]);
    });

    test('a session has its time, and is not held by who has gone', async () => {
      const { platform, technician, pupil } = city;
      const terms = { ...defaultTerms, maxMinutes: 45, idleMinutes: 10 };
      const rule = (await listRules(platform, technician, null)).find(
        ({ targetName }) => targetName === 'tuxpaint',
      );
      await changeRule(platform, technician, rule?.id ?? '', {
        version: 1,
        draft: about('tuxpaint', { how: terms }),
      });
      const { session } = await launch(platform, pupil, {
        application: 'tuxpaint',
        language: 'fr',
      });
      const row = () =>
        platform.database
          .selectFrom('sessions')
          .select(['state', 'end_reason', 'ends_at'])
          .where('id', '=', session.id)
          .executeTakeFirst();
      // Nobody is attached: the grace period is what waits.
      city.time.at += 20 * minute;
      await weighSessions(platform, job);
      expect(await row()).toMatchObject({ state: 'starting', ends_at: null });
      await platform.database
        .updateTable('sessions')
        .set({
          state: 'active',
          touched_at: city.time.at - 4 * minute,
          tunnel_seen_at: city.time.at,
        })
        .where('id', '=', session.id)
        .execute();
      await weighSessions(platform, job);
      expect(await row()).toMatchObject({ state: 'active', ends_at: city.time.at + 6 * minute });
      await platform.database
        .updateTable('sessions')
        .set({ touched_at: city.time.at + 20 * minute })
        .where('id', '=', session.id)
        .execute();
      city.time.at += 25 * minute;
      await weighSessions(platform, job);
      expect(await row()).toMatchObject({ state: 'ended', end_reason: 'time_over' });
    });

    test('seats of a school: a queue in order of arrival, forgotten by who went away', async () => {
      const { platform, technician } = city;
      const terms = { ...defaultTerms, seats: 1 };
      const rule = (await listRules(platform, technician, null)).find(
        ({ targetName }) => targetName === 'tuxpaint',
      );
      await changeRule(platform, technician, rule?.id ?? '', {
        version: 1,
        draft: about('tuxpaint', { how: terms }),
      });
      const [first, second, third] = [
        await city.account('un', 'pupil'),
        await city.account('deux', 'pupil'),
        await city.account('trois', 'pupil'),
      ];
      const ask = (actor: typeof first) =>
        launch(platform, actor, { application: 'tuxpaint', language: 'fr' }).then(
          () => 'in',
          (error: unknown) =>
            error instanceof AppError
              ? [error.code, error.details['scope'], error.details['ahead']]
              : Promise.reject(error),
        );
      expect(await ask(first)).toBe('in');
      expect(await ask(second)).toEqual(['LICENCE_EXHAUSTED', 'school', 0]);
      city.time.at += 1000;
      expect(await ask(third)).toEqual(['LICENCE_EXHAUSTED', 'school', 1]);
      await platform.database.updateTable('sessions').set({ state: 'ended' }).execute();
      // The seat is free, and it is not the third one's turn.
      expect(await ask(third)).toEqual(['LICENCE_EXHAUSTED', 'school', 1]);
      // Who waits asks again and again; the audit tells it once.
      expect(
        await platform.database
          .selectFrom('audit_events')
          .select('actor_id')
          .where('action', '=', 'session.refused')
          .execute(),
      ).toHaveLength(2);
      expect(await ask(second)).toBe('in');
      await platform.database.updateTable('sessions').set({ state: 'ended' }).execute();
      city.time.at += 25_000;
      expect(await ask(first)).toBe('in');
    });
  });

  describe('beforehand', () => {
    test('who gains, who loses, and which rules it meets', async () => {
      const { platform, technician, pupil, teacher } = city;
      const cm2 = await insertGroup(
        platform.database,
        { kind: 'class', name: 'CM2', siteId: city.site.id },
        [pupil.id],
      );
      const gain = await previewRule(platform, technician, {
        ruleId: null,
        draft: about('secret', {
          audience: { kind: 'group', groupId: cm2 },
          when: inHours('13:30', '16:30'),
        }),
      });
      expect(gain).toMatchObject({
        gains: { people: 1, schools: 1, applications: 1, examples: ['lea'] },
        losses: { people: 0 },
        conflicts: [],
        at: Date.parse('2027-01-12T13:30:00+01:00'),
      });
      const lose = await previewRule(platform, technician, {
        ruleId: null,
        draft: about('gimp', { effect: 'deny', audience: { kind: 'role', role: 'teacher' } }),
      });
      expect(lose).toMatchObject({
        gains: { people: 0 },
        losses: { people: 2, applications: 1 },
        conflicts: [{ wins: false, isEqual: false, people: 2 }],
      });
      const equal = await previewRule(platform, technician, {
        ruleId: null,
        draft: about('gimp', { effect: 'deny' }),
      });
      expect(equal.conflicts).toMatchObject([{ wins: false, isEqual: true }]);
      // A vaguer allow changes nothing: the more precise deny wins.
      await createRule(
        platform,
        technician,
        about('secret', { effect: 'deny', audience: { kind: 'person', accountId: teacher.id } }),
      );
      const vague = await previewRule(platform, technician, {
        ruleId: null,
        draft: about('secret', { audience: { kind: 'role', role: 'teacher' } }),
      });
      expect(vague).toMatchObject({
        gains: { people: 1 },
        conflicts: [{ wins: true, isEqual: false, people: 1 }],
      });
      const gimp = (await listRules(platform, technician, null)).find(
        ({ targetName }) => targetName === 'gimp',
      );
      expect(
        await previewRule(platform, technician, { ruleId: gimp?.id ?? '', draft: null }),
      ).toMatchObject({ losses: { people: expect.any(Number), applications: 1 } });
      expect((await listRules(platform, technician, null)).some(({ id }) => id === gimp?.id)).toBe(
        true,
      );
      // Fewer hours take something away, more give something, even while the rule counts before and
      // after.
      const short = await createRule(
        platform,
        technician,
        about('secret', {
          audience: { kind: 'group', groupId: cm2 },
          when: inHours('08:30', '11:30'),
        }),
      );
      expect(
        await previewRule(platform, technician, {
          ruleId: short.id,
          draft: about('secret', {
            audience: { kind: 'group', groupId: cm2 },
            when: inHours('09:30', '11:00'),
          }),
        }),
      ).toMatchObject({ gains: { people: 0 }, losses: { people: 1 }, at: city.time.at });
      expect(
        await previewRule(platform, technician, {
          ruleId: short.id,
          draft: about('secret', { audience: { kind: 'group', groupId: cm2 } }),
        }),
      ).toMatchObject({ gains: { people: 1 }, losses: { people: 0 } });
      expect(
        await previewRule(platform, technician, {
          ruleId: short.id,
          draft: about('secret', {
            audience: { kind: 'group', groupId: cm2 },
            when: inHours('08:30', '11:30'),
          }),
        }),
      ).toMatchObject({ gains: { people: 0 }, losses: { people: 0 } });
    });

    test('explains rule by rule, with a remedy to save; the matrix counts; the file tells the period', async () => {
      const { platform, technician, pupil } = city;
      const rule = (await listRules(platform, technician, null)).find(
        ({ targetName }) => targetName === 'gimp',
      );
      await changeRule(platform, technician, rule?.id ?? '', {
        version: 1,
        draft: about('gimp', {
          audience: { kind: 'role', role: 'pupil' },
          when: inHours('08:30', '11:30'),
        }),
      });
      const access = await explainAccess(platform, technician, {
        accountId: pupil.id,
        applicationId: city.applications.secret.id,
        at: null,
        address: null,
      });
      expect(access.items).toMatchObject([
        {
          allowed: false,
          considered: [],
          remedy: { kind: 'add', draft: { effect: 'allow', audience: { accountId: pupil.id } } },
        },
      ]);
      const [item] = access.items;
      if (item?.remedy.kind === 'add') await createRule(platform, technician, item.remedy.draft);
      expect(await seen()).toContain('secret');
      const monday = await explainAccess(platform, technician, {
        accountId: pupil.id,
        applicationId: city.applications.gimp.id,
        at: Date.parse('2027-01-18T12:00:00+01:00'),
        address: null,
      });
      expect(monday.items).toMatchObject([
        {
          allowed: false,
          considered: [
            { outcome: 'out_of_hours', opensAt: Date.parse('2027-01-19T08:30:00+01:00') },
          ],
          remedy: { kind: 'wait' },
        },
      ]);
      const matrix = await readAccessMatrix(platform, technician, {
        role: null,
        after: null,
        limit: 10,
      });
      const column = matrix.applications.findIndex(({ slug }) => slug === 'gimp');
      expect(matrix.items[0]).toMatchObject({ people: 3 });
      expect(matrix.items[0]?.open[column]).toBe(1);
      await platform.database
        .updateTable('accounts')
        .set({ display_name: '=HYPERLINK("x")' })
        .where('id', '=', pupil.id)
        .execute();
      const csv = (
        await exportAccess(platform, technician, {
          from: city.time.at - 3_600_000,
          until: city.time.at + 7 * 86_400_000,
          siteId: city.site.id,
          applicationId: city.applications.gimp.id,
        })
      ).toString();
      const line = csv.split('\n').find((each) => each.includes('HYPERLINK')) ?? '';
      // Tuesday from the change on (1.5 h), Wednesday, Thursday, Friday, Monday whole (3 h),
      // Tuesday until 9:00 not.
      expect(line).toContain(';lea;pupil;gimp;');
      expect(line).toMatch(/^[^;]+;"?'=HYPERLINK/);
      expect(Number(line.trim().split(';').at(-1))).toBeGreaterThan(12);
      expect(
        await platform.database
          .selectFrom('audit_events')
          .select(['actor_id', 'subject_id', 'site_id'])
          .where('action', '=', 'access.exported')
          .execute(),
      ).toEqual([
        {
          actor_id: technician.id,
          subject_id: city.applications.gimp.id,
          site_id: city.site.id,
        },
      ]);
      expect(
        await codeOf(
          exportAccess(platform, technician, {
            from: 5,
            until: 4,
            siteId: null,
            applicationId: null,
          }),
        ),
      ).toBe('VALIDATION_FAILED');
    });
  });
}
