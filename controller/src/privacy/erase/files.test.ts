/** What is left of an erased person in the files of the data folder: nothing. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { insertAccounts } from '#src/accounts/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import { person } from '#src/builders.fixture.ts';
import { newId } from '#src/platform/secrets.ts';
import { askForProgram } from '#src/requests/ask.ts';
import { endSession } from '#src/sessions/end.ts';
import { insertTransfer, newTransferId } from '#src/sessions/exchange/store.ts';
import { launch } from '#src/sessions/launch.ts';
import { recordingPath } from '#src/sessions/recordings/recordings.ts';
import { insertRecording } from '#src/sessions/recordings/store.ts';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { keepAges } from '../keep.ts';
import { saveNamed, selectCompactionDue } from '../store.ts';
import { eraseLeavers, erasePerson } from './erase.ts';

let folder: string;
let city: City;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preau-erased-'));
  city = await makeCity(join(folder, 'preau.sqlite'), { PREAU_DATA: folder });
});
afterEach(async () => {
  await city.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Files of the data folder in which one of these words occurs, in any encoding that is used. */
function filesWith(...words: string[]): string[] {
  const wanted = words.flatMap((word) => [
    Buffer.from(word),
    Buffer.from(word, 'utf16le'),
    Buffer.from(Buffer.from(word).toString('base64').replace(/=+$/, '').slice(0, -1)),
  ]);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const content = readFileSync(path);
      return path.includes(words[0] ?? '') || wanted.some((word) => content.includes(word));
    })
    .map((path) => path.slice(folder.length + 1));
}

/** Margaux has used everything that leaves something somewhere. */
async function margaux(): Promise<string> {
  const { platform, site, time } = city;
  const [id = ''] = await insertAccounts(
    platform.database,
    [
      person('margaux.lenoir', {
        displayName: 'Margaux Lenoir',
        siteId: site.id,
        mail: 'margaux.lenoir@ecole.example',
        attributes: { class: ['CM2 de Margaux Lenoir'] },
      }),
    ],
    time.at,
  );
  const actor = { ...city.teacher, id, name: 'Margaux Lenoir' };
  const { session } = await launch(platform, actor, {
    application: 'tuxpaint',
    language: 'fr',
    address: '10.1.2.3',
  });
  await askForProgram(platform, actor, {
    applicationId: null,
    name: 'Solfège',
    purpose: 'Pour Margaux Lenoir',
    link: null,
    wantedBy: null,
    wish: 'me',
  });
  await platform.database
    .updateTable('sessions')
    .set({
      offered: JSON.stringify([
        { kind: 'file', name: 'Margaux Lenoir.odt', bytes: 1, changedAt: 1 },
      ]),
    })
    .where('id', '=', session.id)
    .execute();
  const transfer = newTransferId();
  await insertTransfer(
    platform.database,
    {
      id: transfer,
      sessionId: session.id,
      accountId: id,
      serverId: city.agent.actor.id,
      direction: 'in',
      kind: 'file',
      name: 'Margaux Lenoir.odt',
      bytes: 14,
      sha256: 'a'.repeat(64),
      state: 'here',
    },
    time.at,
  );
  const recording = newId('rec');
  await insertRecording(platform.database, {
    id: recording,
    sessionId: session.id,
    accountId: id,
    siteId: site.id,
    applicationId: session.applicationId,
    startedAt: time.at,
  });
  for (const name of ['recordings', 'transfers']) mkdirSync(join(folder, name));
  writeFileSync(recordingPath(platform, recording), '4.name,14.Margaux Lenoir;');
  writeFileSync(join(folder, 'transfers', transfer), 'Margaux Lenoir');
  await endSession(platform, city.technician, session.id);
  // Before and after other rows, so that pages are split and merged around theirs.
  for (let group = 0; group < 4; group += 1)
    await insertAccounts(
      platform.database,
      Array.from({ length: 500 }, (_, at) => person(`eleve${group}.${at}`, { siteId: site.id })),
      time.at,
    );
  for (let at = 0; at < 400; at += 1)
    await recordEffect(platform, platform.database, actor, {
      action: 'session.ended',
      subjectId: id,
      subjectName: 'Margaux Lenoir',
    });
  return id;
}

describe('an erased person', () => {
  test('is in no file of the data folder: database, log of changes, recordings, transfers', async () => {
    const id = await margaux();
    expect(filesWith('Margaux').map((path) => path.replace(/\/.*/, ''))).toEqual(
      expect.arrayContaining(['preau.sqlite-wal', 'recordings', 'transfers']),
    );
    await erasePerson(city.platform, city.administrator, id, 'margaux.lenoir');
    expect(filesWith('Margaux', 'margaux', 'Lenoir', 'lenoir', '10.1.2.3')).toEqual([]);
    expect(await selectCompactionDue(city.platform.database)).toBe(false);
  });

  test('a thousand who left: nor are they, and others write meanwhile', async () => {
    const { platform, site, time } = city;
    const ids = await insertAccounts(
      platform.database,
      Array.from({ length: 1000 }, (_, at) =>
        person(`lenoir.${at}`, { displayName: `Lenoir Numéro${at}`, siteId: site.id }),
      ),
      time.at,
    );
    await platform.database
      .updateTable('accounts')
      .set({ disabled_at: time.at })
      .where('id', 'in', ids)
      .execute();
    time.at += 100 * 86_400_000;
    let written = 0;
    const erasing = eraseLeavers(platform, city.administrator, ids);
    const others = (async () => {
      let isOver = false;
      void erasing.finally(() => {
        isOver = true;
      });
      while (!isOver) {
        await recordEffect(platform, platform.database, city.technician, {
          action: 'session.ended',
          subjectName: 'x',
        });
        written += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    expect((await erasing).accounts).toBe(1000);
    await others;
    expect(written).toBeGreaterThan(5);
    expect(filesWith('Lenoir', 'lenoir')).toEqual([]);
  }, 60_000);

  test('what the database file kept from before is removed by the daily run', async () => {
    const { platform } = city;
    // As the migration writes in a city that has people already.
    await saveNamed(platform.database, 'compaction', { due: true }, 0);
    expect(await selectCompactionDue(platform.database)).toBe(true);
    await keepAges(platform);
    expect(await selectCompactionDue(platform.database)).toBe(false);
  });
});
