import { afterEach, beforeEach, expect, test } from 'vitest';
import { type City, makeCity } from '#src/testing.fixture.ts';
import type { ProviderPerson } from '../admission/vouch.ts';
import { described, mapping } from '../person.fixture.ts';
import type { PasswordProvider } from '../provider.ts';
import { synchroniseDue } from './synchronise.ts';

let city: City;
let everybody: () => Promise<ProviderPerson[]>;

const provider: PasswordProvider = {
  id: 'ad',
  kind: 'ldap',
  name: { fr: 'AD', en: 'AD' },
  address: '',
  domains: [],
  networks: [],
  mapping,
  check: async () => undefined,
  ask: async () => ({ kind: 'unknown' }),
  syncEveryMs: 3_600_000,
  everybody: () => everybody(),
};
const people = Array.from({ length: 5 }, (_, at) => {
  const { values } = described();
  return described({ externalId: `e${at}`, values: { ...values, uid: [`eleve.${at}`] } });
});

/** What is recorded and who is woken by the next synchronisation. */
async function next(): Promise<{ actions: string[]; woken: string[] }> {
  city.time.at += 7_200_000;
  const before = await city.platform.database.selectFrom('audit_events').select('id').execute();
  city.woken.length = 0;
  await synchroniseDue({ ...city.platform, identity: { providers: [provider] } });
  const known = new Set(before.map(({ id }) => id));
  const now = await city.platform.database
    .selectFrom('audit_events')
    .select(['id', 'action'])
    .execute();
  return {
    actions: now.filter(({ id }) => !known.has(id)).map(({ action }) => action),
    woken: [...new Set(city.woken)].filter((topic) => !topic.startsWith('person:')).sort(),
  };
}

beforeEach(async () => {
  city = await makeCity();
  everybody = async () => people;
});
afterEach(() => city.close());

test('an outage is recorded once, and who looks at the audit trail sees it at once', async () => {
  await next();
  everybody = () => Promise.reject(new Error('the directory does not answer'));
  expect(await next()).toEqual({
    actions: ['directory.sync_failed'],
    woken: ['audit', 'directories'],
  });
  expect((await next()).actions).toEqual([]);
});

test('so is a brake', async () => {
  await next();
  everybody = async () => [];
  expect(await next()).toEqual({ actions: ['directory.braked'], woken: ['audit', 'directories'] });
  expect((await next()).actions).toEqual([]);
});
