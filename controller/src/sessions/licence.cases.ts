/** What must hold of seats, whatever database is below. */
import { AppError } from '@preau/contract/errors.ts';
import { plainRule } from '@preau/contract/rule.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRule } from '#src/access/rules.ts';
import { createApplication } from '#src/applications/create.ts';
import { application } from '#src/builders.fixture.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { wantApplication } from '#src/servers/desired/want-application.ts';
import type { City } from '#src/testing.fixture.ts';
import { endSession } from './end.ts';
import { launch } from './launch.ts';
import { queueCases } from './seats/queue.cases.ts';

const jeu = { application: 'jeu', language: 'fr' } as const;

export function licenceCases(openCity: () => Promise<City>): void {
  describe('seats, asked for directly', () => queueCases(openCity));
  let city: City;
  beforeEach(async () => {
    city = await openCity();
    const { platform, technician, agent } = city;
    const { id } = await createApplication(
      platform,
      technician,
      application('jeu', { licence: { seats: 2 } }),
    );
    await createRule(platform, technician, {
      effect: 'allow',
      target: { kind: 'application', applicationId: id },
      audience: { kind: 'everyone' },
      ...plainRule,
    });
    for (const server of [agent, await city.enrolServer('serveur-2')]) {
      await wantApplication(platform, technician, {
        serverId: server.actor.id,
        applicationId: id,
        wanted: true,
      });
      await acceptReport(
        platform,
        server.actor,
        server.report({
          applications: [
            { applicationId: id, state: 'installed', version: '1.0', error: null, iconHash: null },
          ],
        }),
      );
    }
  });
  afterEach(() => city.close());

  const outcome = async (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      (error: unknown) => (error instanceof AppError ? error.code : Promise.reject(error)),
    );
  const generations = () =>
    city.platform.database.selectFrom('servers').select(['id', 'generation']).execute();
  const people = (count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, index) => city.account(`eleve-${index}`, 'pupil')),
    );

  describe('seats', () => {
    test('the last one is taken once, however many ask at once, on whichever server', async () => {
      const class_ = await people(12);
      const outcomes = await Promise.all(
        class_.map((pupil) => outcome(launch(city.platform, pupil, jeu))),
      );
      expect(outcomes.filter((code) => code === 'done')).toHaveLength(2);
      expect(outcomes.filter((code) => code === 'LICENCE_EXHAUSTED')).toHaveLength(10);
      const refused = await city.platform.database
        .selectFrom('audit_events')
        .select('details')
        .where('action', '=', 'session.refused')
        .execute();
      expect(refused.map(({ details }) => JSON.parse(details))).toEqual(
        Array.from({ length: 10 }, () => ({ code: 'LICENCE_EXHAUSTED' })),
      );
    });
    test('a launch that finds no seat changes no generation', async () => {
      const [one, two, three] = await people(3);
      if (one === undefined || two === undefined || three === undefined) throw new Error('nobody');
      await launch(city.platform, one, jeu);
      await launch(city.platform, two, jeu);
      const before = await generations();
      for (let count = 0; count < 5; count += 1)
        expect(await outcome(launch(city.platform, three, jeu))).toBe('LICENCE_EXHAUSTED');
      expect(await generations()).toEqual(before);
    });
    test('is free again when somebody closes it; coming back takes none', async () => {
      const [one, two, three] = await people(3);
      if (one === undefined || two === undefined || three === undefined) throw new Error('nobody');
      const { session } = await launch(city.platform, one, jeu);
      await launch(city.platform, two, jeu);
      expect(await outcome(launch(city.platform, three, jeu))).toBe('LICENCE_EXHAUSTED');
      expect(await outcome(launch(city.platform, one, jeu))).toBe('done');
      await endSession(city.platform, one, session.id);
      expect(await outcome(launch(city.platform, three, jeu))).toBe('done');
      expect(
        await outcome(launch(city.platform, one, { application: 'tuxpaint', language: 'fr' })),
      ).toBe('done');
    });
  });

  describe('programs of one person', () => {
    test('eight at once; the ninth is refused, changes nothing, and others go on', async () => {
      const { platform, technician, agent, pupil } = city;
      const slugs = Array.from({ length: 9 }, (_, at) => `jeu-${at}`);
      const ids: string[] = [];
      for (const slug of slugs) {
        const { id } = await createApplication(platform, technician, application(slug));
        ids.push(id);
        await createRule(platform, technician, {
          effect: 'allow',
          target: { kind: 'application', applicationId: id },
          audience: { kind: 'everyone' },
          ...plainRule,
        });
        await wantApplication(platform, technician, {
          serverId: agent.actor.id,
          applicationId: id,
          wanted: true,
        });
      }
      await acceptReport(
        platform,
        agent.actor,
        agent.report({
          applications: ids.map((applicationId) => ({
            applicationId,
            state: 'installed',
            version: '1.0',
            error: null,
            iconHash: null,
          })),
        }),
      );
      // Together: they are counted under a lock.
      const codes = await Promise.all(
        slugs.map((slug) =>
          outcome(launch(platform, pupil, { application: slug, language: 'fr' })),
        ),
      );
      expect(codes.sort()).toEqual([
        'TOO_MANY_SESSIONS',
        ...Array.from({ length: 8 }, () => 'done'),
      ]);
      const again = slugs.map((slug) => ({ application: slug, language: 'fr' }) as const);
      const more = await Promise.all(again.map((input) => outcome(launch(platform, pupil, input))));
      // Those that run are opened again.
      expect(more.filter((code) => code === 'TOO_MANY_SESSIONS')).toHaveLength(1);
      expect(await outcome(launch(platform, city.teacher, again[0] ?? jeu))).toBe('done');
    });
    test('323 refusals are one line of the audit, and no generation', async () => {
      const { platform, pupil } = city;
      const before = await generations();
      for (let count = 0; count < 323; count += 1)
        expect(
          await outcome(launch(platform, pupil, { application: 'secret', language: 'fr' })),
        ).toBe('APPLICATION_NOT_ALLOWED');
      expect(await generations()).toEqual(before);
      expect(
        await platform.database
          .selectFrom('audit_events')
          .select('details')
          .where('action', '=', 'session.refused')
          .execute(),
      ).toHaveLength(1);
    });
  });
}
