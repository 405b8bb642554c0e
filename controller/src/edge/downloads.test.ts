/** A file that is deleted between the reading of its size and the sending of its bytes. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { launch } from '#src/sessions/launch.ts';
import { listRecordings, startRecording } from '#src/sessions/recordings/recordings.ts';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { openEdge, signedIn } from './edge.fixture.ts';

let city: City;
beforeEach(async () => {
  city = await makeCity();
});
afterEach(() => city.close());

test('a recording that is deleted in the middle of a call is gone, and the call says so', async () => {
  const app = await openEdge(city.platform);
  const { session } = await launch(city.platform, city.pupil, {
    application: 'tuxpaint',
    language: 'fr',
  });
  const recorder = await startRecording(
    city.platform,
    city.pupil,
    session.id,
    Buffer.from('4.size,1.0,3.800,3.600;'),
  );
  city.woken.length = 0;
  recorder.end();
  await expect.poll(() => city.woken).toContain('recordings');
  const [recording] = (await listRecordings(city.platform, city.technician, { limit: 1 })).items;
  const { id } = recording as { id: string };
  const watch = async () =>
    app.inject({
      url: `/api/recordings/${id}/content`,
      headers: { cookie: `preau_sign_in=${await signedIn(city, city.technician.id)}` },
    });
  expect(await watch()).toMatchObject({ statusCode: 200, payload: '4.size,1.0,3.800,3.600;' });

  // Pages are told that somebody watches after the size was read, and before the file is opened.
  city.platform.wakeups.listen((topics) => {
    if (topics.includes('audit')) rmSync(join(city.platform.config.PREAU_DATA, 'recordings', id));
  });
  const reply = await watch();
  expect(reply.statusCode).toBe(410);
  expect(reply.json()).toMatchObject({ code: 'FILE_GONE' });
  expect(reply.headers['content-type']).toMatch(/^application\/json/);
  expect(reply.headers['content-disposition']).toBeUndefined();
  await app.close();
});
