/** The pure parts of identity, and second factors in a small city. */
import { readFileSync } from 'node:fs';
import { AppError } from '@preau/contract/errors.ts';
import { generateSync } from 'otplib';
import { parse as parseToml } from 'smol-toml';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSlowDown } from '#src/accounts/sign-ins/sign-in.ts';
import { type City, codeOf, makeCity } from '#src/testing.ts';
import { admit, freeLogin } from './admission/admit.ts';
import type { KnownPerson } from './admission/store.ts';
import { lineOf, loginOf, type ProviderPerson, vouch } from './admission/vouch.ts';
import { choose, inOrder } from './choose.ts';
import { stateOf } from './directories/entry-state.ts';
import { above } from './directories/groups.ts';
import { planSync } from './directories/plan-sync.ts';
import { changeRole, listPeople } from './people/people.ts';
import type { PasswordAnswer, PasswordProvider } from './provider.ts';
import { flatten } from './redirects/redirect-providers.ts';
import { ownPage } from './redirects/redirects.ts';
import { mySecurity } from './second-factor/own.ts';
import { answerPasskey, askPasskey, offerPasskey } from './second-factor/passkeys.ts';
import { giveSecondFactor, resetSecondFactor } from './second-factor/second-factor.ts';
import { confirmTotp, offerTotp, removeTotp } from './second-factor/totp.ts';
import { IdentityFaults, parseIdentity } from './settings.ts';
import type { Mapping } from './settings-schema.ts';
import { createIdentity, signIn } from './sign-in.ts';

const mapping: Mapping = {
  id: 'ad',
  default_role: 'pupil',
  login: 'uid',
  site: { attribute: 'office', pattern: '([0-9]{7}[A-Z])' },
  class: { attribute: 'dept' },
  attributes: { level: 'lvl' },
  role: [
    { role: 'technician', group: 'CN=Tech,DC=x' },
    { role: 'teacher', attribute: 'type', value: 'ENS' },
  ],
  group: [{ group: 'cn=Chorale, dc=x' }],
};
const described = (more: Partial<ProviderPerson> = {}): ProviderPerson => ({
  externalId: 'e1',
  values: {
    uid: ['Élodie.Noël'],
    displayname: ['Élodie Noël'],
    office: ['École 0380001A'],
    dept: ['CM2 A'],
    lvl: ['CM2'],
    mail: ['e@x.fr'],
  },
  groups: [],
  photo: null,
  barred: false,
  ...more,
});

describe('what is made of what a provider says', () => {
  test('a person: login, school, class, attribute', () => {
    expect(vouch(mapping, described())).toMatchObject({
      login: 'elodie.noel',
      displayName: 'Élodie Noël',
      role: 'pupil',
      uai: '0380001A',
      mail: 'e@x.fr',
      groups: [{ externalId: 'class:0380001A:cm2 a', kind: 'class', name: 'CM2 A' }],
      attributes: { level: ['CM2'] },
    });
  });
  test('roles and groups come from the configuration only, whatever is claimed', () => {
    const lies = {
      ...described().values,
      role: ['administrator'],
      admin: ['true'],
      roles: ['administrator'],
      memberof: ['CN=Tech,DC=x'],
      groups: ['CN=Tech,DC=x', 'administrators'],
    };
    expect(vouch(mapping, described({ values: lies }))).toMatchObject({
      role: 'pupil',
      groups: [{ kind: 'class' }],
    });
    expect(
      vouch(
        mapping,
        described({
          groups: [
            { id: 'CN=Administrator,DC=x', name: 'administrator' },
            { id: 'CN=Tech2,DC=x', name: 'Tech2' },
          ],
        }),
      ),
    ).toMatchObject({ role: 'pupil' });
    expect(
      vouch(
        mapping,
        described({
          groups: [
            { id: 'cn=tech, dc=X', name: 'Tech' },
            { id: 'CN=Chorale,DC=x', name: 'Chorale' },
          ],
        }),
      ),
    ).toMatchObject({
      role: 'technician',
      groups: [{ kind: 'class' }, { kind: 'group', name: 'Chorale' }],
    });
    expect(
      vouch(mapping, described({ values: { ...described().values, type: ['ens'] } })),
    ).toMatchObject({
      role: 'teacher',
    });
  });
  test('nobody without an id, a login or a role', () => {
    const { default_role: _none, ...strict } = mapping;
    expect([
      vouch(mapping, described({ externalId: ' ' })),
      vouch(mapping, described({ values: { uid: ['@@'] } })),
      vouch(strict, described()),
    ]).toEqual(['no_id', 'no_login', 'no_role']);
  });
  test('a school that is none, and a class without a school, are none; names are safe to keep', () => {
    expect(
      vouch(mapping, described({ values: { ...described().values, office: ['Mairie'] } })),
    ).toMatchObject({ uai: null, groups: [] });
    expect(
      vouch(
        mapping,
        described({ values: { ...described().values, displayname: ['Li\u202eam\u0000 ../../x'] } }),
      ),
    ).toMatchObject({ displayName: 'Li am    x' });
    expect(
      vouch(
        mapping,
        described({ values: { ...described().values, mail: ['a@b.fr>\r\nBcc: x@y.z'] } }),
      ),
    ).toMatchObject({ mail: null });
    expect(vouch(mapping, described({ photo: Buffer.from('<svg onload=x>') }))).toMatchObject({
      photo: null,
    });
    expect(
      vouch(
        mapping,
        described({ photo: Buffer.concat([Buffer.from('ffd8ff', 'hex'), Buffer.alloc(300_000)]) }),
      ),
    ).toMatchObject({ photo: null });
    expect([
      lineOf('  a\tb ', 10),
      lineOf('\u0000', 10),
      loginOf("Jean-Éric d'Ô@x"),
      loginOf('x'),
      loginOf('..'),
      loginOf('日本'),
    ]).toEqual(['a b', null, 'jean-eric.do', null, null, null]);
  });
  test('claims inside claims, by their path', () => {
    expect(
      flatten({
        sub: 'a',
        roles: ['x', 'y'],
        realm_access: { roles: ['z'] },
        n: 3,
        deep: { a: { b: true } },
        none: null,
      }),
    ).toEqual({
      sub: ['a'],
      roles: ['x', 'y'],
      'realm_access.roles': ['z'],
      n: ['3'],
      'deep.a.b': ['true'],
    });
  });
});

describe('the state of an entry', () => {
  const now = Date.UTC(2026, 8, 1);
  const filetime = (ms: number) => String((ms + 11_644_473_600_000) * 10_000);
  test.each([
    [{ useraccountcontrol: ['512'] }, null],
    [{ useraccountcontrol: ['514'] }, 'ACCOUNT_DISABLED'],
    [{ accountexpires: ['0'] }, null],
    [{ accountexpires: ['9223372036854775807'] }, null],
    [{ accountexpires: [filetime(now - 1000)] }, 'ACCOUNT_EXPIRED'],
    [{ accountexpires: [filetime(now + 60_000)] }, null],
    [{ shadowexpire: ['-1'] }, null],
    [{ shadowexpire: ['100'] }, 'ACCOUNT_EXPIRED'],
    [{ shadowlastchange: ['0'] }, 'PASSWORD_MUST_CHANGE'],
    [{ shadowlastchange: ['20000'], shadowmax: ['90'] }, 'PASSWORD_EXPIRED'],
    [{ shadowlastchange: ['20000'], shadowmax: ['99999'] }, null],
    [{ pwdreset: ['TRUE'] }, 'PASSWORD_MUST_CHANGE'],
    [{ pwdaccountlockedtime: ['000001010000Z'] }, 'ACCOUNT_DISABLED'],
    [{}, null],
  ] as const)('%j is %s', (values, state) => {
    expect(stateOf({ ...values } as unknown as Record<string, string[]>, now)).toBe(state);
  });
  test('groups above groups, each once, in circles too', async () => {
    const parents: Record<string, string[]> = { a: ['B', 'c'], b: ['c'], c: ['A', 'd'], d: [] };
    expect(await above(['a'], async (dn) => parents[dn.toLowerCase()] ?? [])).toEqual([
      'a',
      'B',
      'c',
      'd',
    ]);
  });
});

const provider = (id: string, more: Partial<PasswordProvider> = {}): PasswordProvider => ({
  id,
  kind: 'ldap',
  name: { fr: id, en: id },
  address: '',
  domains: [],
  networks: [],
  mapping: { ...mapping, id },
  check: async () => undefined,
  ask: async () => ({ kind: 'unknown' }),
  syncEveryMs: null,
  everybody: async () => [],
  ...more,
});

test('who is asked: by the name’s domain, by the caller’s network, in the order of the file', () => {
  const providers = [
    provider('a'),
    provider('b', { domains: ['b.fr'], networks: ['10.2.0.0/16'] }),
    { ...provider('c', { domains: ['c.fr'] }), kind: 'cas' } as never,
    provider('d', { networks: ['10.4.0.0/16'] }),
  ];
  const asked = (login: string, address = '10.9.9.9', by?: string) => {
    const { local, ask, elsewhere } = choose(providers, { login, provider: by, address });
    return [local, ask.map((one) => `${one.provider.id}:${one.login}`).join(' '), elsewhere];
  };
  expect(asked('x')).toEqual([true, 'a:x b:x d:x', null]);
  expect(asked('x', '10.4.1.1')).toEqual([true, 'd:x a:x b:x', null]);
  expect(asked('x@B.fr')).toEqual([false, 'b:x', null]);
  expect(asked('x@c.fr')).toEqual([false, '', 'c']);
  expect(asked('x@else.fr')).toEqual([true, 'a:x@else.fr b:x@else.fr d:x@else.fr', null]);
  expect(asked('x', '10.9.9.9', 'local')).toEqual([true, '', null]);
  expect(asked('x', '10.9.9.9', 'd')).toEqual([false, 'd:x', null]);
  expect(inOrder(providers, 'nonsense').map(({ id }) => id)).toEqual(['a', 'c', 'b', 'd']);
});

test('after signing in: a page of ours, and no other', () => {
  expect(['/', '/admin', '/launch/tuxpaint', '/a?b=c%20d'].map(ownPage)).toEqual([
    '/',
    '/admin',
    '/launch/tuxpaint',
    '/a?b=c%20d',
  ]);
  for (const to of [
    undefined,
    '',
    'admin',
    '//evil.fr',
    '/\\evil.fr',
    '/\t/evil.fr',
    'https://evil.fr',
    'javascript:alert(1)',
    '/api/sign-out',
    '/@evil.fr',
    '/a\r\nset-cookie: x',
  ])
    expect(ownPage(to)).toBe('/');
});

describe('reading a whole directory', () => {
  const known = (id: string, disabled = false): KnownPerson => ({
    id,
    externalId: id,
    login: id,
    displayName: id,
    role: 'pupil',
    roleByHand: false,
    siteId: null,
    mail: null,
    attributes: '{}',
    disabled,
  });
  const here = (id: string, barred = false) => ({
    vouched: {
      ...(vouch(mapping, described({ externalId: id })) as Exclude<
        ReturnType<typeof vouch>,
        string
      >),
    },
    barred,
  });
  const ids = (n: number, from = 0) => Array.from({ length: n }, (_, index) => `p${from + index}`);
  test('new, gone, back, barred', () => {
    const plan = planSync(
      [known('a'), known('b'), known('c', true), known('d')],
      [here('a'), here('c'), here('e'), here('d', true)],
    );
    expect([plan.added, plan.returned, plan.vanished.map(({ id }) => id), plan.braked]).toEqual([
      1,
      1,
      ['b', 'd'],
      false,
    ]);
  });
  test.each([
    [100, 90, false],
    [100, 89, true],
    [1000, 899, true],
    [1000, 900, false],
    [10, 7, false],
    [10, 6, true],
    [3, 0, true],
    [1, 0, true],
    [0, 0, false],
  ])('of %i, %i are left: braked %s', (before, left, braked) => {
    expect(
      planSync(
        ids(before).map((id) => known(id)),
        ids(left).map((id) => here(id)),
      ).braked,
    ).toBe(braked);
  });
  test('those who were disabled before do not count', () => {
    expect(
      planSync(
        [...ids(100).map((id) => known(id)), ...ids(500, 100).map((id) => known(id, true))],
        ids(95).map((id) => here(id)),
      ),
    ).toMatchObject({ braked: false, vanished: { length: 5 } });
  });
});

describe('the file', () => {
  const good = {
    id: 'ad',
    kind: 'ldap',
    flavour: 'active-directory',
    name: { fr: 'a', en: 'a' },
    url: 'ldaps://dc.fr',
    bind_dn: 'cn=a',
    bind_password: 'hush-hush',
    base: 'dc=a',
  };
  const faults = (provider: object, more: object = {}) => {
    try {
      parseIdentity({ provider: [provider], ...more }, () => null);
    } catch (error) {
      if (error instanceof IdentityFaults) return error;
      throw error;
    }
    return null;
  };
  test('a good one', () => {
    expect(faults(good)).toBeNull();
    expect(
      faults({ id: 'c', kind: 'cas', name: { fr: 'a', en: 'a' }, url: 'https://cas.fr/cas' }),
    ).toBeNull();
  });
  test.each([
    [{ url: 'ldap://dc.fr' }, /start_tls: expected true/],
    [{ url: 'https://dc.fr' }, /url/],
    [{ start_tls: true }, /start_tls: expected false/],
    [{ id: 'local' }, /id: expected/],
    [{ kind: 'nis' }, /kind: expected ldap, oidc or cas/],
    [{ people: '(uid=' }, /people: expected an LDAP filter/],
    [{ networks: ['10.0.0.1/99'] }, /networks/],
    [{ ca_file: '/nowhere' }, /ca_file/],
    [{ bind_password: undefined, bind_password_file: '/nowhere' }, /bind_password_file/],
    [{ bind_password: undefined }, /bind_password/],
    [{ site: { attribute: 'a', pattern: '(' } }, /site.pattern/],
    [{ role: [{ role: 'pupil' }] }, /role: expected/],
    [{ role: [{ role: 'king', group: 'x' }] }, /role/],
    [{ pasword: 'hush-hush' }, /pasword/],
    [{ default_role: 'administrator' }, /default_role/],
  ])('%j', (change, expected) => {
    const fault = faults({ ...good, ...change });
    expect(fault?.message).toMatch(expected);
    expect(fault?.message).not.toContain('hush-hush');
  });
  test('the presets of the runbook are good ones', () => {
    const text = readFileSync(
      new URL('../../../docs/runbooks/directories.md', import.meta.url),
      'utf8',
    );
    const presets = [...text.matchAll(/```toml\n([\s\S]*?)```/g)].map((match) =>
      parseIdentity(parseToml(match[1] ?? ''), (path) =>
        path.endsWith('.pem') ? '-----BEGIN CERTIFICATE-----' : 'secret',
      ).map(({ kind }) => kind),
    );
    expect(presets.flat()).toEqual(['ldap', 'ldap', 'cas', 'oidc']);
  });
  test('every fault at once, without the secrets', () => {
    const fault = faults(
      { ...good, url: 'x', bind_dn: 7, base: '', bind_password: { a: 'hush-hush' } },
      { other: 1 },
    );
    expect(fault?.faults.length).toBeGreaterThanOrEqual(4);
    expect(fault?.message).not.toContain('hush-hush');
    expect(
      faults({
        id: 'o',
        kind: 'oidc',
        name: { fr: 'a', en: 'a' },
        issuer: 'http://far.fr',
        client_id: 'x',
      })?.message,
    ).toMatch(/issuer: expected https/);
  });
});

describe('in a city', () => {
  let city: City;
  const waits: number[] = [];
  const plain = {
    hash: async (text: string) => text,
    verify: async (hash: string | null, text: string) => hash === text,
  };
  let providers: PasswordProvider[] = [];
  const deps = (publicUrl = 'https://preau.example') => ({
    ...city.platform,
    publicUrl: () => publicUrl,
    identity: createIdentity(city.platform, providers, {
      passwords: plain,
      slowDown: createSlowDown(city.platform.clock.now, async (ms) => void waits.push(ms)),
    }),
  });
  const caught = async (work: Promise<unknown>): Promise<AppError> => {
    try {
      await work;
    } catch (error) {
      if (error instanceof AppError) return error;
      throw error;
    }
    throw new Error('was not refused');
  };
  beforeAll(async () => {
    city = await makeCity();
    for (const { id } of [city.technician, city.administrator])
      await city.platform.database
        .updateTable('accounts')
        .set({ password_hash: 'secret' })
        .where('id', '=', id)
        .execute();
  });
  beforeEach(() => {
    providers = [];
  });
  afterAll(() => city.close());
  const enter = (login = 'tech') => signIn(deps(), { login, password: 'secret' }, '10.0.0.1');

  test('a telephone: offered, proved, asked for; a code is good once; so is one on paper', async () => {
    const all = deps();
    expect(await codeOf(offerTotp(all, city.technician, 'wrong'))).toBe('PASSWORD_WRONG');
    const { secret, address, qr } = await offerTotp(all, city.technician, 'secret');
    expect(address).toContain('otpauth://totp/');
    expect(Buffer.from(qr, 'base64').subarray(1, 4).toString()).toBe('PNG');
    // Not asked for until it is proved that the telephone has it.
    expect((await enter()).account.login).toBe('tech');
    const code = (ms = 0) =>
      generateSync({ secret, epoch: Math.floor((city.time.at + ms) / 1000) });
    expect(await codeOf(confirmTotp(all, city.technician, code(600_000)))).toBe(
      'SECOND_FACTOR_REFUSED',
    );
    const { codes } = await confirmTotp(all, city.technician, code());
    expect(new Set(codes).size).toBe(10);
    const stored = JSON.stringify([
      await city.platform.database.selectFrom('totp_secrets').selectAll().execute(),
      await city.platform.database.selectFrom('recovery_codes').selectAll().execute(),
    ]);
    for (const open of [secret, ...codes]) expect(stored).not.toContain(open);

    const step = async () => String((await caught(enter())).details['step']);
    expect((await caught(enter())).details).toMatchObject({ methods: ['totp', 'recovery'] });
    // The code that proved it was used.
    expect(await codeOf(giveSecondFactor(all, { step: await step(), code: code() }))).toBe(
      'SECOND_FACTOR_REFUSED',
    );
    city.time.at += 60_000;
    const first = await step();
    const second = await step();
    expect((await giveSecondFactor(all, { step: first, code: code() })).account.login).toBe('tech');
    expect(await codeOf(giveSecondFactor(all, { step: first, code: code(30_000) }))).toBe(
      'STEP_EXPIRED',
    );
    expect(await codeOf(giveSecondFactor(all, { step: second, code: code() }))).toBe(
      'SECOND_FACTOR_REFUSED',
    );
    // Neither is one of before it.
    expect(await codeOf(giveSecondFactor(all, { step: second, code: code(-30_000) }))).toBe(
      'SECOND_FACTOR_REFUSED',
    );
    const [paper = ''] = codes;
    expect(
      (
        await giveSecondFactor(all, {
          step: second,
          code: paper.toLowerCase().replaceAll('-', ' '),
        })
      ).account.login,
    ).toBe('tech');
    expect(await codeOf(giveSecondFactor(all, { step: await step(), code: paper }))).toBe(
      'SECOND_FACTOR_REFUSED',
    );
    expect(await mySecurity(all, city.technician)).toMatchObject({ totp: true, recoveryCodes: 9 });

    // Five tries for one right password; then from the beginning. An old step is none.
    const tries = await step();
    const refusals: string[] = [];
    for (let count = 0; count < 6; count += 1)
      refusals.push(await codeOf(giveSecondFactor(all, { step: tries, code: '000000' })));
    expect(refusals).toEqual([
      ...Array.from({ length: 4 }, () => 'SECOND_FACTOR_REFUSED'),
      'STEP_EXPIRED',
      'STEP_EXPIRED',
    ]);
    expect(waits.length).toBeGreaterThan(0);
    const old = await step();
    city.time.at += 300_001;
    expect(await codeOf(giveSecondFactor(all, { step: old, code: code() }))).toBe('STEP_EXPIRED');
    expect(await codeOf(removeTotp(all, city.technician, 'wrong'))).toBe('PASSWORD_WRONG');
    await removeTotp(all, city.technician, 'secret');
    expect((await enter()).account.login).toBe('tech');
  });

  test('a passkey’s question is good once, for one address; who has lost everything is helped on the server', async () => {
    const all = deps();
    expect(
      await codeOf(offerPasskey(deps('http://10.0.0.1:8080'), city.technician, 'secret')),
    ).toBe('PASSKEY_REFUSED');
    expect((await offerPasskey(all, city.technician, 'secret')).options).toMatchObject({
      rp: { id: 'preau.example' },
      authenticatorSelection: { userVerification: 'required' },
    });
    const question = await askPasskey(all, undefined);
    expect(question.options['allowCredentials'] ?? []).toEqual([]);
    const answer = {
      step: question.step,
      response: {
        id: 'abc',
        rawId: 'abc',
        type: 'public-key',
        response: {},
        clientExtensionResults: {},
      },
    };
    expect([
      await codeOf(answerPasskey(all, answer)),
      await codeOf(answerPasskey(all, answer)),
    ]).toEqual(['PASSKEY_REFUSED', 'STEP_EXPIRED']);
    const { secret } = await offerTotp(all, city.administrator, 'secret');
    await confirmTotp(
      all,
      city.administrator,
      generateSync({ secret, epoch: Math.floor(city.time.at / 1000) }),
    );
    expect((await caught(enter('admin'))).code).toBe('SECOND_FACTOR_REQUIRED');
    expect(
      await resetSecondFactor(city.platform, city.platform.database, city.administrator.id),
    ).toBe(true);
    expect((await enter('admin')).account.role).toBe('administrator');
    expect(
      await city.platform.database
        .selectFrom('audit_events')
        .select('action')
        .where('action', '=', 'account.second_factor_reset')
        .execute(),
    ).toHaveLength(1);
  });

  test('no fail-open: a directory that is away refuses, unless the city itself or another directory knows the person', async () => {
    let asked = 0;
    const away = provider('away', {
      ask: async () => {
        asked += 1;
        throw new AppError('DIRECTORY_UNAVAILABLE');
      },
    });
    const yes = (id: string): PasswordProvider =>
      provider(id, {
        ask: async (): Promise<PasswordAnswer> => ({ kind: 'known', person: described() }),
      });
    providers = [away];
    expect((await enter()).account.login).toBe('tech');
    expect(asked).toBe(0);
    expect((await caught(enter('elodie'))).code).toBe('DIRECTORY_UNAVAILABLE');
    providers = [away, yes('second')];
    const { account } = await signIn(deps(), { login: 'elodie', password: 'x' }, '10.0.0.1');
    expect(account).toMatchObject({
      login: 'elodie.noel',
      role: 'pupil',
      siteName: 'École Victor-Hugo',
    });
    // Namesakes of two directories, and one who calls themselves like a technician of the city.
    providers = [yes('third')];
    expect(
      (await signIn(deps(), { login: 'elodie', password: 'x' }, '10.0.0.1')).account.login,
    ).toBe('elodie.noel-2');
    providers = [
      provider('third', {
        ask: async () => ({
          kind: 'known',
          person: described({ externalId: 'e2', values: { ...described().values, uid: ['tech'] } }),
        }),
      }),
    ];
    const other = await signIn(
      deps(),
      { login: 'tech', password: 'not-the-local-one' },
      '10.0.0.1',
    );
    expect([
      other.account.id === city.technician.id,
      other.account.login,
      other.account.role,
    ]).toEqual([false, 'tech-2', 'pupil']);
    providers = [
      provider('third', { ask: async () => ({ kind: 'refused', code: 'ACCOUNT_DISABLED' }) }),
    ];
    expect(
      (await caught(signIn(deps(), { login: 'elodie', password: 'x' }, '10.0.0.1'))).code,
    ).toBe('ACCOUNT_DISABLED');
    expect(freeLogin('a', new Set(['a', 'a-2', 'a-3']))).toBe('a-4');
  });

  test('what changes in the directory changes here; groups of others stay; a role decided by hand stays', async () => {
    const { database } = city.platform;
    const person = (more: Partial<ProviderPerson> = {}) =>
      vouch({ ...mapping, id: 'fourth' }, described({ externalId: 'z', ...more })) as Exclude<
        ReturnType<typeof vouch>,
        string
      >;
    const job = { kind: 'job', id: 'x', name: 'x' } as const;
    const { accountId } = await admit(city.platform, database, job, person());
    const groups = async () =>
      (
        await database
          .selectFrom('group_members as m')
          .innerJoin('groups as g', 'g.id', 'm.group_id')
          .select(['g.name', 'g.provider'])
          .where('m.account_id', '=', accountId)
          .orderBy('g.name')
          .execute()
      ).map((row) => `${row.provider}:${row.name}`);
    await database
      .insertInto('groups')
      .values({
        id: `grp_${'q'.repeat(22)}`,
        kind: 'group',
        name: 'Atelier',
        site_id: city.site.id,
        external_id: null,
      })
      .execute();
    await database
      .insertInto('group_members')
      .values({ group_id: `grp_${'q'.repeat(22)}`, account_id: accountId })
      .execute();
    expect((await admit(city.platform, database, job, person())).change).toBe('same');
    expect(
      (
        await admit(
          city.platform,
          database,
          job,
          person({ values: { ...described().values, dept: ['6e B'] } }),
        )
      ).change,
    ).toBe('changed');
    expect(await groups()).toEqual(['fourth:6e B', 'local:Atelier']);
    await changeRole(city.platform, city.administrator, accountId, {
      role: 'contact',
      siteId: city.site.id,
      siteIds: null,
    });
    await admit(
      city.platform,
      database,
      job,
      person({ values: { ...described().values, type: ['ENS'], office: ['nowhere'] } }),
    );
    expect(
      (
        await listPeople(city.platform, city.administrator, {
          search: 'élodie victor',
          siteId: null,
          role: 'contact',
          provider: 'fourth',
          disabled: false,
          after: null,
          limit: 5,
        })
      ).items,
    ).toMatchObject([{ id: accountId, role: 'contact', roleByHand: true, siteId: city.site.id }]);
    await changeRole(city.platform, city.administrator, accountId, {
      role: null,
      siteId: city.site.id,
      siteIds: null,
    });
    await admit(
      city.platform,
      database,
      job,
      person({ values: { ...described().values, type: ['ENS'] } }),
    );
    expect(
      (
        await listPeople(city.platform, city.administrator, {
          search: null,
          siteId: null,
          role: 'teacher',
          provider: 'fourth',
          disabled: false,
          after: null,
          limit: 5,
        })
      ).items,
    ).toHaveLength(1);
  });

  test('a technician of some schools; the last administrator', async () => {
    const change = (
      id: string,
      role: 'technician' | 'teacher' | 'administrator',
      siteIds: string[] | null,
      siteId: string | null = null,
    ) => changeRole(city.platform, city.administrator, id, { role, siteId, siteIds });
    const made = await change(city.teacher.id, 'technician', [city.site.id]);
    expect(made).toMatchObject({ role: 'technician', siteIds: [city.site.id] });
    expect(await codeOf(change(city.administrator.id, 'technician', null))).toBe(
      'LAST_ADMINISTRATOR',
    );
    expect(await codeOf(change(city.teacher.id, 'teacher', [city.site.id], city.site.id))).toBe(
      'VALIDATION_FAILED',
    );
    expect(await codeOf(change(city.teacher.id, 'teacher', null))).toBe('VALIDATION_FAILED');
    expect(await codeOf(change(city.teacher.id, 'technician', [`sit_${'x'.repeat(22)}`]))).toBe(
      'NOT_FOUND',
    );
    expect(await change(city.technician.id, 'administrator', null)).toMatchObject({
      role: 'administrator',
    });
    // Now there is another.
    expect(await codeOf(change(city.administrator.id, 'technician', null))).toBe('done');
  });
});
