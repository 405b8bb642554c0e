/** Ten programs of the starter catalogue on a server that boots, opened as a teacher does: those
 * that once opened white, below the edge, in English, or behind a wizard. All of them:
 * `npm run catalogue -- --check`. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Launcher, openLauncher } from '../../dev/catalogue/launch.ts';
import { openSchoolServer, type SchoolServer } from '../../dev/machines/school-server.ts';

const ten = [
  'galculator',
  'gimp',
  'kbruch',
  'kgeography',
  'khangman',
  'kig',
  'klettres',
  'kturtle',
  'lybniz',
  'thonny',
] as const;
let school: SchoolServer;
let launcher: Launcher;

beforeAll(async () => {
  school = await openSchoolServer('bookworm');
  for (const slug of ten) await school.want(slug, true);
  for (const slug of ten) await school.install(slug, 900_000);
  launcher = await openLauncher(school);
}, 1_200_000);

afterAll(async () => {
  await launcher?.close();
  await school?.close();
}, 60_000);

test.each(ten)(
  '%s opens in time, alone, inside the screen, in French',
  async (slug) => {
    const { faults } = await launcher.launch(slug);
    expect(faults).toEqual([]);
  },
  90_000,
);

test('what a person has set is as it was at the next start', async () => {
  const { machine } = school;
  const [path = '', ...more] = (
    await machine.must('ls /var/lib/preau-agent/homes/*/.config/klettresrc')
  )
    .trim()
    .split('\n');
  expect(more).toEqual([]);
  expect(await machine.must(`cat ${path}`)).toContain('Language=fr');
  await machine.must(`sed -i s/^Language=.*/Language=es/ ${path}`);
  await launcher.launch('klettres');
  expect(await machine.must(`cat ${path}`)).toContain('Language=es');
}, 90_000);
