/** Who is asked, and signing in to a small city. */
import { AppError } from '@preau/contract/errors.ts';
import { generateSync } from 'otplib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAttempts } from '#src/accounts/attempts/attempts.ts';
import { insertSignIn } from '#src/accounts/sign-ins/store.ts';
import { site } from '#src/builders.fixture.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { createSite } from '#src/sites/sites.ts';
import { type City, codeOf, makeCity } from '#src/testing.fixture.ts';
import { admit, freeLogin } from './admission/admit.ts';
import { type ProviderPerson, vouch } from './admission/vouch.ts';
import { choose, inOrder } from './choose.ts';
import { changeRole, listPeople } from './people/people.ts';
import { described, mapping } from './person.fixture.ts';
import type { PasswordAnswer, PasswordProvider } from './provider.ts';
import { mySecurity } from './second-factor/own.ts';
import { answerPasskey, askPasskey, offerPasskey } from './second-factor/passkeys.ts';
import { giveSecondFactor, resetSecondFactor } from './second-factor/second-factor.ts';
import { confirmTotp, offerTotp, removeTotp } from './second-factor/totp.ts';
import { createIdentity, signIn } from './sign-in.ts';

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

const address = '10.0.0.1';
const device = { address, mood: 'calm' } as const;

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
      attempts: createAttempts({
        now: city.platform.clock.now,
        wait: async (ms) => void waits.push(ms),
      }),
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
  const openSignInOf = (accountId: string) =>
    insertSignIn(city.platform.database, {
      tokenHash: sha256(accountId),
      accountId,
      now: city.time.at,
      expiresAt: city.time.at + 3_600_000,
    });
  const enter = (login = 'tech') => signIn(deps(), { login, password: 'secret' }, device);

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
    expect(await codeOf(giveSecondFactor(all, { step: await step(), code: code() }, address))).toBe(
      'SECOND_FACTOR_REFUSED',
    );
    city.time.at += 60_000;
    const first = await step();
    const second = await step();
    expect(
      (await giveSecondFactor(all, { step: first, code: code() }, address)).account.login,
    ).toBe('tech');
    expect(await codeOf(giveSecondFactor(all, { step: first, code: code(30_000) }, address))).toBe(
      'STEP_EXPIRED',
    );
    expect(await codeOf(giveSecondFactor(all, { step: second, code: code() }, address))).toBe(
      'SECOND_FACTOR_REFUSED',
    );
    // Neither is one of before it.
    expect(
      await codeOf(giveSecondFactor(all, { step: second, code: code(-30_000) }, address)),
    ).toBe('SECOND_FACTOR_REFUSED');
    const [paper = ''] = codes;
    expect(
      (
        await giveSecondFactor(
          all,
          {
            step: second,
            code: paper.toLowerCase().replaceAll('-', ' '),
          },
          address,
        )
      ).account.login,
    ).toBe('tech');
    expect(await codeOf(giveSecondFactor(all, { step: await step(), code: paper }, address))).toBe(
      'SECOND_FACTOR_REFUSED',
    );
    expect(await mySecurity(all, city.technician)).toMatchObject({ totp: true, recoveryCodes: 9 });

    // Five tries for one right password; then from the beginning. An old step is none.
    const tries = await step();
    const refusals: string[] = [];
    for (let count = 0; count < 5; count += 1)
      refusals.push(await codeOf(giveSecondFactor(all, { step: tries, code: '000000' }, address)));
    expect(refusals).toEqual([
      ...Array.from({ length: 4 }, () => 'SECOND_FACTOR_REFUSED'),
      'STEP_EXPIRED',
    ]);
    // Then not even by the right one.
    city.time.at += 60_000;
    expect(await codeOf(giveSecondFactor(all, { step: tries, code: code() }, address))).toBe(
      'STEP_EXPIRED',
    );
    expect(waits.length).toBeGreaterThan(0);
    const old = await step();
    city.time.at += 300_001;
    expect(await codeOf(giveSecondFactor(all, { step: old, code: code() }, address))).toBe(
      'STEP_EXPIRED',
    );
    expect(await codeOf(removeTotp(all, city.technician, 'wrong'))).toBe('PASSWORD_WRONG');
    await removeTotp(all, city.technician, 'secret');
    expect((await enter()).account.login).toBe('tech');
  });

  test(
    'a passkey’s question is good once, for one address; who has lost everything is helped on ' +
      'the server',
    async () => {
      const all = deps();
      expect(
        await codeOf(offerPasskey(deps('http://10.0.0.1:8080'), city.technician, 'secret')),
      ).toBe('PASSKEY_REFUSED');
      expect((await offerPasskey(all, city.technician, 'secret')).options).toMatchObject({
        rp: { id: 'preau.example' },
        authenticatorSelection: { userVerification: 'required' },
      });
      const question = await askPasskey(all, undefined, address);
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
        await codeOf(answerPasskey(all, answer, address)),
        await codeOf(answerPasskey(all, answer, address)),
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
    },
  );

  test(
    'no fail-open: a directory that is away refuses, unless the city itself or another ' +
      'directory knows the person',
    async () => {
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
      const { account } = await signIn(deps(), { login: 'elodie', password: 'x' }, device);
      expect(account).toMatchObject({
        login: 'elodie.noel',
        role: 'pupil',
        siteName: 'École Victor-Hugo',
      });
      // Namesakes of two directories, and one who calls themselves like a technician of the city.
      providers = [yes('third')];
      expect((await signIn(deps(), { login: 'elodie', password: 'x' }, device)).account.login).toBe(
        'elodie.noel-2',
      );
      providers = [
        provider('third', {
          ask: async () => ({
            kind: 'known',
            person: described({
              externalId: 'e2',
              values: { ...described().values, uid: ['tech'] },
            }),
          }),
        }),
      ];
      const other = await signIn(deps(), { login: 'tech', password: 'not-the-local-one' }, device);
      expect([
        other.account.id === city.technician.id,
        other.account.login,
        other.account.role,
      ]).toEqual([false, 'tech-2', 'pupil']);
      providers = [
        provider('third', { ask: async () => ({ kind: 'refused', code: 'ACCOUNT_DISABLED' }) }),
      ];
      expect((await caught(signIn(deps(), { login: 'elodie', password: 'x' }, device))).code).toBe(
        'ACCOUNT_DISABLED',
      );
      expect(freeLogin('a', new Set(['a', 'a-2', 'a-3']))).toBe('a-4');
    },
  );

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

  test('who loses a role or a school is signed out, and nobody else', async () => {
    const other = await createSite(city.platform, city.technician, site());
    const [narrowed, same, colleague] = [
      await city.account('tech-a', 'technician', null),
      await city.account('tech-b', 'technician', null),
      await city.account('tech-c', 'technician', null),
    ];
    const change = (id: string, siteIds: string[] | null, by = city.administrator) =>
      changeRole(city.platform, by, id, { role: 'technician', siteId: null, siteIds });
    await change(narrowed.id, [city.site.id, other.id]);
    for (const { id } of [narrowed, same, colleague]) await openSignInOf(id);
    const open = async () =>
      (await city.platform.database.selectFrom('sign_ins').select('account_id').execute())
        .map((row) => row.account_id)
        .filter((id) => [narrowed.id, same.id, colleague.id].includes(id))
        .sort();
    // As it was.
    city.woken.length = 0;
    await change(same.id, null);
    expect(await open()).toEqual([narrowed.id, same.id, colleague.id].sort());
    expect(city.woken.filter((topic) => topic.startsWith('sign-in:'))).toEqual([]);
    await change(narrowed.id, [city.site.id]);
    expect(await open()).toEqual([same.id, colleague.id].sort());
    expect(city.woken.filter((topic) => topic.startsWith('sign-in:'))).toEqual([
      `sign-in:${sha256(narrowed.id)}`,
    ]);
    // One's own page stays open.
    await change(colleague.id, [city.site.id], colleague);
    expect(await open()).toEqual([same.id, colleague.id].sort());
  });
});
