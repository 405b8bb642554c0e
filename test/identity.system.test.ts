/** Signing in against the real things: slapd, Samba's Active Directory, oidc-provider, a CAS
 * server; PostgreSQL keeps who they are (the cases beside the code run on SQLite). No browser: what
 * it would do is done here, cookie by cookie; test/e2e/sign-in.test.ts has the pages. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Attribute, Change } from 'ldapts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { selectPerson } from '../controller/src/accounts/store.ts';
import { openEdge } from '../controller/src/edge/edge.fixture.ts';
import {
  listDirectories,
  synchroniseDue,
  synchroniseNow,
} from '../controller/src/identity/directories/synchronise.ts';
import { openProviders } from '../controller/src/identity/open-providers.ts';
import { selectPhoto } from '../controller/src/identity/people/store.ts';
import { parseIdentity, readText } from '../controller/src/identity/settings.ts';
import { createIdentity, type Identity, signIn } from '../controller/src/identity/sign-in.ts';
import { createPasswords } from '../controller/src/platform/passwords.ts';
import { type City, codeOf, makeCity, publicUrl } from '../controller/src/testing.fixture.ts';
import { type CasServer, startCas } from './cas-server.fixture.ts';
import {
  adBase,
  adPersonPassword,
  base,
  type RunningDirectory,
  removeSambaAd,
  startSambaAd,
  startSlapd,
} from './directories.fixture.ts';
import { type OidcServer, startOidc } from './oidc-server.fixture.ts';
import { type Postgres, startPostgres } from './postgres.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'preau-identity-'));
const jpeg = Buffer.concat([
  Buffer.from('ffd8ffe000104a464946', 'hex'),
  Buffer.alloc(400, 7),
  Buffer.from('ffd9', 'hex'),
]);
const uai = '0380001A';
let slapd: RunningDirectory;
let ad: RunningDirectory;
let cas: CasServer;
let oidc: OidcServer;
let postgres: Postgres;
let city: City;
let identity: Identity;
let app: Awaited<ReturnType<typeof openEdge>>;
const hour = 3_600_000;

const filetime = (ms: number) => String((ms + 11_644_473_600_000) * 10_000);
const adGroup = (name: string) => `CN=${name},OU=Groupes,${adBase}`;
/** What stands in the files of a city, for these servers. */
const settings = () => ({
  provider: [
    {
      id: 'mairie',
      kind: 'ldap',
      flavour: 'openldap',
      name: { fr: 'Annuaire des écoles', en: 'Schools’ directory' },
      url: slapd.url,
      start_tls: true,
      ca_file: slapd.ca,
      server_name: 'localhost',
      bind_dn: slapd.bindDn,
      bind_password: slapd.bindPassword,
      base: `ou=people,${base}`,
      group_base: `ou=groups,${base}`,
      domains: ['ecole.fr'],
      default_role: 'pupil',
      sync_minutes: 60,
      page_size: 100,
      timeout_ms: 1500,
      site: { attribute: 'o' },
      class: { attribute: 'departmentNumber' },
      attributes: { level: 'employeeType' },
      role: [{ role: 'teacher', group: 'personnels' }],
      group: [{ group: 'chorale', as: 'Chorale' }],
    },
    {
      id: 'ad',
      kind: 'ldap',
      flavour: 'active-directory',
      name: { fr: 'Active Directory', en: 'Active Directory' },
      url: ad.secureUrl,
      ca_file: ad.ca,
      bind_dn: ad.bindDn,
      bind_password: ad.bindPassword,
      base: `OU=Ecoles,${adBase}`,
      group_base: `OU=Groupes,${adBase}`,
      domains: ['ecole.test'],
      default_role: 'pupil',
      sync_minutes: 60,
      timeout_ms: 3000,
      site: { attribute: 'physicalDeliveryOfficeName', pattern: '([0-9]{7}[A-Z])' },
      class: { attribute: 'department' },
      role: [
        { role: 'technician', group: adGroup('Techniciens') },
        { role: 'teacher', group: adGroup('Personnels') },
      ],
    },
    {
      id: 'ent',
      kind: 'cas',
      name: { fr: 'ENT', en: 'School portal' },
      url: cas.url,
      groups_attribute: 'ENTPersonProfils',
      site: { attribute: 'ENTPersonStructRattach' },
      class: { attribute: 'ENTEleveClasses' },
      role: [
        { role: 'pupil', group: 'National_ELV' },
        { role: 'teacher', group: 'National_ENS' },
      ],
    },
    {
      id: 'connect',
      kind: 'oidc',
      name: { fr: 'Ville Connect', en: 'City Connect' },
      issuer: oidc.issuer,
      client_id: 'preau',
      client_secret: 'secret-of-preau-in-tests-1234',
      groups_claim: 'groups',
      site: { attribute: 'school' },
      role: [{ role: 'teacher', group: 'enseignants' }],
      default_role: 'pupil',
    },
  ],
});

beforeAll(async () => {
  const people = [
    {
      uid: 'lea.martin',
      cn: 'Léa Martin',
      more: { o: uai, departmentNumber: 'CM2 A', employeeType: 'CM2' },
      photo: jpeg,
    },
    { uid: 'paul.durand', cn: 'Paul Durand', more: { o: uai } },
    { uid: 'eve.deep', cn: 'Ève Profonde', more: { o: uai } },
    { uid: 'expire', cn: 'Compte Expiré', more: { shadowExpire: '10' } },
    { uid: 'change', cn: 'À Changer', more: { pwdReset: 'TRUE' } },
    { uid: 'locked', cn: 'Bloqué', more: { pwdAccountLockedTime: '000001010000Z' } },
    ...Array.from({ length: 1200 }, (_, index) => ({
      uid: `eleve${index}`,
      cn: `Élève Numéro ${index}`,
      more: { o: uai, departmentNumber: `CE1 ${index % 40}` },
    })),
  ];
  const out = [
    startSlapd(join(folder, 'slapd'), people, {
      enseignants: ['paul.durand', 'remplacants'],
      remplacants: ['eve.deep', 'personnels'],
      personnels: ['enseignants'],
      chorale: ['lea.martin'],
    }).then((running) => {
      slapd = running;
    }),
    startSambaAd(
      join(folder, 'ad'),
      [
        {
          login: 'lea.martin',
          name: 'Léa Martin',
          more: { physicalDeliveryOfficeName: `École ${uai}`, department: 'CM2 B' },
          photo: jpeg,
        },
        { login: 'dominique', name: 'Dominique Lefort', more: { physicalDeliveryOfficeName: uai } },
        { login: 'tech.ad', name: 'Technicienne AD' },
        { login: 'ferme', name: 'Compte Fermé', more: { userAccountControl: '514' } },
        {
          login: 'expire',
          name: 'Compte Expiré',
          more: { accountExpires: filetime(1_600_000_000_000) },
        },
        { login: 'change', name: 'À Changer', more: { pwdLastSet: '0' } },
        { login: 'bloque', name: 'Bloqué' },
      ],
      { Enseignants: ['dominique'], Personnels: ['Enseignants'], Techniciens: ['tech.ad'] },
    ).then((running) => {
      ad = running;
    }),
    startCas({
      'lea.martin': {
        password: 'cas',
        attributes: {
          displayName: 'Léa <Martin>',
          ENTPersonProfils: 'National_ELV',
          ENTPersonStructRattach: uai,
          ENTEleveClasses: ['CM2 C'],
          mail: 'lea@ent.fr',
        },
      },
      stranger: { password: 'cas', attributes: { ENTPersonProfils: 'National_EVS' } },
    }).then((running) => {
      cas = running;
    }),
    startOidc(
      { id: 'preau', secret: 'secret-of-preau-in-tests-1234', publicUrl, provider: 'connect' },
      {
        'lea-sub': {
          name: 'Léa Martin',
          preferred_username: 'lea.martin',
          school: uai,
          groups: ['eleves'],
          role: 'administrator',
          admin: true,
          isMemberOf: ['administrator', 'enseignants'],
        },
        'prof-sub': {
          name: 'Prof Connect',
          preferred_username: 'admin',
          school: uai,
          groups: ['enseignants', 'administrator'],
        },
      },
    ).then((running) => {
      oidc = running;
    }),
  ];
  await Promise.all(out);
  postgres = await startPostgres();
  city = await makeCity(await postgres.newDatabase());
  const providers = openProviders(city.platform, parseIdentity(settings(), readText));
  identity = createIdentity(city.platform, providers);
  const [technician] = await city.platform.database
    .selectFrom('accounts')
    .select('id')
    .where('login', '=', 'tech')
    .execute();
  await city.platform.database
    .updateTable('accounts')
    .set({ password_hash: await createPasswords().hash('bris-de-glace') })
    .where('id', '=', technician?.id ?? '')
    .execute();
  app = await openEdge(city.platform, {
    originAllowed: (origin) => origin === publicUrl,
    identity,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
}, 120_000);

afterAll(async () => {
  await app?.close();
  await city?.close();
  await Promise.all([slapd?.stop(), ad?.stop(), cas?.close(), oidc?.close()]);
  await postgres?.stop();
  removeSambaAd(join(folder, 'ad'));
  rmSync(folder, { recursive: true, force: true });
});

const deps = () => ({ ...city.platform, identity, publicUrl: () => publicUrl });
const enter = (login: string, password: string, provider?: string, address = '10.0.0.1') =>
  signIn(
    deps(),
    { login, password, ...(provider === undefined ? {} : { provider }) },
    { address, mood: 'calm' },
  );
const groupsOf = async (accountId: string) =>
  (
    await city.platform.database
      .selectFrom('group_members as m')
      .innerJoin('groups as g', 'g.id', 'm.group_id')
      .select('g.name')
      .where('m.account_id', '=', accountId)
      .orderBy('g.name')
      .execute()
  ).map(({ name }) => name);

describe('OpenLDAP, by StartTLS', () => {
  test('a pupil: school, class, group, attribute, photograph', async () => {
    const { account } = await enter('lea.martin@ecole.fr', 'mot-de-passe');
    expect(account).toMatchObject({
      displayName: 'Léa Martin',
      role: 'pupil',
      siteName: 'École Victor-Hugo',
    });
    expect(await groupsOf(account.id)).toEqual(['CM2 A', 'Chorale']);
    expect((await selectPerson(city.platform.database, account)).attributes).toEqual({
      level: ['CM2'],
    });
    expect(await selectPhoto(city.platform.database, account.id)).toEqual(jpeg);
  });
  test('groups inside groups, in a circle', async () => {
    expect((await enter('paul.durand', 'mot-de-passe', 'mairie')).account.role).toBe('teacher');
    expect((await enter('eve.deep', 'mot-de-passe', 'mairie')).account.role).toBe('teacher');
  });
  test('each reason has its own sentence, and only for who has the password', async () => {
    expect(await codeOf(enter('expire', 'mot-de-passe', 'mairie'))).toBe('ACCOUNT_EXPIRED');
    expect(await codeOf(enter('change', 'mot-de-passe', 'mairie'))).toBe('PASSWORD_MUST_CHANGE');
    expect(await codeOf(enter('locked', 'mot-de-passe', 'mairie'))).toBe('ACCOUNT_LOCKED');
    for (const login of ['expire', 'change', 'nobody-at-all'])
      expect(await codeOf(enter(login, 'wrong', 'mairie'))).toBe('SIGN_IN_REFUSED');
  });
  test('an empty password is no anonymous bind; nothing typed has a meaning in a filter', async () => {
    const [directory] = identity.providers;
    if (directory?.kind !== 'ldap') throw new Error('no directory');
    expect(await directory.ask('lea.martin', '')).toEqual({ kind: 'wrong' });
    for (const login of [
      '*',
      'lea*',
      'lea.martin)(uid=*',
      '*)(objectClass=*',
      'lea.martin\\2a',
      'lea.martin\u0000',
      ')(|(uid=*',
      '\\6cea.martin',
      `uid=lea.martin,ou=people,${base}`,
    ])
      expect(await directory.ask(login, 'mot-de-passe')).toEqual({ kind: 'unknown' });
  });
  test('another authority’s certificate, and a name that is not its own, are not believed', async () => {
    const [mairie] = settings().provider;
    const other = async (change: object) => {
      const [provider] = openProviders(
        city.platform,
        parseIdentity({ provider: [{ ...mairie, ...change }] }, readText),
      );
      return codeOf(
        signIn(
          {
            ...deps(),
            identity: createIdentity(city.platform, provider === undefined ? [] : [provider]),
          },
          { login: 'lea.martin', password: 'mot-de-passe', provider: 'mairie' },
          { address: '10.0.0.1', mood: 'calm' },
        ),
      );
    };
    expect(await other({ ca_file: ad.ca })).toBe('DIRECTORY_UNAVAILABLE');
    expect(await other({ server_name: 'annuaire.ville.fr' })).toBe('DIRECTORY_UNAVAILABLE');
    expect(await other({ ca_file: undefined })).toBe('DIRECTORY_UNAVAILABLE');
    expect(await other({})).toBe('done');
  });
});

describe('Active Directory, by LDAPS', () => {
  test('a namesake of another directory is somebody else, and has another login', async () => {
    const first = await enter('lea.martin', 'mot-de-passe', 'mairie');
    const { account } = await enter('lea.martin@ecole.test', adPersonPassword);
    expect(account).toMatchObject({
      displayName: 'Léa Martin',
      role: 'pupil',
      siteName: 'École Victor-Hugo',
    });
    expect([account.id === first.account.id, account.login]).toEqual([false, 'lea.martin-2']);
    expect(await groupsOf(account.id)).toEqual(['CM2 B']);
    expect(await selectPhoto(city.platform.database, account.id)).toEqual(jpeg);
    expect((await enter('lea.martin', 'mot-de-passe', 'mairie')).account.id).toBe(first.account.id);
  });
  test('nested groups by the matching rule; the technician it names', async () => {
    expect((await enter('dominique', adPersonPassword, 'ad')).account.role).toBe('teacher');
    expect((await enter('tech.ad', adPersonPassword, 'ad')).account.role).toBe('technician');
  });
  test('disabled, expired, must change, locked', async () => {
    await ad.change((client) =>
      client.modify(adBase, [
        new Change({
          operation: 'replace',
          modification: new Attribute({ type: 'lockoutThreshold', values: ['2'] }),
        }),
      ]),
    );
    expect(await codeOf(enter('ferme', adPersonPassword, 'ad'))).toBe('ACCOUNT_DISABLED');
    expect(await codeOf(enter('expire', adPersonPassword, 'ad'))).toBe('ACCOUNT_EXPIRED');
    expect(await codeOf(enter('change', adPersonPassword, 'ad'))).toBe('PASSWORD_MUST_CHANGE');
    for (let count = 0; count < 2; count += 1)
      expect(await codeOf(enter('bloque', 'wrong', 'ad'))).toBe('SIGN_IN_REFUSED');
    expect(await codeOf(enter('bloque', adPersonPassword, 'ad'))).toBe('ACCOUNT_LOCKED');
    expect(await codeOf(enter('*', adPersonPassword, 'ad'))).toBe('SIGN_IN_REFUSED');
  });
});

describe('a page of their own', () => {
  const askOurs = (url: URL, cookie: string) =>
    app
      .inject({ method: 'GET', url: url.pathname + url.search, headers: { cookie } })
      .then((answer) => ({
        status: answer.statusCode,
        location: answer.headers.location,
        text: answer.body,
        set: [answer.headers['set-cookie'] ?? []].flat(),
      }));
  const ask = (url: URL, cookie: string, body?: URLSearchParams) =>
    fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: { cookie },
      ...(body === undefined ? {} : { body }),
    }).then(async (answer) => ({
      status: answer.status,
      location: answer.headers.get('location') ?? undefined,
      text: await answer.text(),
      set: answer.headers.getSetCookie(),
    }));
  /** A browser without a screen: follows addresses and keeps cookies. Ours are asked from the app
   * itself. */
  function browser() {
    const jar = new Map<string, Map<string, string>>();
    const go = async (
      address: string,
      body?: URLSearchParams,
    ): Promise<{ status: number; address: string; text: string }> => {
      const url = new URL(address);
      const cookies = jar.get(url.host) ?? new Map<string, string>();
      jar.set(url.host, cookies);
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const reply = await (url.origin === publicUrl
        ? askOurs(url, cookie)
        : ask(url, cookie, body));
      for (const line of reply.set) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) cookies.delete(name);
        else cookies.set(name, value);
      }
      if (reply.location === undefined) return { status: reply.status, address, text: reply.text };
      const next = new URL(reply.location, address).href;
      // The page itself is the console's: there is none here.
      if (next.startsWith(publicUrl) && !next.startsWith(`${publicUrl}/api/`))
        return { status: reply.status, address: next, text: '' };
      return go(next);
    };
    const me = async () =>
      (
        await app.inject({
          url: '/api/me',
          headers: {
            cookie: [...(jar.get(new URL(publicUrl).host) ?? [])]
              .map(([name, value]) => `${name}=${value}`)
              .join('; '),
          },
        })
      ).json<{ id: string; login: string; role: string; code?: string; siteName: string }>();
    return { go, me, cookies: jar };
  }
  const formOf = (page: { address: string; text: string }) =>
    new URL(/action="([^"]+)"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&') ?? '', page.address)
      .href;

  test('CAS: in, and out when the CAS server says so; a ticket or a browser of others opens nothing', async () => {
    const tab = browser();
    const page = await tab.go(`${publicUrl}/api/sign-in/with/ent?to=/admin/rules`);
    const back = await tab.go(
      formOf(page),
      new URLSearchParams({ username: 'lea.martin', password: 'cas' }),
    );
    expect(back.address).toBe(`${publicUrl}/admin/rules`);
    const me = await tab.me();
    expect(me).toMatchObject({
      role: 'pupil',
      siteName: 'École Victor-Hugo',
      displayName: 'Léa <Martin>',
    });
    expect(await groupsOf(me.id)).toEqual(['CM2 C']);

    // The address of somebody's return, in another browser: it never began a trip.
    const thief = browser();
    const begun = await tab.go(`${publicUrl}/api/sign-in/with/ent`);
    expect(begun.address).toBe(`${publicUrl}/`);
    expect(
      (await thief.go(`${publicUrl}/api/sign-in/back/ent?state=x&ticket=ST-1-abcdefghij`)).address,
    ).toBe(`${publicUrl}/?refused=STEP_EXPIRED`);
    expect(await thief.me()).toMatchObject({ code: 'NOT_SIGNED_IN' });
    for (const to of ['//evil.example', '/\\evil.example', 'https://evil.example', '/api/health']) {
      const where = await tab.go(`${publicUrl}/api/sign-in/with/ent?to=${encodeURIComponent(to)}`);
      // Not even a trip is begun; a page of ours that is none leads home.
      expect([where.status, where.address]).toEqual(
        to === '/api/health'
          ? [303, `${publicUrl}/`]
          : [400, expect.stringContaining('/api/sign-in/with/ent')],
      );
    }

    for (const xml of [
      '<cas:serviceResponse xmlns:cas="x"><cas:authenticationSuccess>' +
        '<cas:user>a</cas:user><cas:user>admin</cas:user>' +
        '</cas:authenticationSuccess></cas:serviceResponse>',
      'yes\nlea.martin\n',
      '<!DOCTYPE x [<!ENTITY e "admin">]><cas:serviceResponse xmlns:cas="x">' +
        '<cas:authenticationSuccess><cas:user>&e;</cas:user></cas:authenticationSuccess>' +
        '</cas:serviceResponse>',
      '<cas:serviceResponse xmlns:cas="x">' +
        '<cas:authenticationFailure code="X">no</cas:authenticationFailure>' +
        '<cas:authenticationSuccess><cas:user>admin</cas:user></cas:authenticationSuccess>' +
        '</cas:serviceResponse>',
    ]) {
      cas.answerWith(xml);
      expect((await tab.go(`${publicUrl}/api/sign-in/with/ent`)).address).toBe(
        `${publicUrl}/?refused=PROVIDER_REFUSED`,
      );
    }
    const other = browser();
    const strangers = await other.go(`${publicUrl}/api/sign-in/with/ent`);
    expect(
      (
        await other.go(
          formOf(strangers),
          new URLSearchParams({ username: 'stranger', password: 'cas' }),
        )
      ).address,
    ).toBe(`${publicUrl}/?refused=NOT_ADMITTED`);

    // Single logout: here the message is brought by hand, because nobody knows the name
    // `preau.example`.
    const nonsense = await app.inject({
      method: 'POST',
      url: '/api/sign-in/back/ent',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'logoutRequest=%3Cx%2F%3E',
    });
    expect(nonsense.statusCode).toBe(400);
    for (const ticket of cas.tickets())
      await app.inject({
        method: 'POST',
        url: '/api/sign-in/back/ent',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: new URLSearchParams({
          logoutRequest:
            '<samlp:LogoutRequest ' +
            `xmlns:samlp="p"><samlp:SessionIndex>${ticket}</samlp:SessionIndex></samlp:LogoutRequest>`,
        }).toString(),
      });
    expect(await tab.me()).toMatchObject({ code: 'NOT_SIGNED_IN' });
    // Nowhere else is a form taken for a call.
    expect(
      (
        await app.inject({
          method: 'POST',
          url: '/api/sign-in',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          payload: 'login=lea&password=right',
        })
      ).statusCode,
    ).toBe(400);
  });

  test(
    'OpenID Connect: in with PKCE, state and nonce; claims that lie give nothing; back-channel ' +
      'and front-channel logout',
    async () => {
      const inside = async (sub: string) => {
        const tab = browser();
        let page = await tab.go(`${publicUrl}/api/sign-in/with/connect`);
        expect(page.text).toContain('name="login"');
        page = await tab.go(
          formOf(page),
          new URLSearchParams({ prompt: 'login', login: sub, password: 'any' }),
        );
        if (page.text.includes('consent'))
          page = await tab.go(formOf(page), new URLSearchParams({ prompt: 'consent' }));
        expect(page.address).toBe(`${publicUrl}/`);
        return tab;
      };
      const pupil = await inside('lea-sub');
      expect(await pupil.me()).toMatchObject({
        role: 'pupil',
        siteName: 'École Victor-Hugo',
        displayName: 'Léa Martin',
      });
      const teacher = await inside('prof-sub');
      const me = await teacher.me();
      // Calls itself `admin`, and says it is in `administrator`: neither is mapped.
      expect([me.role, me.login]).toEqual(['teacher', 'admin-2']);

      const rows = await city.platform.database
        .selectFrom('sign_ins')
        .selectAll()
        .where('account_id', '=', me.id)
        .execute();
      expect(rows[0]).toMatchObject({
        provider: 'connect',
        provider_subject: 'prof-sub',
        provider_session: expect.any(String),
      });
      expect(rows[0]?.id_token).not.toContain('eyJ');
      const refusedToken = async (token: string) =>
        (
          await app.inject({
            method: 'POST',
            url: '/api/sign-in/back/connect',
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            payload: new URLSearchParams({ logout_token: token }).toString(),
          })
        ).statusCode;
      const unseal = city.platform.secrets.unseal(rows[0]?.id_token ?? '');
      // An identity token is signed by the same provider for us, and is no logout token; nor is one
      // without a signature.
      expect(await refusedToken(unseal)).toBe(400);
      const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const claims = {
        iss: oidc.issuer,
        aud: 'preau',
        sub: 'prof-sub',
        jti: 'x',
        iat: Math.floor(Date.now() / 1000),
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      };
      const unsigned = `${encoded({ alg: 'none' })}.${encoded(claims)}.`;
      expect(await refusedToken(unsigned)).toBe(400);
      expect(await teacher.me()).toMatchObject({ role: 'teacher' });

      // The real thing: the provider tells us about the end of its session.
      const sent = await oidc.logoutToken('prof-sub', rows[0]?.provider_session ?? '');
      expect(await refusedToken(sent)).toBe(200);
      expect(await teacher.me()).toMatchObject({ code: 'NOT_SIGNED_IN' });
      expect(await refusedToken(sent)).toBe(400);
      expect(await pupil.me()).toMatchObject({ role: 'pupil' });

      const session =
        (
          await city.platform.database
            .selectFrom('sign_ins')
            .select('provider_session')
            .where('provider_subject', '=', 'lea-sub')
            .executeTakeFirst()
        )?.provider_session ?? '';
      const gone = (query: Record<string, string>) =>
        app.inject({ url: `/api/sign-in/gone/connect?${new URLSearchParams(query)}` });
      expect((await gone({ iss: 'https://evil.example', sid: session })).statusCode).toBe(204);
      expect(await pupil.me()).toMatchObject({ role: 'pupil' });
      await gone({ iss: oidc.issuer, sid: session });
      expect(await pupil.me()).toMatchObject({ code: 'NOT_SIGNED_IN' });

      const again = await inside('lea-sub');
      const cookie = [...(again.cookies.get('preau.example') ?? [])]
        .map(([name, value]) => `${name}=${value}`)
        .join('; ');
      const { next } = (
        await app.inject({
          method: 'POST',
          url: '/api/sign-out/everywhere',
          headers: { cookie, origin: publicUrl },
        })
      ).json<{ next: string }>();
      expect(next).toMatch(new RegExp(`^${oidc.issuer}/session/end\\?`));
      expect((await app.inject({ url: next.replace(oidc.issuer, '/nowhere') })).statusCode).toBe(
        404,
      );
      expect((await fetch(next, { redirect: 'manual' })).status).toBeLessThan(400);
    },
  );
});

describe('synchronisation', () => {
  const account = (login: string) =>
    city.platform.database
      .selectFrom('accounts')
      .selectAll()
      .where('login', '=', login)
      .executeTakeFirst();
  test('everybody, page by page; once more changes nothing; who is gone is out at once', async () => {
    city.time.at += hour;
    await synchroniseDue(deps());
    const [mairie, active] = await listDirectories(deps());
    expect(mairie).toMatchObject({
      id: 'mairie',
      state: 'done',
      differences: { read: 1206, vanished: 0, refused: 0 },
    });
    expect(mairie?.accounts).toBe(1204);
    expect(active).toMatchObject({ id: 'ad', state: 'done', differences: { read: 7 } });
    // The directory bars them: they are not let in.
    expect(await account('ferme')).toBeUndefined();
    expect((await account('eve.deep'))?.role).toBe('teacher');
    expect((await account('dominique'))?.role).toBe('teacher');
    await synchroniseNow(deps(), city.technician, 'mairie', null);
    expect((await listDirectories(deps()))[0]?.differences).toMatchObject({
      added: 0,
      changed: 0,
      vanished: 0,
    });

    const { token, account: pupil } = await enter('lea.martin', 'mot-de-passe', 'mairie');
    city.woken.length = 0;
    await slapd.change((client) => client.del(`uid=lea.martin,ou=people,${base}`));
    await slapd.change((client) =>
      client.modify(`uid=eleve1,ou=people,${base}`, [
        new Change({
          operation: 'replace',
          modification: new Attribute({ type: 'departmentNumber', values: ['CE2 Z'] }),
        }),
      ]),
    );
    await synchroniseNow(deps(), city.technician, 'mairie', null);
    expect((await listDirectories(deps()))[0]).toMatchObject({
      state: 'done',
      differences: { added: 0, changed: 1, vanished: 1 },
      disabled: 1,
    });
    expect(
      (await app.inject({ url: '/api/me', headers: { cookie: `preau_sign_in=${token}` } })).json(),
    ).toMatchObject({ code: 'NOT_SIGNED_IN' });
    expect(city.woken.some((topic) => topic.startsWith('sign-in:'))).toBe(true);
    expect((await account('lea.martin'))?.id).toBe(pupil.id);
    expect(await groupsOf((await account('eleve1'))?.id ?? '')).toEqual(['CE2 Z']);
  });

  test('too many would vanish: nothing happens until a technician has confirmed exactly that', async () => {
    await slapd.change(async (client) => {
      for (let index = 100; index < 260; index += 1)
        await client.del(`uid=eleve${index},ou=people,${base}`);
    });
    city.time.at += hour;
    await synchroniseDue(deps());
    const [braked] = await listDirectories(deps());
    expect(braked).toMatchObject({
      state: 'braked',
      differences: { vanished: 160 },
      disabled: 1,
      confirm: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(await codeOf(synchroniseNow(deps(), city.technician, 'mairie', 'a'.repeat(64)))).toBe(
      'SYNC_BRAKED',
    );
    await slapd.change((client) => client.del(`uid=eleve300,ou=people,${base}`));
    expect(
      await codeOf(synchroniseNow(deps(), city.technician, 'mairie', braked?.confirm ?? '')),
    ).toBe('SYNC_BRAKED');
    const now = await synchroniseNow(
      deps(),
      city.technician,
      'mairie',
      (await listDirectories(deps()))[0]?.confirm ?? '',
    );
    expect(now).toMatchObject({ state: 'done', disabled: 162 });
    const actions = (
      await city.platform.database
        .selectFrom('audit_events')
        .select('action')
        .where('action', 'like', 'directory.%')
        .execute()
    ).map((row) => row.action);
    expect(actions.filter((action) => action === 'directory.confirmed')).toHaveLength(1);
  });
});

describe('a directory that is away', () => {
  test('frozen: a sentence within its time; who is in stays in; the city’s technician does not wait', async () => {
    const { token } = await enter('paul.durand', 'mot-de-passe', 'mairie');
    await slapd.freeze(true);
    const started = performance.now();
    expect(await codeOf(enter('paul.durand', 'mot-de-passe', 'mairie'))).toBe(
      'DIRECTORY_UNAVAILABLE',
    );
    expect(performance.now() - started).toBeLessThan(3000);
    expect(
      (await app.inject({ url: '/api/me', headers: { cookie: `preau_sign_in=${token}` } }))
        .statusCode,
    ).toBe(200);
    const glass = performance.now();
    expect((await enter('tech', 'bris-de-glace')).account.role).toBe('technician');
    expect(performance.now() - glass).toBeLessThan(1000);
    // Not let in because nobody can say no.
    expect(await codeOf(enter('tech', 'wrong'))).toBe('DIRECTORY_UNAVAILABLE');
    // Nobody is shut out because nobody answers: the list is as it was, and says why.
    const known = (await listDirectories(deps())).find(({ id }) => id === 'mairie');
    expect(await synchroniseNow(deps(), city.technician, 'mairie', null)).toMatchObject({
      state: 'failed',
      problem: expect.stringMatching(/./),
      accounts: known?.accounts,
      disabled: known?.disabled,
    });
    await slapd.freeze(false);
  });
  test('stopped, cut, or another program on its port', async () => {
    await slapd.stop();
    expect(await codeOf(enter('paul.durand', 'mot-de-passe', 'mairie'))).toBe(
      'DIRECTORY_UNAVAILABLE',
    );
    expect(await codeOf(enter('lea.martin@ecole.test', adPersonPassword))).toBe('done');
    const silent = createServer((socket) =>
      socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    await new Promise<void>((resolve) =>
      silent.listen(Number(new URL(slapd.url.replace('ldap', 'http')).port), '127.0.0.1', resolve),
    );
    expect(await codeOf(enter('paul.durand', 'mot-de-passe', 'mairie'))).toBe(
      'DIRECTORY_UNAVAILABLE',
    );
    silent.close();
    await slapd.start();
    expect(await codeOf(enter('paul.durand', 'mot-de-passe', 'mairie'))).toBe('done');
  });
});
