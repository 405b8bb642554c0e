/** Signing in as a technician who has one second factor only, whoever vouches for them: each
 * provider × each factor, and what that factor then opens. */
import { AppError } from '@preau/contract/errors.ts';
import { generateSync } from 'otplib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAttempts } from '#src/accounts/attempts/attempts.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import {
  type Asked,
  makePasskey,
  type SoftwarePasskey,
} from '#src/platform/software-passkey.fixture.ts';
import { newTotpSecret } from '#src/platform/totp.ts';
import { type City, codeOf, makeCity } from '#src/testing.fixture.ts';
import { someDirectory, somePage } from '../providers.fixture.ts';
import { beginRedirect, finishRedirect } from '../redirects/redirects.ts';
import { createIdentity, signIn } from '../sign-in.ts';
import { mySecurity } from './own.ts';
import { addPasskey, answerPasskey, askPasskey, offerPasskey, removePasskey } from './passkeys.ts';
import { giveSecondFactor } from './second-factor.ts';
import { insertTotp } from './store.ts';
import { confirmTotp, offerTotp, removeTotp } from './totp.ts';

const address = '10.0.0.1';
const device = { address, mood: 'calm' } as const;
const publicUrl = 'https://preau.example';
let city: City;
beforeEach(async () => {
  city = await makeCity();
  await city.platform.database
    .updateTable('accounts')
    .set({ password_hash: 'secret' })
    .where('id', 'in', [city.technician.id, city.administrator.id, city.teacher.id])
    .execute();
});
afterEach(() => city.close());

/** What was hashed to check a password. */
const hashed: (string | null)[] = [];
const deps = () => ({
  ...city.platform,
  publicUrl: () => publicUrl,
  identity: createIdentity(city.platform, [someDirectory, somePage], {
    passwords: {
      hash: async (text: string) => text,
      verify: async (hash: string | null, text: string) => {
        hashed.push(hash);
        return hash === text;
      },
    },
    attempts: createAttempts({ now: city.platform.clock.now, wait: async () => undefined }),
  }),
});
type Deps = ReturnType<typeof deps>;

/** How somebody is vouched for, by provider. */
const enter = {
  local: (all: Deps) => signIn(all, { login: 'tech', password: 'secret' }, device),
  ad: (all: Deps) => signIn(all, { login: 'elodie', password: 'x' }, device),
  ent: async (all: Deps) => {
    const { step, address: to } = await beginRedirect(all, 'ent', '/', address);
    const state = new URL(to).searchParams.get('state') ?? '';
    return (await finishRedirect(all, 'ent', { step, returned: { state } }, address)).signedIn;
  },
};
type By = keyof typeof enter;

/** The account that enters by this provider, before it has a second factor. */
async function accountOf(all: Deps, by: By): Promise<AccountActor> {
  const { account } = await enter[by](all);
  return { ...city.technician, id: account.id };
}
async function addTelephone(all: Deps, actor: AccountActor): Promise<string> {
  const secret = newTotpSecret();
  const { database, secrets } = city.platform;
  await insertTotp(database, actor.id, secrets.seal(secret), city.time.at);
  await confirmTotp(all, actor, codeBy(secret));
  city.time.at += 60_000;
  return secret;
}
const codeBy = (secret: string) => generateSync({ secret, epoch: Math.floor(city.time.at / 1000) });
const askedOf = (options: Record<string, unknown>): Asked => ({
  challenge: String(options['challenge']),
  origin: publicUrl,
  party: 'preau.example',
});
/** Adding one takes a password, which accounts of a provider have only for the time of this call. */
async function addKey(all: Deps, actor: AccountActor): Promise<SoftwarePasskey> {
  const key = makePasskey();
  const { database } = city.platform;
  const password = (hash: string | null) =>
    database
      .updateTable('accounts')
      .set({ password_hash: hash })
      .where('id', '=', actor.id)
      .execute();
  await password('secret');
  const { step, options } = await offerPasskey(all, actor, 'secret');
  await addPasskey(all, actor, { step, response: key.create(askedOf(options)), name: 'Clé' });
  if (actor.id !== city.technician.id) await password(null);
  return key;
}
const refusalOf = async (work: Promise<unknown>): Promise<AppError> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('was not refused');
};

describe.each(['local', 'ad', 'ent'] as const)('a technician of %s', (by) => {
  test('with a telephone only is asked for its code, and it opens', async () => {
    const all = deps();
    const actor = await accountOf(all, by);
    const secret = await addTelephone(all, actor);
    const { code, details } = await refusalOf(enter[by](all));
    expect([code, details['methods']]).toEqual(['SECOND_FACTOR_REQUIRED', ['totp', 'recovery']]);
    const step = String(details['step']);
    // It is no way in by a passkey that is not there.
    const question = await askPasskey(all, step, address);
    const stranger = makePasskey().get(askedOf(question.options));
    expect(
      await codeOf(answerPasskey(all, { step: question.step, response: stranger }, address)),
    ).toBe('PASSKEY_REFUSED');
    const { account } = await giveSecondFactor(all, { step, code: codeBy(secret) }, address);
    expect(account.id).toBe(actor.id);
    // The sign-in is the provider's, which may end it later.
    const { provider } = await city.platform.database
      .selectFrom('sign_ins')
      .select('provider')
      .where('account_id', '=', actor.id)
      .orderBy('created_at', 'desc')
      .executeTakeFirstOrThrow();
    expect(provider).toBe(by);
  });

  test('with a passkey only is asked for it, and it opens', async () => {
    const all = deps();
    const actor = await accountOf(all, by);
    const key = await addKey(all, actor);
    const { code, details } = await refusalOf(enter[by](all));
    expect([code, details['methods']]).toEqual(['SECOND_FACTOR_REQUIRED', ['passkey']]);
    const first = String(details['step']);
    expect(await codeOf(giveSecondFactor(all, { step: first, code: '000000' }, address))).toBe(
      'SECOND_FACTOR_REFUSED',
    );
    const { step, options } = await askPasskey(all, first, address);
    expect(options['allowCredentials']).toMatchObject([{ id: key.id }]);
    const response = key.get(askedOf(options));
    const { account } = await answerPasskey(all, { step, response }, address);
    expect(account.id).toBe(actor.id);
    // Both steps are used up.
    expect(await codeOf(answerPasskey(all, { step, response }, address))).toBe('STEP_EXPIRED');
    expect(await codeOf(askPasskey(all, first, address))).toBe('STEP_EXPIRED');
  });

  test('with none is let in', async () => {
    expect((await enter[by](deps())).account.role).toBe('technician');
  });
});

describe('a passkey', () => {
  test('of somebody else does not finish a sign-in that my password began', async () => {
    const all = deps();
    const mine = await addKey(all, city.technician);
    const { step: theirs, options: given } = await offerPasskey(all, city.administrator, 'secret');
    const other = makePasskey();
    await addPasskey(all, city.administrator, {
      step: theirs,
      response: other.create(askedOf(given)),
      name: 'Clé',
    });
    const first = String((await refusalOf(enter.local(all))).details['step']);
    const { step, options } = await askPasskey(all, first, address);
    const response = other.get(askedOf(options));
    expect(await codeOf(answerPasskey(all, { step, response }, address))).toBe('PASSKEY_REFUSED');
    // On its own it opens its owner's account, whom it names.
    const alone = await askPasskey(all, undefined, address);
    const { account } = await answerPasskey(
      all,
      { step: alone.step, response: other.get(askedOf(alone.options)) },
      address,
    );
    expect(account.id).toBe(city.administrator.id);
    // Nor may a question that was put to one person be used to add a key to another.
    const offered = await offerPasskey(all, city.technician, 'secret');
    expect(
      await codeOf(
        addPasskey(all, city.administrator, {
          step: offered.step,
          response: makePasskey().create(askedOf(offered.options)),
          name: 'Clé',
        }),
      ),
    ).toBe('STEP_EXPIRED');
    // One key is one person's.
    const again = await offerPasskey(all, city.administrator, 'secret');
    expect(
      await codeOf(
        addPasskey(all, city.administrator, {
          step: again.step,
          response: mine.create(askedOf(again.options)),
          name: 'Clé',
        }),
      ),
    ).toBe('PASSKEY_REFUSED');
  });

  test('is no way in for a technician who has become a teacher, and is removed by its owner alone', async () => {
    const all = deps();
    const key = await addKey(all, city.technician);
    const [{ id = '' } = {}] = (await mySecurity(all, city.technician)).passkeys;
    expect(await codeOf(removePasskey(all, city.administrator, id, 'secret'))).toBe('NOT_FOUND');
    expect(await codeOf(removePasskey(all, city.technician, id, 'wrong'))).toBe('PASSWORD_WRONG');
    const become = (role: string) =>
      city.platform.database
        .updateTable('accounts')
        .set({ role })
        .where('id', '=', city.technician.id)
        .execute();
    const attempt = async () => {
      const { step, options } = await askPasskey(all, undefined, address);
      return codeOf(answerPasskey(all, { step, response: key.get(askedOf(options)) }, address));
    };
    await become('teacher');
    expect(await attempt()).toBe('STEP_EXPIRED');
    await become('technician');
    expect(await attempt()).toBe('done');
    expect((await removePasskey(all, city.technician, id, 'secret')).passkeys).toEqual([]);
    expect(await attempt()).toBe('PASSKEY_REFUSED');
    expect((await enter.local(all)).account.login).toBe('tech');
  });
});

describe('a telephone', () => {
  test('that is in use is not replaced by asking for another one', async () => {
    const all = deps();
    const secret = await addTelephone(all, city.technician);
    expect(await codeOf(offerTotp(all, city.technician, 'secret'))).toBe('FORBIDDEN');
    const { details } = await refusalOf(enter.local(all));
    const step = String(details['step']);
    expect(await codeOf(giveSecondFactor(all, { step, code: codeBy(secret) }, address))).toBe(
      'done',
    );
  });
  test('of one technician does not open, or change, another’s account', async () => {
    const all = deps();
    const mine = await addTelephone(all, city.technician);
    await addTelephone(all, city.administrator);
    const { details } = await refusalOf(
      signIn(all, { login: 'admin', password: 'secret' }, device),
    );
    const step = String(details['step']);
    expect(await codeOf(giveSecondFactor(all, { step, code: codeBy(mine) }, address))).toBe(
      'SECOND_FACTOR_REFUSED',
    );
    await removeTotp(all, city.technician, 'secret');
    expect((await mySecurity(all, city.administrator)).totp).toBe(true);
    expect((await mySecurity(all, city.technician)).totp).toBe(false);
  });
  test('is not asked of a teacher, who may have kept one', async () => {
    const all = deps();
    await addTelephone(all, city.teacher);
    expect((await signIn(all, { login: 'prof', password: 'secret' }, device)).account.login).toBe(
      'prof',
    );
  });
});

test('a name that nobody has costs a hash as a wrong password does', async () => {
  const all = deps();
  for (const login of ['tech', 'nobody', 'lea']) {
    hashed.length = 0;
    expect(await codeOf(signIn(all, { login, password: 'wrong' }, device))).toBe('SIGN_IN_REFUSED');
    expect([login, hashed]).toEqual([login, [login === 'tech' ? 'secret' : null]]);
  }
});
