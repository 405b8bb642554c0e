/** The audit's chain, for every database. */
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { type Database, isSqlite } from '#src/platform/database.ts';
import { newSalt } from '#src/platform/secrets.ts';
import type { City } from '#src/testing.fixture.ts';
import { chainEvents, verifyChain } from './chain.ts';
import { erasingOf, passOver, removeOldEvents } from './erase.ts';
import { recordEffect } from './record.ts';
import { selectChain } from './store.ts';

const lift = async (database: Database) => {
  for (const trigger of ['audit_events_stay', 'audit_events_remain'])
    await sql
      .raw(
        isSqlite(database) ? `drop trigger ${trigger}` : `drop trigger ${trigger} on audit_events`,
      )
      .execute(database);
};

export function chainCases(newCity: () => Promise<City>): void {
  describe('audit chain', () => {
    // Events are linked 200 at a time, and verified 500 at a time.
    test.each([1, 200, 201, 400, 1001])(
      'after %i events none is left out, neither when linked nor when verified',
      async (count) => {
        const city = await newCity();
        const { platform, technician } = city;
        await chainEvents(platform);
        const { head } = await selectChain(platform.database);
        await platform.database.transaction().execute(async (rows) => {
          for (let index = 0; index < count; index += 1)
            await recordEffect(platform, rows, technician, {
              action: 'brake.set',
              subjectName: String(index),
            });
        });
        expect(await chainEvents(platform)).toBe(count);
        expect(await chainEvents(platform)).toBe(0);
        const unlinked = await platform.database
          .selectFrom('audit_events')
          .select('id')
          .where('seq', 'is', null)
          .execute();
        expect(unlinked).toEqual([]);
        const verdict = await verifyChain(platform);
        expect(verdict).toMatchObject({
          intact: true,
          events: head.seq + count,
          head: { seq: head.seq + count },
        });
        // The last one that was linked is looked at too.
        await lift(platform.database);
        await platform.database
          .updateTable('audit_events')
          .set({ subject_name: 'changed' })
          .where('seq', '=', head.seq + count)
          .execute();
        expect(await verifyChain(platform)).toMatchObject({
          intact: false,
          broken: { seq: head.seq + count },
        });
        await city.close();
      },
    );

    test(
      'events of several writers are linked without gap; the database keeps them; age and ' +
        'erasure leave the chain whole',
      async () => {
        const city = await newCity();
        const { platform, pupil, teacher, technician, time } = city;
        const { database } = platform;
        const write = (index: number) =>
          database.transaction().execute((rows) =>
            recordEffect(platform, rows, index % 2 === 0 ? teacher : pupil, {
              action: 'session.launched',
              subjectId: `ses_${'x'.repeat(22)}`,
              subjectName: 'GIMP',
              siteId: city.site.id,
              details: { index },
            }),
          );
        // Writing and linking at once, from several sides.
        await Promise.all([
          ...Array.from({ length: 40 }, (_, index) => write(index)),
          chainEvents(platform),
          chainEvents(platform),
          chainEvents(platform),
        ]);
        const verdict = await verifyChain(platform);
        expect(verdict).toMatchObject({ intact: true, broken: null, erased: 0 });
        expect(verdict.head.seq).toBe(verdict.events);
        expect(verdict.events).toBeGreaterThan(40);

        await expect(
          database
            .updateTable('audit_events')
            .set({ actor_name: 'x' })
            .where('seq', '=', 3)
            .execute(),
        ).rejects.toThrow(/never changed/);
        await expect(
          database.deleteFrom('audit_events').where('seq', '=', 3).execute(),
        ).rejects.toThrow(/never deleted/);
        await expect(
          database.updateTable('audit_events').set({ seq: 900 }).where('seq', '=', 3).execute(),
        ).rejects.toThrow(/never changed/);
        await write(41);
        await expect(
          database
            .updateTable('audit_events')
            .set({ details: '{}' })
            .where('seq', 'is', null)
            .execute(),
        ).rejects.toThrow(/never changed/);
        await expect(
          database.deleteFrom('audit_events').where('seq', 'is', null).execute(),
        ).rejects.toThrow(/never deleted/);
        // What is open for an erasure is not open for anything else.
        await expect(
          database.transaction().execute(async (rows) => {
            await rows.updateTable('audit_chain').set({ open: 'erasure' }).execute();
            await rows
              .updateTable('audit_events')
              .set({ action: 'session.ended' })
              .where('seq', '=', 3)
              .execute();
          }),
        ).rejects.toThrow(/never changed/);

        // A name goes, from its own events and from others' details, and cannot be found again by
        // trying.
        await recordEffect(platform, database, technician, {
          action: 'rule.created',
          subjectName: 'GIMP',
          details: { audience: pupil.name, place: 'everywhere' },
        });
        await recordEffect(
          platform,
          database,
          { kind: 'nobody', id: null, name: '?' },
          { action: 'account.sign_in_refused', subjectName: 'lea' },
        );
        await chainEvents(platform);
        const erasing = erasingOf([{ id: pupil.id, names: ['lea'] }]);
        expect(await passOver(platform, erasing, {}, 'count')).toMatchObject({
          events: 23,
          unnamed: 2,
        });
        expect(await verifyChain(platform)).toMatchObject({ intact: true, erased: 0 });
        await recordEffect(platform, database, technician, {
          action: 'account.erased',
          subjectId: pupil.id,
          subjectName: 'Personne effacée',
          details: { unnamed: 2 },
        });
        await chainEvents(platform);
        expect(await passOver(platform, erasing, {}, 'erase')).toMatchObject({
          events: 23,
          unnamed: 2,
        });
        expect(await passOver(platform, erasing, {}, 'erase')).toMatchObject({
          events: 0,
          unnamed: 0,
        });
        const after = await verifyChain(platform, verdict.head);
        expect(after).toMatchObject({ intact: true, erased: 23 });
        const kept = await database
          .selectFrom('audit_events')
          .select(['actor_name', 'subject_name', 'details', 'salts', 'actor_id'])
          .where('actor_id', '=', pupil.id)
          .execute();
        expect(
          kept.every(
            (row) => row.actor_name === 'Personne effacée' && row.salts?.startsWith('.') === true,
          ),
        ).toBe(true);
        expect(
          await database
            .selectFrom('audit_events')
            .select('id')
            .where((w) =>
              w.or([
                w('actor_name', '=', 'lea'),
                w('subject_name', '=', 'lea'),
                w('details', 'like', '%"lea"%'),
              ]),
            )
            .execute(),
        ).toEqual([]);

        // Age: from the front only, and signed.
        time.at += 400 * 86_400_000;
        await write(50);
        await chainEvents(platform);
        expect(
          await removeOldEvents(
            platform,
            { kind: 'job', id: 'sweep', name: 'sweep' },
            time.at - 365 * 86_400_000,
          ),
        ).toBe(after.head.seq);
        expect(
          await removeOldEvents(
            platform,
            { kind: 'job', id: 'sweep', name: 'sweep' },
            time.at - 365 * 86_400_000,
          ),
        ).toBe(0);
        const young = await verifyChain(platform);
        expect(young).toMatchObject({
          intact: true,
          events: 2,
          start: { seq: after.head.seq, hash: after.head.hash },
        });

        // Who owns the database can do anything, and is found out.
        await lift(database);
        const chain = await selectChain(database);
        const broken = async (
          problem: string,
          harm: () => Promise<unknown>,
          undo: () => Promise<unknown>,
        ) => {
          await harm();
          expect((await verifyChain(platform)).broken?.problem).toBe(problem);
          await undo();
          expect((await verifyChain(platform)).intact).toBe(true);
        };
        const second = await database
          .selectFrom('audit_events')
          .selectAll()
          .where('seq', '=', young.head.seq - 1)
          .executeTakeFirstOrThrow();
        const last = await database
          .selectFrom('audit_events')
          .selectAll()
          .where('seq', '=', young.head.seq)
          .executeTakeFirstOrThrow();
        const set = (change: Partial<typeof last>) => () =>
          database.updateTable('audit_events').set(change).where('id', '=', last.id).execute();
        await broken('changed', set({ at: last.at - 1 }), set({ at: last.at }));
        await broken('changed', set({ actor_id: 'acc_x' }), set({ actor_id: last.actor_id }));
        await broken(
          'name_changed',
          set({ subject_name: 'autre' }),
          set({ subject_name: last.subject_name }),
        );
        await broken(
          'details_changed',
          set({ details: '{"events":1}' }),
          set({ details: last.details }),
        );
        await broken(
          'erased',
          set({
            subject_name: 'Personne effacée',
            salts: `${last.salts?.split('.')[0]}..${last.salts?.split('.')[2]}`,
          }),
          set({ subject_name: last.subject_name, salts: last.salts }),
        );
        await broken(
          'cut',
          () => database.deleteFrom('audit_events').where('id', '=', last.id).execute(),
          () => database.insertInto('audit_events').values(last).execute(),
        );
        await broken(
          'missing',
          () =>
            database
              .deleteFrom('audit_events')
              .where('seq', '=', young.head.seq - 1)
              .execute()
              .then(() => undefined),
          async () => {
            await database.insertInto('audit_events').values(second).execute();
          },
        );
        await broken(
          'forged',
          () =>
            database
              .updateTable('audit_chain')
              .set({ seq: chain.head.seq - 1 })
              .execute(),
          () => database.updateTable('audit_chain').set({ seq: chain.head.seq }).execute(),
        );
        await broken(
          'forged',
          () => database.updateTable('audit_chain').set({ removed_seq: 1 }).execute(),
          () =>
            database.updateTable('audit_chain').set({ removed_seq: chain.removed.seq }).execute(),
        );
        await broken(
          'other_chain',
          () =>
            database
              .insertInto('audit_events')
              .values({
                ...last,
                id: newSalt().slice(0, 18),
                seq: last.seq === null ? null : last.seq + 1,
              })
              .execute(),
          () => database.deleteFrom('audit_events').where('seq', '>', young.head.seq).execute(),
        );
        // An old head, rightly signed, with everything after it gone: found by whoever noted a later
        // one.
        expect(
          await verifyChain(platform, { seq: chain.head.seq + 5, hash: 'a'.repeat(64) }),
        ).toMatchObject({ intact: false, broken: { problem: 'cut' } });
        expect(
          await verifyChain(platform, { seq: chain.head.seq, hash: 'a'.repeat(64) }),
        ).toMatchObject({ intact: false, broken: { problem: 'other_chain' } });
        await city.close();
      },
    );
  });
}
