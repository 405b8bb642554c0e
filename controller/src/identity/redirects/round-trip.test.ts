/** The way to a provider's page and back, and what the provider says later: each message counts for
 * the browser, the provider and the session that it names, once. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createAttempts } from '#src/accounts/attempts/attempts.ts';
import { insertSignIn } from '#src/accounts/sign-ins/store.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { type City, codeOf, makeCity, publicUrl } from '#src/testing.fixture.ts';
import type { RedirectProvider } from '../provider.ts';
import { plainPasswords, someDirectory, somePage } from '../providers.fixture.ts';
import { createIdentity } from '../sign-in.ts';
import {
  backChannelLogout,
  beginRedirect,
  finishRedirect,
  frontChannelLogout,
  leave,
} from './redirects.ts';

const from = '10.0.0.1';
const minute = 60_000;
/** A second provider, whose sessions may be called alike; it says that its messages count once. */
const other: RedirectProvider = {
  ...somePage,
  id: 'cas',
  mapping: { ...somePage.mapping, id: 'cas' },
  gone: async (form) =>
    form['sub'] === undefined
      ? null
      : { subject: form['sub'], session: null, once: form['jti'] ?? null },
  leave: async ({ session }, afterwards) => `https://cas.example/out?s=${session}&to=${afterwards}`,
};

let city: City;
beforeEach(async () => {
  city = await makeCity();
  return () => city.close();
});
const deps = () => ({
  ...city.platform,
  publicUrl: () => publicUrl,
  identity: createIdentity(city.platform, [someDirectory, somePage, other], {
    passwords: plainPasswords,
    attempts: createAttempts({ now: city.platform.clock.now, wait: async () => undefined }),
  }),
});
const begin = async (id = 'ent', to: string | undefined = '/admin') => {
  const { step, address } = await beginRedirect(deps(), id, to, from);
  return { step, state: new URL(address).searchParams.get('state') ?? '' };
};
const finish = (id: string, step: string | null, returned: Record<string, string>) =>
  finishRedirect(deps(), id, { step, returned }, from);

describe('the way back', () => {
  test('opens a sign-in of that provider, at the page that was asked for, once', async () => {
    const { step, state } = await begin();
    const { signedIn, to } = await finish('ent', step, { state });
    expect([signedIn.account.role, to]).toEqual(['technician', '/admin']);
    expect(
      await city.platform.database
        .selectFrom('sign_ins')
        .select(['provider', 'provider_session', 'provider_subject'])
        .execute(),
    ).toEqual([{ provider: 'ent', provider_session: 'sid', provider_subject: 'sub' }]);
    expect(await codeOf(finish('ent', step, { state }))).toBe('STEP_EXPIRED');
  });
  test('is closed to another browser, another answer, another provider, and after ten minutes', async () => {
    const mine = await begin();
    const theirs = await begin();
    expect(await codeOf(finish('ent', null, { state: mine.state }))).toBe('STEP_EXPIRED');
    expect(await codeOf(finish('ent', 'a'.repeat(43), { state: mine.state }))).toBe('STEP_EXPIRED');
    expect(await codeOf(finish('ent', mine.step, { state: theirs.state }))).toBe('STEP_EXPIRED');
    expect(await codeOf(finish('cas', theirs.step, { state: theirs.state }))).toBe('STEP_EXPIRED');
    const stateless = await begin();
    expect(await codeOf(finish('ent', stateless.step, {}))).toBe('STEP_EXPIRED');
    const late = await begin();
    city.time.at += 10 * minute;
    expect(await codeOf(finish('ent', late.step, { state: late.state }))).toBe('STEP_EXPIRED');
    expect(await city.platform.database.selectFrom('sign_ins').selectAll().execute()).toEqual([]);
  });
  test('exists for providers that have a page', async () => {
    for (const id of ['ad', 'nowhere']) expect(await codeOf(begin(id))).toBe('NOT_FOUND');
    const { step, state } = await begin('ent', 'https://evil.example');
    expect((await finish('ent', step, { state })).to).toBe('/');
  });
});

describe('a message that somebody has signed out', () => {
  const open = async (name: string, provider: string, subject: string, session: string) =>
    insertSignIn(city.platform.database, {
      tokenHash: sha256(name),
      accountId: city.pupil.id,
      now: city.time.at,
      expiresAt: city.time.at + 60 * minute,
      origin: { provider, subject, session, idToken: null },
    });
  const names = ['ent-1', 'ent-2', 'cas-1', 'cas-2', 'local'];
  const left = async () => {
    const rows = await city.platform.database.selectFrom('sign_ins').select('token_hash').execute();
    const hashes = new Set(rows.map((row) => row.token_hash));
    return names.filter((name) => hashes.has(sha256(name)));
  };
  beforeEach(async () => {
    await open('ent-1', 'ent', 'lea', 's1');
    await open('ent-2', 'ent', 'lea', 's2');
    await open('cas-1', 'cas', 'lea', 's1');
    await open('cas-2', 'cas', 'tom', 's2');
    await insertSignIn(city.platform.database, {
      tokenHash: sha256('local'),
      accountId: city.teacher.id,
      now: city.time.at,
      expiresAt: city.time.at + 60 * minute,
    });
    city.woken.length = 0;
  });
  const told = () =>
    city.platform.database
      .selectFrom('audit_events')
      .select(['actor_id', 'subject_id', 'details'])
      .where('action', '=', 'account.signed_out')
      .execute();

  test('ends the session it names, of that provider, and tells its pages and the audit', async () => {
    await backChannelLogout(deps(), 'ent', { logout_token: 's1' });
    expect(await left()).toEqual(['ent-2', 'cas-1', 'cas-2', 'local']);
    expect(city.woken).toEqual([`sign-in:${sha256('ent-1')}`]);
    expect(await told()).toEqual([
      { actor_id: 'ent', subject_id: city.pupil.id, details: '{"why":"provider"}' },
    ]);
  });
  test('that names a person ends all of theirs there', async () => {
    await open('ent-2b', 'cas', 'lea', 's9');
    await backChannelLogout(deps(), 'cas', { sub: 'lea', jti: 'one' });
    expect(await left()).toEqual(['ent-1', 'ent-2', 'cas-2', 'local']);
    expect(city.woken.sort()).toEqual(
      [`sign-in:${sha256('cas-1')}`, `sign-in:${sha256('ent-2b')}`].sort(),
    );
  });
  test('counts once; and is refused when it is none', async () => {
    await backChannelLogout(deps(), 'cas', { sub: 'nobody', jti: 'one' });
    expect(await codeOf(backChannelLogout(deps(), 'cas', { sub: 'lea', jti: 'one' }))).toBe(
      'VALIDATION_FAILED',
    );
    expect(await codeOf(backChannelLogout(deps(), 'cas', { nonsense: 'x' }))).toBe(
      'VALIDATION_FAILED',
    );
    expect(await codeOf(backChannelLogout(deps(), 'ad', { logout_token: 's1' }))).toBe('NOT_FOUND');
    expect(await left()).toEqual(names);
    expect(await codeOf(backChannelLogout(deps(), 'cas', { sub: 'lea', jti: 'two' }))).toBe('done');
    expect(await left()).toEqual(['ent-1', 'ent-2', 'cas-2', 'local']);
  });
  test('by way of the browser ends the same', async () => {
    await frontChannelLogout(deps(), 'ent', { sid: 'unknown' });
    await frontChannelLogout(deps(), 'ent', {});
    expect(await left()).toEqual(names);
    await frontChannelLogout(deps(), 'ent', { sid: 's2' });
    expect(await left()).toEqual(['ent-1', 'cas-1', 'cas-2', 'local']);
  });
  test('from us: the sign-in ends here, and the page of its provider is named', async () => {
    const actor = { ...city.pupil, signIn: sha256('cas-2') };
    expect(await leave(deps(), actor)).toBe(`https://cas.example/out?s=s2&to=${publicUrl}/`);
    expect(await leave(deps(), { ...city.teacher, signIn: sha256('local') })).toBeNull();
    expect(await left()).toEqual(['ent-1', 'ent-2', 'cas-1']);
    expect(city.woken).toEqual([`sign-in:${sha256('cas-2')}`, `sign-in:${sha256('local')}`]);
  });
});
