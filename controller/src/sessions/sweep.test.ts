/** A row that cannot be written holds up nothing else. On SQLite, where a trigger plays the row. */
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { insertSignIn } from '#src/accounts/sign-ins/store.ts';
import { makeCity } from '#src/testing.fixture.ts';
import { launch } from './launch.ts';
import { selectSession } from './store.ts';
import { sweep } from './sweep.ts';

test('a session that cannot be ended keeps neither the others nor the sign-ins', async () => {
  const city = await makeCity();
  const { platform, pupil, teacher } = city;
  const begin = async (actor: typeof pupil) =>
    (await launch(platform, actor, { application: 'tuxpaint', language: 'fr' })).session.id;
  const [bad, good] = [await begin(pupil), await begin(teacher)];
  await insertSignIn(platform.database, {
    tokenHash: 'h',
    accountId: pupil.id,
    now: city.time.at,
    expiresAt: city.time.at + 1000,
  });
  await sql`create trigger bad_row before update of state on sessions
    when old.id = ${sql.lit(bad)} begin select raise(abort, 'bad row'); end`.execute(
    platform.database,
  );
  city.time.at += 60_001;
  for (const _again of [1, 2]) {
    await expect(sweep(platform)).rejects.toThrow(/bad row/);
    expect(await selectSession(platform.database, bad)).toMatchObject({ state: 'starting' });
    expect(await selectSession(platform.database, good)).toMatchObject({ state: 'failed' });
    expect(await platform.database.selectFrom('sign_ins').selectAll().execute()).toEqual([]);
  }
  await city.close();
});
