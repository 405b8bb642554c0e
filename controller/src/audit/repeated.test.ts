import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Actor } from '#src/platform/actor.ts';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { recordRepeated, recordWhatIsCounted } from './repeated.ts';

let city: City;
beforeEach(async () => {
  city = await makeCity();
  vi.useFakeTimers();
});
afterEach(async () => {
  vi.useRealTimers();
  await city.close();
});

const refused = (subject: string, code = 'SERVER_FULL', actor: Actor = city.pupil) =>
  recordRepeated(city.platform, actor, {
    action: 'session.refused',
    subjectId: subject,
    subjectName: subject,
    details: { code },
  });
const lines = async () =>
  (
    await city.platform.database
      .selectFrom('audit_events')
      .select(['subject_name', 'details'])
      .where('action', '=', 'session.refused')
      .orderBy('id')
      .execute()
  ).map((row) => `${row.subject_name} ${row.details}`);

test('323 equal refusals a second for a minute are two lines, and the second says how many', async () => {
  for (let count = 0; count < 323 * 60; count += 1) await refused('a');
  expect(await lines()).toEqual(['a {"code":"SERVER_FULL"}']);
  await vi.advanceTimersByTimeAsync(60_000);
  vi.useRealTimers();
  await vi.waitFor(async () => expect(await lines()).toHaveLength(2));
  expect((await lines())[1]).toBe(`a {"code":"SERVER_FULL","again":${323 * 60 - 1}}`);
});

test('another program, another reason: a line of its own; a refusal after a quiet minute too', async () => {
  await refused('a');
  await refused('b');
  await refused('a', 'OUTSIDE_HOURS');
  expect(await lines()).toHaveLength(3);
  // Another person is not folded into the line of the first.
  await refused('c');
  await refused('c', 'SERVER_FULL', city.teacher);
  expect(await lines()).toHaveLength(5);
  await vi.advanceTimersByTimeAsync(61_000);
  await refused('a');
  expect(await lines()).toHaveLength(6);
});

test('what is counted is recorded before the database is closed', async () => {
  await refused('a');
  await refused('a');
  await refused('a');
  await recordWhatIsCounted(city.platform.database);
  expect(await lines()).toEqual(['a {"code":"SERVER_FULL"}', 'a {"code":"SERVER_FULL","again":2}']);
});
