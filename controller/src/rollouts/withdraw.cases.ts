/** What leaves the catalogue and what keeps it there, for every database. */
import type { ApplicationDraft } from '@preau/contract/application.ts';
import type { DesiredState } from '@preau/contract/desired-state.ts';
import { defaultDraft } from '@preau/contract/rollout-draft.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exportCatalogue, importCatalogue } from '#src/applications/catalogue.ts';
import { createApplication, listVersions } from '#src/applications/create.ts';
import { selectApplications } from '#src/applications/store.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import { application } from '#src/builders.fixture.ts';
import { readDesiredState } from '#src/servers/desired/desired-state.ts';
import { wantApplication } from '#src/servers/desired/want-application.ts';
import type { City } from '#src/testing.fixture.ts';
import { createRollout } from './plan/create.ts';
import { startRollout } from './plan/start.ts';
import { readRollout } from './read.ts';
import { createSchedule, removeSchedule } from './schedules/schedules.ts';
import { cancelRollout, retryRollout } from './steer.ts';
import { withdrawVersions } from './withdraw.ts';

const where = { all: true, siteIds: [], groupIds: [], serverIds: [], labels: [] };

export function withdrawCases(newCity: () => Promise<City>): void {
  let city: City;
  beforeEach(async () => {
    city = await newCity();
  });
  afterEach(() => city.close());

  const add = (slug: string, version = '1.0', more: Partial<ApplicationDraft> = {}) =>
    createApplication(city.platform, city.technician, application(slug, { ...more, version }));
  const move = (id: string, withdrawn: boolean, ...versionIds: string[]) =>
    withdrawVersions(city.platform, city.technician, id, { withdrawn, versionIds });
  const newest = async (slug: string) =>
    (await selectApplications(city.platform.database, { slug }))[0]?.version;
  const gone = async () =>
    (await selectApplications(city.platform.database, { among: 'withdrawn' })).map(
      ({ slug, version }) => `${slug} ${version}`,
    );
  const audited = async (action: 'application.withdrawn' | 'application.restored') =>
    (
      await selectAuditEvents(city.platform.database, {
        before: null,
        limit: 50,
        search: null,
        siteIds: null,
        action,
        personId: null,
        from: null,
        until: null,
      })
    ).map(({ details }) => details['versions']);

  describe('a version that was a mistake', () => {
    test('leaves, and the one before is the newest again; it comes back; twice is as once', async () => {
      await add('jeu');
      const { id, versionId } = await add('jeu', '2.0');
      for (let times = 0; times < 2; times += 1) await move(id, true, versionId);
      expect([
        await newest('jeu'),
        (await listVersions(city.platform, id)).map(({ version, withdrawnAt }) => [
          version,
          withdrawnAt === null,
        ]),
      ]).toEqual([
        '1.0',
        [
          ['2.0', false],
          ['1.0', true],
        ],
      ]);
      expect(
        (await exportCatalogue(city.platform)).applications.find(({ slug }) => slug === 'jeu')
          ?.version,
      ).toBe('1.0');
      for (let times = 0; times < 2; times += 1) await move(id, false, versionId);
      expect([
        await newest('jeu'),
        await audited('application.withdrawn'),
        await audited('application.restored'),
      ]).toEqual(['2.0', [['2.0']], [['2.0']]]);
    });

    test('gives its number to the one that is right, and does not come back beside it', async () => {
      const wrong = await add('jeu', '2.0');
      await move(wrong.id, true, wrong.versionId);
      const right = await add('jeu', '2.0', { name: { fr: 'Le jeu', en: 'The game' } });
      expect([right.id, right.versionId === wrong.versionId, right.name.fr]).toEqual([
        wrong.id,
        false,
        'Le jeu',
      ]);
      await expect(move(wrong.id, false, wrong.versionId)).rejects.toMatchObject({
        code: 'ALREADY_EXISTS',
      });
      await move(right.id, true, right.versionId);
      await expect(move(wrong.id, false, wrong.versionId, right.versionId)).rejects.toMatchObject({
        code: 'ALREADY_EXISTS',
      });
      await move(wrong.id, false, wrong.versionId);
      expect(
        (await selectApplications(city.platform.database, { slug: 'jeu' }))[0]?.versionId,
      ).toBe(wrong.versionId);
    });

    test('stays where it is installed', async () => {
      const { tuxpaint } = city.applications;
      await add('tuxpaint', '2.0');
      await move(tuxpaint.id, true, tuxpaint.versionId);
      expect(
        (await listVersions(city.platform, tuxpaint.id)).map(({ version, installedOn }) => [
          version,
          installedOn,
        ]),
      ).toEqual([
        ['2.0', 0],
        ['1.0', 1],
      ]);
    });
  });

  describe('what comes again', () => {
    test('by an import, as it was: stays out; corrected: comes in', async () => {
      const { id, versionId } = await add('jeu', '2.0');
      await move(id, true, versionId);
      const take = async (application: ApplicationDraft) =>
        (
          await importCatalogue(city.platform, city.technician, {
            dryRun: false,
            applications: [application],
          })
        ).map(({ result }) => result);
      expect(await take(application('jeu', { version: '2.0' }))).toEqual(['unchanged']);
      expect(await newest('jeu')).toBeUndefined();
      expect(
        await take(
          application('jeu', {
            version: '2.0',
            recipes: {
              linux: {
                kind: 'apt',
                packages: ['jeu-bon'],
                detect: { kind: 'package', package: 'jeu-bon' },
              },
            },
          }),
        ),
      ).toEqual(['added']);
      expect(await newest('jeu')).toBe('2.0');
    });
  });

  describe('an application', () => {
    test('leaves with its last version, and comes back with all that is put back', async () => {
      const first = await add('jeu');
      const second = await add('jeu', '2.0');
      await move(first.id, true, first.versionId, second.versionId);
      expect([await newest('jeu'), await gone()]).toEqual([undefined, ['jeu 2.0']]);
      await move(first.id, false, first.versionId);
      expect([await newest('jeu'), await gone()]).toEqual(['1.0', []]);
    });

    test('stays while a server has it, is to have it, or has not said that it is gone', async () => {
      const { tuxpaint } = city.applications;
      const jeu = await add('jeu');
      await expect(move(tuxpaint.id, true, tuxpaint.versionId)).rejects.toMatchObject({
        code: 'STILL_NEEDED',
        details: { servers: 1 },
      });
      for (const wanted of [true, false]) {
        await wantApplication(city.platform, city.technician, {
          serverId: city.agent.actor.id,
          applicationId: jeu.id,
          wanted,
        });
        await expect(move(jeu.id, true, jeu.versionId)).rejects.toMatchObject({
          code: 'STILL_NEEDED',
          details: { servers: 1 },
        });
      }
      expect(await gone()).toEqual([]);
    });

    test('that has left can still be taken away, and a server is told the recipe of the version it has', async () => {
      const { tuxpaint } = city.applications;
      const right = await add('tuxpaint', '2.0', {
        recipes: {
          linux: {
            kind: 'apt',
            packages: ['autre'],
            detect: { kind: 'package', package: 'autre' },
          },
        },
      });
      await move(tuxpaint.id, true, tuxpaint.versionId);
      await wantApplication(city.platform, city.technician, {
        serverId: city.agent.actor.id,
        applicationId: tuxpaint.id,
        wanted: false,
      });
      const state = JSON.parse(
        (await readDesiredState(city.platform, city.agent.actor)).document,
      ) as DesiredState;
      expect(state.removals.map(({ slug, versionId }) => [slug, versionId])).toEqual([
        ['tuxpaint', tuxpaint.versionId],
      ]);
      await city.platform.database
        .updateTable('server_applications')
        .set({ state: 'removed' })
        .where('application_id', '=', tuxpaint.id)
        .execute();
      await move(tuxpaint.id, true, right.versionId);
      const away = {
        ...defaultDraft,
        name: 'Retirer',
        items: [{ applicationId: tuxpaint.id, want: 'absent' as const }],
        where,
      };
      expect(
        (
          await readRollout(
            city.platform,
            city.technician,
            await createRollout(city.platform, city.technician, away),
          )
        ).plan.applications,
      ).toMatchObject([{ slug: 'tuxpaint', want: 'absent' }]);
      await expect(
        createRollout(city.platform, city.technician, {
          ...away,
          items: [{ applicationId: tuxpaint.id, want: 'present' }],
        }),
      ).rejects.toMatchObject({ code: 'WITHDRAWN' });
      await expect(
        wantApplication(city.platform, city.technician, {
          serverId: city.agent.actor.id,
          applicationId: tuxpaint.id,
          wanted: true,
        }),
      ).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test('stays while another requires it', async () => {
      const engine = await add('moteur');
      const game = await add('jeu', '1.0', { requires: ['moteur'] });
      await expect(move(engine.id, true, engine.versionId)).rejects.toMatchObject({
        code: 'STILL_NEEDED',
        details: { requiredBy: 'jeu' },
      });
      await move(game.id, true, game.versionId);
      await move(engine.id, true, engine.versionId);
      await expect(move(game.id, false, game.versionId)).rejects.toMatchObject({
        code: 'REQUIREMENT_MISSING',
        details: { path: ['jeu', 'moteur'] },
      });
      expect((await gone()).sort()).toEqual(['jeu 1.0', 'moteur 1.0']);
    });
  });

  describe('a rollout', () => {
    const failed = async (rollout: string, state: 'completed_with_failures') => {
      await city.platform.database
        .updateTable('rollout_targets')
        .set({ state: 'failed' })
        .where('rollout_id', '=', rollout)
        .execute();
      await city.platform.database
        .updateTable('rollouts')
        .set({ state })
        .where('id', '=', rollout)
        .execute();
    };
    const plan = (applicationId: string, versionId?: string) =>
      createRollout(city.platform, city.technician, {
        ...defaultDraft,
        name: 'Le jeu',
        items: [
          { applicationId, want: 'present', ...(versionId === undefined ? {} : { versionId }) },
        ],
        where,
      });

    test('keeps what it brings until it is over', async () => {
      const { id, versionId } = await add('jeu');
      await add('jeu', '2.0');
      const rollout = await plan(id, versionId);
      await startRollout(city.platform, city.technician, rollout, {
        planHash: (await readRollout(city.platform, city.technician, rollout)).plan.hash,
        force: true,
      });
      await expect(move(id, true, versionId)).rejects.toMatchObject({
        code: 'STILL_NEEDED',
        details: { rollout, why: { fr: expect.stringContaining('Le jeu') } },
      });
      await cancelRollout(city.platform, city.technician, rollout, 'finish');
      await expect(move(id, true, versionId)).rejects.toMatchObject({ code: 'STILL_NEEDED' });
    });

    test('does not start with a version that has left since it was planned, nor is planned with one', async () => {
      const { id, versionId } = await add('jeu');
      const rollout = await plan(id);
      await add('jeu', '2.0');
      await move(id, true, versionId);
      await expect(
        startRollout(city.platform, city.technician, rollout, {
          planHash: (await readRollout(city.platform, city.technician, rollout)).plan.hash,
          force: true,
        }),
      ).rejects.toMatchObject({ code: 'WITHDRAWN', details: { withdrawn: 'jeu 1.0' } });
      await expect(plan(id, versionId)).rejects.toMatchObject({ code: 'WITHDRAWN' });
    });

    test('does not try again what has left since it failed', async () => {
      const { id, versionId } = await add('jeu');
      const rollout = await plan(id);
      await startRollout(city.platform, city.technician, rollout, {
        planHash: (await readRollout(city.platform, city.technician, rollout)).plan.hash,
        force: true,
      });
      await failed(rollout, 'completed_with_failures');
      await move(id, true, versionId);
      await expect(retryRollout(city.platform, city.technician, rollout)).rejects.toMatchObject({
        code: 'WITHDRAWN',
      });
      await move(id, false, versionId);
      await retryRollout(city.platform, city.technician, rollout);
      expect((await readRollout(city.platform, city.technician, rollout)).state).toBe('running');
    });

    test('that repeats keeps what it names', async () => {
      const { id, versionId } = await add('jeu');
      const schedule = await createSchedule(city.platform, city.technician, {
        name: 'Chaque mercredi',
        draft: {
          ...defaultDraft,
          name: 'Le jeu',
          items: [{ applicationId: id, want: 'present' }],
          where,
        },
        when: { days: [3], at: '14:00', period: 'always' },
      });
      await expect(move(id, true, versionId)).rejects.toMatchObject({
        code: 'STILL_NEEDED',
        details: { schedule: schedule.id },
      });
      await removeSchedule(city.platform, city.technician, schedule.id);
      await move(id, true, versionId);
      expect(await gone()).toEqual(['jeu 1.0']);
    });
  });

  test('what is not a version of it is refused, and nothing moves', async () => {
    const jeu = await add('jeu');
    const autre = await add('autre');
    await expect(move(jeu.id, true, jeu.versionId, autre.versionId)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(move(`app_${'a'.repeat(22)}`, true, jeu.versionId)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect([await newest('jeu'), await newest('autre')]).toEqual(['1.0', '1.0']);
  });
}
