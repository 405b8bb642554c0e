/** Each kind of data has its own retention: what cannot be deleted keeps no other kind. On SQLite,
 * where a trigger plays the row. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { endSession } from '#src/sessions/end.ts';
import { launch } from '#src/sessions/launch.ts';
import { recordingPath } from '#src/sessions/recordings/recordings.ts';
import { makeCity } from '#src/testing.fixture.ts';
import { keepAges } from './keep.ts';

test('old sessions that cannot be deleted keep no recording', async () => {
  const city = await makeCity();
  const { platform, pupil, time } = city;
  const { session } = await launch(platform, pupil, { application: 'tuxpaint', language: 'fr' });
  await endSession(platform, pupil, session.id);
  await sql`create trigger bad_row before delete on sessions
    begin select raise(abort, 'bad row'); end`.execute(platform.database);
  const stray = recordingPath(platform, 'rec_stray');
  mkdirSync(dirname(stray), { recursive: true });
  writeFileSync(stray, 'x');
  time.at += 800 * 86_400_000;
  await expect(keepAges(platform)).rejects.toThrow(/bad row/);
  expect(existsSync(stray)).toBe(false);
  await city.close();
});
