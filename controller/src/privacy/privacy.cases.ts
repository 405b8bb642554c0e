/** Exporting, erasing, keeping and counting, for every database. */
import type { AuditEvent } from '@preau/contract/audit.ts';
import { dayMs } from '@preau/contract/days.ts';
import { plainRule } from '@preau/contract/rule.ts';
import { describe, expect, test } from 'vitest';
import { createRule } from '#src/access/rules.ts';
import { insertSignIn } from '#src/accounts/sign-ins/store.ts';
import { insertAccounts, insertGroup } from '#src/accounts/store.ts';
import { chainEvents, verifyChain } from '#src/audit/chain.ts';
import { recordEffect } from '#src/audit/record.ts';
import { person, site as siteDraft } from '#src/builders.fixture.ts';
import { changeRole } from '#src/identity/people/people.ts';
import { askForProgram } from '#src/requests/ask.ts';
import { endSession } from '#src/sessions/end.ts';
import { launch } from '#src/sessions/launch.ts';
import { createSite } from '#src/sites/sites.ts';
import { type City, codeOf } from '#src/testing.fixture.ts';
import { eraseLeavers, erasePerson, findPeople, listLeavers } from './erase/erase.ts';
import { exportPerson } from './hold.ts';
import { changePrivacySettings, keepAges, readAuditChain } from './keep.ts';
import { readUsage } from './usage/usage.ts';

export function privacyCases(newCity: () => Promise<City>): void {
  describe('privacy', () => {
    test('what is held is exported, without secrets; erased, nothing names them; the audit proves itself', async () => {
      const city = await newCity();
      const { platform, administrator, technician, site, time, applications } = city;
      const { database } = platform;
      const [id = ''] = await insertAccounts(
        database,
        [
          person('margaux.lenoir', {
            displayName: 'Margaux Lenoir',
            role: 'teacher',
            siteId: site.id,
            passwordHash: 'scrypt-very-secret',
            mail: 'margaux@ecole.example',
            attributes: { class: ['CM2 de Margaux Lenoir'] },
          }),
        ],
        time.at,
      );
      const margaux = { ...city.teacher, id, name: 'Margaux Lenoir' };
      await insertGroup(database, { kind: 'class', name: 'CM2', siteId: site.id }, [id]);
      await database
        .insertInto('totp_secrets')
        .values({ account_id: id, sealed: 'sealed-totp-secret', created_at: 1 })
        .execute();
      await database
        .insertInto('account_photos')
        .values({ account_id: id, jpeg: Buffer.from('a picture') })
        .execute();
      await database
        .insertInto('directories')
        .values({
          id: 'ville',
          state: 'good',
          differences: '{}',
          vanished_names: '["Margaux Lenoir","Zoé Petit"]',
        })
        .execute();
      await createRule(platform, technician, {
        ...plainRule,
        effect: 'allow',
        target: { kind: 'application', applicationId: applications.secret.id },
        audience: { kind: 'person', accountId: id },
        place: { kind: 'site', siteId: site.id },
      });
      await recordEffect(
        platform,
        database,
        { kind: 'nobody', id: null, name: '?' },
        { action: 'account.sign_in_refused', subjectName: 'margaux.lenoir' },
      );
      const { session } = await launch(platform, margaux, {
        application: 'secret',
        language: 'fr',
        address: '10.1.2.3',
      });
      await askForProgram(platform, margaux, {
        applicationId: null,
        name: 'Solfège',
        purpose: 'Pour Margaux',
        link: null,
        wantedBy: null,
        wish: 'me',
      });

      expect(
        (await findPeople(platform, administrator, 'LENOIR')).map(
          ({ login, sessions, liveSessions }) => [login, sessions, liveSessions],
        ),
      ).toEqual([['margaux.lenoir', 1, 1]]);
      // What others have done to the account is in it, without their names.
      await changeRole(platform, administrator, id, {
        role: 'teacher',
        siteId: site.id,
        siteIds: null,
      });
      await insertSignIn(database, {
        tokenHash: 'f'.repeat(64),
        accountId: id,
        now: time.at,
        expiresAt: time.at + 1000,
      });
      const file = (await exportPerson(platform, technician, id)).toString();
      const held = JSON.parse(file) as Record<string, unknown[]>;
      for (const part of ['sessions', 'sign_ins', 'requests', 'groups', 'rules', 'audit'])
        expect([part, held[part]?.length]).toEqual([part, expect.any(Number)]);
      for (const part of ['sessions', 'sign_ins', 'requests', 'groups', 'rules', 'audit'])
        expect(held[part]?.length).toBeGreaterThan(0);
      expect(file).toContain('margaux@ecole.example');
      expect(held['account_photos']).toEqual([
        { account_id: id, jpeg: Buffer.from('a picture').toString('base64') },
      ]);
      for (const secret of [
        'scrypt-very-secret',
        'sealed-totp-secret',
        'f'.repeat(64),
        technician.name,
        administrator.name,
        administrator.id,
      ])
        expect(file).not.toContain(`"${secret}"`);
      const told = held['audit'] as unknown as AuditEvent[];
      expect(
        told
          .filter(({ action }) => action === 'account.role_changed')
          .map(({ actorId, actorName }) => [actorId, actorName]),
      ).toEqual([[null, '…']]);
      // What they did themselves names them.
      expect(told.find(({ action }) => action === 'session.launched')?.actorName).toBe(
        'Margaux Lenoir',
      );
      // Taking it leaves a trace, of who it was.
      expect(
        await database
          .selectFrom('audit_events')
          .select(['actor_name', 'subject_id', 'site_id'])
          .where('action', '=', 'account.exported')
          .execute(),
      ).toEqual([{ actor_name: technician.name, subject_id: id, site_id: site.id }]);
      expect(city.woken).toContain('audit');

      expect(await codeOf(erasePerson(platform, administrator, id, 'margaux'))).toBe(
        'VALIDATION_FAILED',
      );
      expect(await codeOf(erasePerson(platform, administrator, id, 'margaux.lenoir'))).toBe(
        'STATE_FORBIDS',
      );
      expect(await codeOf(erasePerson(platform, administrator, administrator.id, 'admin'))).toBe(
        'STATE_FORBIDS',
      );
      await endSession(platform, technician, session.id);
      expect((await erasePerson(platform, administrator, id, ' Margaux.Lenoir ')).accounts).toBe(1);
      expect(await codeOf(erasePerson(platform, administrator, id, 'margaux.lenoir'))).toBe(
        'NOT_FOUND',
      );
      expect(await verifyChain(platform)).toMatchObject({ intact: true });
      // No table, whichever, knows them any more.
      for (const table of await database.introspection.getTables()) {
        const rows = JSON.stringify(
          await database
            .selectFrom(table.name as 'accounts')
            .selectAll()
            .execute(),
        );
        expect([table.name, /margaux|lenoir|10\.1\.2\.3/i.test(rows)]).toEqual([table.name, false]);
      }
      expect(
        await database
          .selectFrom('sessions')
          .select(['account_id', 'address'])
          .where('id', '=', session.id)
          .executeTakeFirst(),
      ).toEqual({ account_id: id, address: null });
      expect(
        await database
          .selectFrom('rule_versions')
          .select('rule_id')
          .where('body', 'like', `%${id}%`)
          .where('until', 'is', null)
          .execute(),
      ).toEqual([]);
      expect(await findPeople(platform, administrator, 'efface')).toEqual([]);
      expect(
        (await database.selectFrom('directories').select('vanished_names').executeTakeFirst())
          ?.vanished_names,
      ).toBe('["Zoé Petit"]');
      expect(await database.selectFrom('account_photos').selectAll().execute()).toEqual([]);
      await city.close();
    });

    test('whoever looks after one of two schools finds, exports and erases its people alone', async () => {
      const city = await newCity();
      const { platform, technician } = city;
      const elsewhere = await createSite(platform, technician, siteDraft());
      const [near, far, teacher] = [
        await city.account('pres', 'pupil'),
        await city.account('loin', 'pupil', elsewhere.id),
        await city.account('parti', 'teacher'),
      ];
      await platform.database
        .updateTable('accounts')
        .set({ disabled_at: 1 })
        .where('id', 'in', [near.id, far.id, teacher.id])
        .execute();
      const local = { ...technician, siteIds: [city.site.id] };
      const logins = (people: readonly { login: string }[]) => people.map(({ login }) => login);
      expect(logins(await findPeople(platform, local, 'pres'))).toEqual(['pres']);
      expect(await findPeople(platform, local, 'loin')).toEqual([]);
      expect(await codeOf(exportPerson(platform, local, far.id))).toBe('OUT_OF_SCOPE');
      expect(await codeOf(erasePerson(platform, local, far.id, 'loin'))).toBe('OUT_OF_SCOPE');
      // Teachers who have left are for a person to decide.
      expect(logins(await listLeavers(platform, local, null))).toEqual(['pres']);
      expect(logins(await listLeavers(platform, technician, null)).sort()).toEqual([
        'loin',
        'pres',
      ]);
      expect(logins(await listLeavers(platform, technician, elsewhere.id))).toEqual(['loin']);
      expect(await codeOf(listLeavers(platform, local, elsewhere.id))).toBe('OUT_OF_SCOPE');
      expect(await eraseLeavers(platform, local, [near.id, far.id, teacher.id])).toMatchObject({
        accounts: 1,
        kept: [
          { id: far.id, code: 'NOT_FOUND' },
          { id: teacher.id, code: 'NOT_FOUND' },
        ],
      });
      expect(logins(await findPeople(platform, technician, 'loin'))).toEqual(['loin']);
      await city.close();
    });

    test('a name that is written while it is erased neither stays uncounted nor breaks the audit', async () => {
      const city = await newCity();
      const { platform, administrator, pupil } = city;
      const write = () =>
        recordEffect(
          platform,
          platform.database,
          { kind: 'nobody', id: null, name: '?' },
          { action: 'account.sign_in_refused', subjectName: 'lea' },
        );
      const written: Promise<void>[] = [];
      // Each time events are linked, somebody types the name once more.
      const secrets = {
        ...platform.secrets,
        sign: (text: string) => {
          if (written.length < 5) written.push(write());
          return platform.secrets.sign(text);
        },
      };
      await erasePerson({ ...platform, secrets }, administrator, pupil.id, 'lea');
      await Promise.all(written);
      expect(written.length).toBeGreaterThan(2);
      expect(await verifyChain(platform)).toMatchObject({ intact: true, broken: null });
      await city.close();
    });

    test('school year end, ages and small groups', async () => {
      const city = await newCity();
      const { platform, administrator, site, time, pupil } = city;
      const { database } = platform;
      const class6 = await insertAccounts(
        database,
        Array.from({ length: 6 }, (_, index) =>
          person(`eleve${index}`, { displayName: `Élève Numéro${index}`, siteId: site.id }),
        ),
        time.at,
      );
      const use = async (accountId: string, application: string) => {
        const { session } = await launch(
          platform,
          { ...pupil, id: accountId, name: 'x' },
          { application, language: 'fr', address: null },
        );
        await endSession(platform, city.technician, session.id);
      };
      for (const id of class6) await use(id, 'tuxpaint');
      await use(pupil.id, 'tuxpaint');
      await database
        .insertInto('rule_versions')
        .values({
          rule_id: `rul_${'s'.repeat(22)}`,
          version: 1,
          body: JSON.stringify({
            ...plainRule,
            effect: 'allow',
            target: { kind: 'application', applicationId: city.applications.secret.id },
            audience: { kind: 'everyone' },
          }),
          since: 0,
          until: null,
          changed_by_name: 'x',
        })
        .execute();
      await database
        .updateTable('city')
        .set((e) => ({ updated_at: e('updated_at', '+', 1) }))
        .where('name', '=', 'policy')
        .execute();
      for (const id of class6.slice(0, 4)) await use(id, 'secret');
      const usage = async () =>
        (await readUsage(platform, administrator, { from: '2027-01', until: '2027-01' })).map(
          ({ applicationName, people, sessions }) => [applicationName.fr, people, sessions],
        );
      expect(await usage()).toEqual([
        ['secret', null, null],
        ['tuxpaint', 7, 7],
      ]);

      const busy = class6[3] ?? '';
      const { session } = await launch(
        platform,
        { ...pupil, id: busy, name: 'x' },
        { application: 'tuxpaint', language: 'fr', address: null },
      );

      // Left: only after the time that is set, only pupils, only on being told which.
      await database
        .updateTable('accounts')
        .set({ disabled_at: time.at })
        .where('id', 'in', class6.slice(0, 5))
        .execute();
      expect(await listLeavers(platform, administrator, null)).toEqual([]);
      await changePrivacySettings(platform, administrator, {
        auditDays: 365,
        sessionDays: 60,
        leftDays: 30,
        recordingDays: 30,
      });
      time.at += 31 * dayMs;
      const leavers = await listLeavers(platform, administrator, site.id);
      expect(leavers.map(({ login }) => login)).toEqual([
        'eleve0',
        'eleve1',
        'eleve2',
        'eleve3',
        'eleve4',
      ]);
      // Whoever has a program open is left alone, and listed.
      expect(await eraseLeavers(platform, administrator, [busy])).toEqual({
        accounts: 0,
        events: 0,
        kept: [{ id: busy, code: 'STATE_FORBIDS' }],
      });
      expect((await findPeople(platform, administrator, 'numéro3'))[0]?.login).toBe('eleve3');
      await endSession(platform, city.technician, session.id);
      const done = await eraseLeavers(platform, administrator, [...class6.slice(0, 4), pupil.id]);
      expect(done).toMatchObject({ accounts: 4, kept: [{ id: pupil.id, code: 'NOT_FOUND' }] });
      expect((await listLeavers(platform, administrator, null)).map(({ login }) => login)).toEqual([
        'eleve4',
      ]);
      expect(await verifyChain(platform)).toMatchObject({ intact: true });

      // Sessions of months that are over go; their figures stay, the small group's without numbers.
      time.at += 120 * dayMs;
      await keepAges(platform);
      await keepAges(platform);
      expect(await database.selectFrom('sessions').select('id').execute()).toEqual([]);
      expect(await usage()).toEqual([
        ['secret', null, null],
        ['tuxpaint', 7, 8],
      ]);
      expect(
        await database
          .selectFrom('usage_months')
          .select(['people', 'sessions'])
          .orderBy('people')
          .execute(),
      ).toEqual([
        { people: 0, sessions: 0 },
        { people: 7, sessions: 8 },
      ]);
      const state = await readAuditChain(platform);
      expect(state).toMatchObject({
        pending: expect.any(Number),
        removed: 0,
        retentionDays: 365,
        verified: { intact: true, broken: null },
      });
      time.at += 400 * dayMs;
      await chainEvents(platform);
      await keepAges(platform);
      const later = await readAuditChain(platform);
      expect(later.removed).toBeGreaterThanOrEqual(state.head?.seq ?? 0);
      expect(later.verified).toMatchObject({ intact: true, at: time.at });
      await city.close();
    });
  });
}
