/** A call of each route that does what it is for: for tests that go through every route. */

import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import type { Caller, RouteName } from '@preau/contract/api.ts';
import { badgeText } from '@preau/contract/badge.ts';
import { codeOf as codeOfClass } from '@preau/contract/classes.ts';
import type { errors } from '@preau/contract/errors.ts';
import { noChoices } from '@preau/contract/people-import.ts';
import { PROTOCOL } from '@preau/contract/protocol.ts';
import type { RequestDraft } from '@preau/contract/request.ts';
import type { ScheduleDraft } from '@preau/contract/rollout.ts';
import { defaultDraft, type RolloutDraft } from '@preau/contract/rollout-draft.ts';
import { defaultTerms, plainRule, type RuleDraft } from '@preau/contract/rule.ts';
import { noSettings } from '@preau/contract/site.ts';
import { expect } from 'vitest';
import { createRule, withdrawRule } from '#src/access/rules.ts';
import { createSiteGroup } from '#src/access/site-groups.ts';
import { insertGroup } from '#src/accounts/store.ts';
import { createToken } from '#src/accounts/tokens/tokens.ts';
import { createApplication } from '#src/applications/create.ts';
import { setIcon } from '#src/applications/icons/icons.ts';
import { storeFile } from '#src/applications/packages/packages.ts';
import { createScript } from '#src/applications/scripts/scripts.ts';
import { application, server, site } from '#src/builders.fixture.ts';

import { raiseBadge, savePictureHash } from '#src/classes/badges/store.ts';
import { previewImport } from '#src/classes/people/preview.ts';
import { keepPhoto } from '#src/identity/people/store.ts';
import { newId, sha256 } from '#src/platform/secrets.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { approveRequest } from '#src/requests/answer.ts';
import { askForProgram } from '#src/requests/ask.ts';
import { createRollout } from '#src/rollouts/plan/create.ts';
import { startRollout } from '#src/rollouts/plan/start.ts';
import { readRollout } from '#src/rollouts/read.ts';
import { createSchedule } from '#src/rollouts/schedules/schedules.ts';
import { pauseRollout } from '#src/rollouts/steer.ts';
import { insertAddition } from '#src/servers/additions/store.ts';
import { createEnrolmentCode } from '#src/servers/enrolment/enrol.ts';
import { restartServers } from '#src/servers/restarts/ask.ts';
import { askForFile, bringFile } from '#src/sessions/exchange/exchange.ts';
import { receiveAsked } from '#src/sessions/exchange/serve.ts';
import { launch } from '#src/sessions/launch.ts';
import { listRecordings, startRecording } from '#src/sessions/recordings/recordings.ts';
import { selectSession } from '#src/sessions/store.ts';
import { saveSiteSettings } from '#src/sites/store.ts';
import { type City, publicUrl, readySession } from '#src/testing.fixture.ts';
import { identityCallsOf } from './calls-identity.fixture.ts';

export const roles = [
  'none',
  'pupil',
  'teacher',
  'contact',
  'technician',
  'administrator',
  'agent',
] as const;
export type Role = (typeof roles)[number];
/** `body`: bytes are sent as they are. `status`: for those it is open to. `after`: asserts what a
 * call that succeeded has done, where neither its audit event nor its wake-up tells it. */
export interface RouteCall {
  params?: Record<string, string>;
  query?: string;
  body?: unknown;
  headers?: Record<string, string>;
  status?: number;
  after?: () => Promise<void>;
}

/** Everybody else is sent away. */
const open = (...to: Role[]) =>
  Object.fromEntries(
    roles.map((role) => [
      role,
      to.includes(role) ? null : role === 'none' ? 'NOT_SIGNED_IN' : 'FORBIDDEN',
    ]),
  ) as Record<Role, keyof typeof errors | null>;

/** What the route table alone says of a caller: null lets them in. */
export const refusal: Record<Caller, Record<Role, keyof typeof errors | null>> = {
  public: open('none', 'pupil', 'teacher', 'contact', 'technician', 'administrator', 'agent'),
  signedIn: open('pupil', 'teacher', 'contact', 'technician', 'administrator'),
  teacher: open('teacher', 'contact', 'technician', 'administrator'),
  contact: open('contact', 'technician', 'administrator'),
  technician: open('technician', 'administrator'),
  administrator: open('administrator'),
  agent: {
    none: 'AGENT_REFUSED',
    pupil: 'AGENT_REFUSED',
    teacher: 'AGENT_REFUSED',
    contact: 'AGENT_REFUSED',
    technician: 'AGENT_REFUSED',
    administrator: 'AGENT_REFUSED',
    agent: null,
  },
};

/** Of a machine that takes the call and says nothing, so that whoever calls it waits. */
const silentPort = async (): Promise<number> => {
  const machine = createServer((socket) => void socket.on('error', () => undefined).unref());
  await new Promise<void>((resolve) => machine.listen(0, '127.0.0.1', resolve));
  machine.unref();
  return (machine.address() as AddressInfo).port;
};

export const onePixel = () => {
  const image = Buffer.alloc(40);
  Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').copy(image);
  image.writeUInt32BE(1, 16);
  image.writeUInt32BE(1, 20);
  return image.toString('base64');
};

export function callsOf(city: () => City): {
  [N in RouteName]: (role: Role) => Promise<RouteCall>;
} {
  const anyName = () => `Groupe ${randomBytes(6).toString('hex')}`;
  const upload = (content: Buffer) =>
    storeFile(
      city().platform,
      city().technician,
      { name: 'a.bin', sha256: sha256(content) },
      content,
    );
  const rolloutDraft = (): RolloutDraft => ({
    ...defaultDraft,
    name: 'GIMP partout',
    items: [{ applicationId: city().applications.gimp.id, want: 'present' }],
    where: { all: false, siteIds: [city().site.id], groupIds: [], serverIds: [], labels: [] },
  });
  const drawing = (): RuleDraft => ({
    ...plainRule,
    effect: 'allow',
    target: { kind: 'category', category: 'drawing' },
    audience: { kind: 'role', role: 'pupil' },
    place: { kind: 'site', siteId: city().site.id },
  });
  const newRule = () => createRule(city().platform, city().technician, drawing());
  const scheduleDraft = (): ScheduleDraft => ({
    name: 'Le mercredi',
    when: { days: [3], at: '14:00', period: 'outside_holidays' },
    draft: rolloutDraft(),
  });
  const plannedRollout = async () =>
    readRollout(
      city().platform,
      city().technician,
      await createRollout(city().platform, city().technician, rolloutDraft()),
    );
  const startedRollout = async () => {
    const { id, plan } = await plannedRollout();
    await startRollout(city().platform, city().technician, id, {
      planHash: plan.hash,
      force: true,
    });
    return id;
  };
  const wish = (applicationId: string | null): RequestDraft => ({
    applicationId,
    name: 'Solfège facile',
    purpose: 'Apprendre les notes en CE1',
    link: 'https://solfege.example/',
    wantedBy: '2027-02-01',
    wish: 'class',
  });
  const requestOf = async (role: Role) =>
    (
      await askForProgram(
        city().platform,
        role === 'contact' ? city().contact : city().teacher,
        wish(null),
      )
    ).id;
  const newRequest = async (applicationId: string | null = null) =>
    (
      await askForProgram(
        city().platform,
        await city().account(`prof-${randomBytes(6).toString('hex')}`, 'teacher'),
        wish(applicationId),
      )
    ).id;
  const pupilClass = async () => {
    await saveSiteSettings(city().platform.database, city().site.id, {
      ...noSettings,
      networks: [{ subnet: '127.0.0.0/8', labels: [] }],
    });
    return insertGroup(
      city().platform.database,
      { kind: 'class', name: anyName(), siteId: city().site.id },
      [city().pupil.id],
    );
  };
  const pupilBadge = async () => {
    await pupilClass();
    const serial = await raiseBadge(
      city().platform.database,
      city().pupil.id,
      city().time.at,
      '2027-01-15',
    );
    return badgeText(
      { accountId: city().pupil.id, siteId: city().site.id, serial, issuedOn: '2027-01-15' },
      city().platform.secrets.sign,
    );
  };
  const peopleTable = 'Nom;Prénom;Classe\nVIDAL;Zoé;CM1 A\n';
  const peopleFile = (plan: string | null = null) =>
    Buffer.from(`${JSON.stringify({ ...noChoices, plan })}\n${peopleTable}`);
  const pupilSession = async () =>
    (await launch(city().platform, city().pupil, { application: 'tuxpaint', language: 'fr' }))
      .session.id;
  async function* bytes(): AsyncGenerator<Buffer> {
    yield Buffer.from('bytes');
  }
  const exchangeSession = async () => {
    const { platform, technician, applications, agent } = city();
    await createRule(platform, technician, {
      ...plainRule,
      effect: 'allow',
      target: { kind: 'application', applicationId: applications.tuxpaint.id },
      audience: { kind: 'role', role: 'pupil' },
      how: { ...defaultTerms, files: 'both', printing: true },
    });
    const id = await pupilSession();
    await acceptReport(
      platform,
      agent.actor,
      agent.report({
        sessions: [
          readySession(id, 1, null, [{ kind: 'file', name: 'dessin.png', bytes: 5, changedAt: 1 }]),
        ],
      }),
    );
    return id;
  };
  const askedFile = async () =>
    (
      await askForFile(
        city().platform,
        city().pupil,
        await exchangeSession(),
        { kind: 'file', name: 'dessin.png' },
        null,
      )
    ).id;
  const sentFile = async () => {
    const id = await askedFile();
    await receiveAsked(
      city().platform,
      city().agent.actor,
      id,
      { sha256: sha256('bytes'), size: 5 },
      bytes(),
    );
    return id;
  };
  const recorded = async () => {
    const recorder = await startRecording(
      city().platform,
      city().pupil,
      await pupilSession(),
      Buffer.from('4.size,1.0,3.800,3.600;'),
    );
    city().woken.length = 0;
    recorder.end();
    // Closed by the disk, in its own time; then pages are told.
    for (;;) {
      const [newest] = (await listRecordings(city().platform, city().technician, { limit: 1 }))
        .items;
      if (newest !== undefined && newest.endedAt !== null && city().woken.includes('recordings'))
        return newest.id;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  /** The agent says when its machine has started, so it can be told to restart. */
  const mayRestart = () =>
    city()
      .platform.database.updateTable('servers')
      .set({
        boot: JSON.stringify({
          bootId: '00000000-0000-4000-8000-000000000000',
          restartNeeded: null,
        }),
      })
      .where('id', '=', city().agent.actor.id)
      .execute();
  const begunAddition = async () => {
    const id = newId('add');
    await insertAddition(city().platform.database, {
      ...server(city().site.id),
      id,
      siteId: city().site.id,
      host: '127.0.0.1',
      port: 1,
      login: 'root',
      hostKey: `SHA256:${'a'.repeat(43)}`,
      createdBy: city().technician.id,
      now: city().time.at,
      aliveUntil: city().time.at + 60_000,
    });
    return id;
  };
  const targetOf = (id: string) =>
    city()
      .platform.database.selectFrom('rollout_targets')
      .select(['wave', 'state', 'attempt'])
      .where('rollout_id', '=', id)
      .executeTakeFirstOrThrow();
  /** A session that only its own pupil sees. */
  const ofThePupil = async (role: Role) => ({
    params: { id: await pupilSession() },
    ...(role === 'pupil' ? {} : { status: 404 }),
  });
  return {
    ...identityCallsOf(city),
    live: async () => ({}),
    ready: async () => ({}),
    health: async () => ({}),
    readHealth: async () => ({}),
    signIn: async () => ({ body: { login: 'lea', password: 'right' } }),
    signOut: async () => ({}),
    me: async () => ({}),
    portal: async () => ({}),
    launchSession: async (role) => ({
      body: { application: 'tuxpaint', language: 'fr' },
      ...(role === 'technician' || role === 'administrator' ? { status: 409 } : {}),
    }),
    readSession: ofThePupil,
    attachSession: ofThePupil,
    endSession: async (role) => ({
      params: { id: await pupilSession() },
      ...(role === 'teacher' || role === 'contact' ? { status: 404 } : {}),
    }),
    readExchange: ofThePupil,
    bringFile: async (role) => ({
      params: { id: await exchangeSession() },
      query: '?name=devoir.txt&size=5',
      body: Buffer.from('bytes'),
      ...(role === 'pupil' ? {} : { status: 404 }),
    }),
    askForFile: async (role) => ({
      params: { id: await exchangeSession() },
      body: { kind: 'file', name: 'dessin.png' },
      ...(role === 'pupil' ? {} : { status: 404 }),
    }),
    takeFile: async (role) => ({
      params: { id: await sentFile() },
      ...(role === 'pupil' ? {} : { status: 404 }),
    }),
    readTransfer: async () => ({
      params: {
        id: (
          await bringFile(
            city().platform,
            city().pupil,
            await exchangeSession(),
            { name: 'devoir.txt', size: 5, body: bytes() },
            null,
          )
        ).id,
      },
    }),
    sendTransfer: async () => ({
      params: { id: await askedFile() },
      query: `?sha256=${sha256('bytes')}&size=5`,
      body: Buffer.from('bytes'),
    }),
    listRecordings: async () => ({ query: '?search=lea&limit=5' }),
    readRecording: async () => ({ params: { id: await recorded() } }),
    watchRecording: async () => ({ params: { id: await recorded() } }),
    deleteRecording: async () => ({ params: { id: await recorded() } }),
    readIcon: async () => ({
      params: {
        hash:
          (
            await setIcon(city().platform, city().technician, {
              applicationId: city().applications.gimp.id,
              png: onePixel(),
            })
          ).iconHash ?? '',
      },
    }),
    listSites: async () => ({}),
    createSite: async () => ({
      body: site({ name: 'École Jules-Ferry' }),
    }),
    createEnrolmentCode: async () => ({
      params: { id: city().site.id },
      body: { serverName: 'serveur-2' },
    }),
    listServers: async () => ({ query: `?site=${city().site.id}` }),
    readServer: async () => ({ params: { id: city().agent.actor.id } }),
    retireServer: async () => {
      const id = await pupilSession();
      return {
        params: { id: city().agent.actor.id },
        after: async () => {
          const session = await selectSession(city().platform.database, id);
          expect(session?.state).toBe('ended');
        },
      };
    },
    changeServer: async () => ({
      params: { id: city().agent.actor.id },
      body: { name: 'Serveur A', labels: ['pilote'] },
    }),
    drainServers: async () => ({ body: { serverIds: [city().agent.actor.id], draining: true } }),
    restartServers: async () => {
      await mayRestart();
      return { body: { serverIds: [city().agent.actor.id], when: 'tonight' } };
    },
    cancelRestarts: async () => {
      await mayRestart();
      const serverIds = [city().agent.actor.id];
      await restartServers(city().platform, city().technician, { serverIds, when: 'tonight' });
      return { body: { serverIds } };
    },
    labelServers: async () => ({
      body: { serverIds: [city().agent.actor.id], add: ['pilote'], remove: [] },
    }),
    listSiteGroups: async () => ({}),
    createSiteGroup: async () => ({ body: { name: 'Nord', siteIds: [city().site.id] } }),
    changeSiteGroup: async () => ({
      params: {
        id: (
          await createSiteGroup(city().platform, city().technician, {
            name: anyName(),
            siteIds: [],
          })
        ).id,
      },
      body: { name: anyName(), siteIds: [city().site.id] },
    }),
    deleteSiteGroup: async () => ({
      params: {
        id: (
          await createSiteGroup(city().platform, city().technician, {
            name: anyName(),
            siteIds: [],
          })
        ).id,
      },
    }),
    readFleet: async () => ({}),
    readDrift: async () => ({ query: '?search=hugo&limit=5&only=differences' }),
    readHostKey: async () => ({ body: { siteId: city().site.id, host: '127.0.0.1', port: 22 } }),
    addServer: async () => ({
      body: {
        ...server(city().site.id),
        host: '127.0.0.1',
        port: await silentPort(),
        login: 'root',
        hostKey: `SHA256:${'a'.repeat(43)}`,
        password: 'secret-word',
      },
    }),
    listAdditions: async () => ({}),
    readAddition: async () => ({ params: { id: await begunAddition() } }),
    cancelAddition: async () => ({ params: { id: await begunAddition() } }),
    wantApplication: async () => ({
      params: { id: city().agent.actor.id, applicationId: city().applications.gimp.id },
      body: { wanted: false },
    }),
    listApplications: async () => ({}),
    listWithdrawnApplications: async () => ({}),
    createApplication: async () => ({ body: application('inkscape') }),
    changeApplication: async () => ({
      params: { id: city().applications.gimp.id },
      body: {
        name: { fr: 'GIMP', en: 'GIMP' },
        description: { fr: 'Retouche', en: 'Retouching' },
        category: 'drawing',
        labels: ['image'],
        seats: null,
      },
    }),
    setIcon: async () => ({
      body: { applicationId: city().applications.gimp.id, png: onePixel() },
    }),
    listVersions: async () => ({ params: { id: city().applications.gimp.id } }),
    withdrawVersions: async () => {
      const { id, versionId } = await createApplication(
        city().platform,
        city().technician,
        application(`essai-${randomBytes(6).toString('hex')}`),
      );
      return { params: { id }, body: { withdrawn: true, versionIds: [versionId] } };
    },
    exportCatalogue: async () => ({}),
    importCatalogue: async () => ({
      body: { dryRun: false, applications: [application('inkscape')] },
    }),
    iconFromPackage: async () => ({
      body: {
        applicationId: city().applications.gimp.id,
        sha256: (await upload(Buffer.from(onePixel(), 'base64'))).sha256,
      },
    }),
    listPackages: async () => ({}),
    uploadPackage: async () => ({
      query: `?name=a.deb&sha256=${sha256('bytes')}&size=5`,
      body: Buffer.from('bytes'),
    }),
    inspectPackage: async () => ({ params: { hash: (await upload(Buffer.from('bytes'))).sha256 } }),
    deletePackage: async () => ({ params: { hash: (await upload(Buffer.from('bytes'))).sha256 } }),
    listScripts: async () => ({}),
    createScript: async () => ({
      body: { name: 'essai', install: '#!/bin/sh\ntrue\n', remove: null },
    }),
    reviewScript: async (role) => {
      const script = await createScript(
        city().platform,
        role === 'technician' ? city().administrator : city().technician,
        {
          name: `essai-${randomBytes(6).toString('hex')}`,
          install: '#!/bin/sh\ntrue\n',
          remove: null,
        },
      );
      return { params: { id: script.id }, body: { install: script.install.sha256, remove: null } };
    },
    listTokens: async () => ({}),
    createToken: async () => ({ body: { name: 'script', scope: 'read', siteIds: null, days: 30 } }),
    revokeToken: async (role) => ({
      params: {
        id: (
          await createToken(
            city().platform,
            role === 'administrator' ? city().administrator : city().technician,
            { name: 'script', scope: 'read', siteIds: null, days: 30 },
          )
        ).token.id,
      },
    }),
    readPackage: async () => ({ params: { hash: (await upload(Buffer.from('bytes'))).sha256 } }),
    listSignInChoices: async () => ({}),
    askPasskey: async () => ({ body: {} }),
    leave: async () => ({}),
    mySecurity: async () => ({}),
    listDirectories: async () => ({}),
    listPeople: async () => ({ query: '?search=lea&limit=5' }),
    changeRole: async () => ({
      params: { id: city().teacher.id },
      body: { role: 'technician', siteId: null, siteIds: [city().site.id] },
    }),
    readPhoto: async (role) => {
      await keepPhoto(city().platform.database, city().teacher.id, Buffer.from('ffd8ffe0', 'hex'));
      return { params: { id: city().teacher.id }, ...(role === 'pupil' ? { status: 404 } : {}) };
    },
    listRules: async () => ({ query: '?at=1800000000000' }),
    listWithdrawnRules: async () => ({}),
    createRule: async () => ({ body: drawing() }),
    changeRule: async () => ({
      params: { id: (await newRule()).id },
      body: { version: 1, draft: { ...drawing(), note: 'relue' } },
    }),
    deleteRule: async () => ({ params: { id: (await newRule()).id } }),
    restoreRule: async () => {
      const { id } = await newRule();
      await withdrawRule(city().platform, city().technician, id);
      return { params: { id } };
    },
    listRuleVersions: async () => ({ params: { id: (await newRule()).id } }),
    previewRule: async () => ({ body: { ruleId: null, draft: drawing() } }),
    explainAccess: async () => ({
      body: {
        accountId: city().pupil.id,
        applicationId: city().applications.gimp.id,
        at: null,
        address: '10.1.2.3',
      },
    }),
    whyNot: async () => ({ params: { slug: 'secret' } }),
    readAccessMatrix: async () => ({ query: '?role=pupil&limit=5' }),
    exportAccess: async () => ({
      query: `?from=1800000000000&until=1800086400000&site=${city().site.id}`,
    }),
    readPush: async () => ({}),
    readSiteSettings: async () => ({ params: { id: city().site.id } }),
    changeSiteSettings: async () => ({
      params: { id: city().site.id },
      body: {
        networks: [{ subnet: '10.1.0.0/16', labels: ['salle-info'] }],
        closures: ['2027-05-07'],
        badgeHours: [],
      },
    }),
    listPrograms: async () => ({}),
    listMyRequests: async () => ({}),
    askForProgram: async (role) => ({
      body: wish(null),
      ...(role === 'technician' || role === 'administrator' ? { status: 409 } : {}),
    }),
    withdrawRequest: async (role) => ({
      params: { id: await requestOf(role) },
      ...(role === 'teacher' || role === 'contact' ? {} : { status: 404 }),
    }),
    answerMyRequest: async (role) => ({
      params: { id: await requestOf(role) },
      body: { text: 'Pour la classe.\nMerci !' },
      ...(role === 'teacher' || role === 'contact' ? {} : { status: 404 }),
    }),
    readNews: async () => ({ body: { upTo: city().time.at } }),
    listRequests: async () => ({ query: '?show=all' }),
    readRequest: async () => ({ params: { id: await newRequest() } }),
    answerRequest: async () => ({
      params: { id: await newRequest() },
      body: { text: 'Pour quelle classe ?' },
    }),
    approveRequest: async () => ({
      params: { id: await newRequest(city().applications.secret.id) },
      body: { audience: { kind: 'role', role: 'teacher' }, alike: true, note: null },
    }),
    refuseRequest: async () => ({
      params: { id: await newRequest() },
      body: { reason: 'Trop cher.', alike: true },
    }),
    linkRequest: async () => ({
      params: { id: await newRequest() },
      body: { applicationId: city().applications.gimp.id },
    }),
    installRequest: async () => {
      const id = await newRequest(city().applications.gimp.id);
      const { platform, technician } = city();
      await approveRequest(platform, technician, id, {
        audience: { kind: 'askers' },
        alike: false,
        note: null,
      });
      // Its rollout was removed since.
      await platform.database
        .updateTable('requests')
        .set({ rollout_id: null })
        .where('id', '=', id)
        .execute();
      return { params: { id } };
    },
    readAuditChain: async () => ({}),
    verifyAudit: async () => ({}),
    exportAudit: async () => ({ query: '?after=0' }),
    exportAuditCsv: async () => ({ query: '?action=rule.&search=tux' }),
    readPrivacySettings: async () => ({}),
    changePrivacySettings: async () => ({
      body: { auditDays: 400, sessionDays: 365, leftDays: 60, recordingDays: 30 },
    }),
    findPeople: async () => ({ query: '?search=lea' }),
    exportPerson: async () => ({ params: { id: city().pupil.id } }),
    erasePerson: async () => ({ params: { id: city().pupil.id }, body: { login: 'lea' } }),
    listLeavers: async () => ({}),
    eraseLeavers: async () => {
      const { id } = await city().account(`parti-${randomBytes(4).toString('hex')}`, 'pupil');
      await city()
        .platform.database.updateTable('accounts')
        .set({ disabled_at: 1 })
        .where('id', '=', id)
        .execute();
      return { body: { accountIds: [id] } };
    },
    listHomesWaiting: async () => ({}),
    readUsage: async () => ({ query: '?from=2026-12&until=2027-01' }),
    changeLanguage: async () => ({ body: { language: 'en' } }),
    searchAudiences: async () => ({ query: '?search=lea' }),
    listSessions: async () => ({ query: '?state=live&limit=10' }),
    listAudit: async () => ({ query: '?limit=5&search=tux' }),
    listRollouts: async () => ({ query: '?limit=5&active=yes' }),
    createRollout: async () => ({ body: rolloutDraft() }),
    readRollout: async () => ({ params: { id: (await plannedRollout()).id } }),
    changeRollout: async () => ({
      params: { id: (await plannedRollout()).id },
      body: { ...rolloutDraft(), name: 'Autre' },
    }),
    planRollout: async () => ({ params: { id: (await plannedRollout()).id } }),
    listPlanEntries: async () => ({
      params: { id: (await plannedRollout()).id },
      query: '?from=0&limit=10',
    }),
    listSchoolAnswers: async () => ({
      params: { id: (await plannedRollout()).id },
      query: '?from=0&limit=10',
    }),
    approveRollout: async (role) => {
      const by = role === 'technician' ? city().administrator : city().technician;
      const id = await createRollout(city().platform, by, rolloutDraft());
      await city()
        .platform.database.updateTable('rollouts')
        .set({ state: 'awaiting_approval' })
        .where('id', '=', id)
        .execute();
      const { plan } = await readRollout(city().platform, city().technician, id);
      return { params: { id }, body: { planHash: plan.hash } };
    },
    startRollout: async () => {
      const { id, plan } = await plannedRollout();
      return { params: { id }, body: { planHash: plan.hash, force: true } };
    },
    pauseRollout: async () => ({ params: { id: await startedRollout() } }),
    resumeRollout: async () => {
      const id = await startedRollout();
      await pauseRollout(city().platform, city().technician, id);
      return { params: { id } };
    },
    cancelRollout: async () => ({
      params: { id: await startedRollout() },
      body: { kind: 'finish' },
    }),
    retryRollout: async () => {
      const id = await startedRollout();
      await city()
        .platform.database.updateTable('rollout_targets')
        .set({ state: 'failed' })
        .where('rollout_id', '=', id)
        .execute();
      return {
        params: { id },
        after: async () => {
          const target = await targetOf(id);
          expect([target.state, target.attempt]).toEqual(['queued', 2]);
        },
      };
    },
    rollBackRollout: async () => {
      const id = await startedRollout();
      const before = [{ applicationId: city().applications.gimp.id, versionId: null }];
      await city()
        .platform.database.updateTable('rollout_targets')
        .set({ before_set: JSON.stringify(before) })
        .where('rollout_id', '=', id)
        .execute();
      const { wave } = await targetOf(id);
      return {
        params: { id },
        body: { wave },
        after: async () =>
          expect(
            await city()
              .platform.database.selectFrom('rollouts')
              .select(['state', 'rollback_wave'])
              .where('id', '=', id)
              .executeTakeFirst(),
          ).toEqual({ state: 'rolling_back', rollback_wave: wave }),
      };
    },
    finishRollout: async () => ({ params: { id: await startedRollout() } }),
    removeRollout: async () => ({ params: { id: (await plannedRollout()).id } }),
    listTargets: async () => ({
      params: { id: await startedRollout() },
      query: '?limit=10&state=queued&wave=1',
    }),
    readTarget: async () => ({
      params: { id: await startedRollout(), serverId: city().agent.actor.id },
    }),
    exportRollout: async () => ({ params: { id: await startedRollout() } }),
    readBrake: async () => ({}),
    setBrake: async () => {
      await startedRollout();
      return { body: { on: true } };
    },
    readRolloutSettings: async () => ({}),
    changeRolloutSettings: async () => ({
      body: {
        approvalAboveSites: 5,
        brakeAtSilentShare: 0.5,
        planDriftShare: 0.1,
        closures: ['2026-12-24'],
      },
    }),
    listSchedules: async () => ({}),
    createSchedule: async () => ({ body: scheduleDraft() }),
    pauseSchedule: async () => ({
      params: {
        id: (await createSchedule(city().platform, city().technician, scheduleDraft())).id,
      },
      body: { paused: true },
    }),
    deleteSchedule: async () => ({
      params: {
        id: (await createSchedule(city().platform, city().technician, scheduleDraft())).id,
      },
    }),
    enrol: async () => {
      const { code } = await createEnrolmentCode(
        { ...city().platform, publicUrl: () => publicUrl },
        city().technician,
        server(city().site.id, { serverName: `serveur-${randomBytes(4).toString('hex')}` }),
      );
      return {
        body: {
          code,
          publicKey: randomBytes(32).toString('base64url'),
          hostname: 'h',
          protocol: PROTOCOL,
        },
      };
    },
    readDesiredState: async () => ({}),
    sendReport: async () => ({ body: city().agent.report() }),
    enterByBadge: async () => ({ body: { badge: await pupilBadge() } }),
    readEntryHall: async () => ({}),
    readEntryClass: async () => ({ params: { code: codeOfClass(await pupilClass()) } }),
    enterByPictures: async () => {
      const id = await pupilClass();
      await savePictureHash(
        city().platform.database,
        city().pupil.id,
        `${city().pupil.id} sun moon star`,
        city().time.at,
      );
      return {
        body: {
          code: codeOfClass(id),
          accountId: city().pupil.id,
          pictures: ['sun', 'moon', 'star'],
        },
      };
    },
    listClasses: async () => ({ query: `?site=${city().site.id}` }),
    createClass: async () => ({ body: { siteId: city().site.id, name: anyName() } }),
    readClass: async () => ({ params: { id: await pupilClass() } }),
    renameClass: async () => ({ params: { id: await pupilClass() }, body: { name: anyName() } }),
    listOtherPupils: async () => ({ params: { id: await pupilClass() }, query: '?search=lea' }),
    movePupil: async () => {
      await pupilClass();
      const other = { kind: 'class' as const, name: anyName(), siteId: city().site.id };
      const id = await insertGroup(city().platform.database, other, []);
      return { params: { id, accountId: city().pupil.id } };
    },
    removePupil: async () => ({ params: { id: await pupilClass(), accountId: city().pupil.id } }),
    addPupil: async () => ({
      params: { id: await pupilClass() },
      body: { firstName: 'Zoé', lastName: 'Vidal' },
    }),
    issueBadges: async () => ({ params: { id: await pupilClass() } }),
    printBadges: async () => {
      const id = await pupilClass();
      await raiseBadge(city().platform.database, city().pupil.id, city().time.at, '2027-01-15');
      return { params: { id } };
    },
    renewBadge: async () => {
      await raiseBadge(city().platform.database, city().pupil.id, city().time.at, '2027-01-15');
      return { params: { id: city().pupil.id } };
    },
    voidBadge: async () => {
      await raiseBadge(city().platform.database, city().pupil.id, city().time.at, '2027-01-15');
      return { params: { id: city().pupil.id } };
    },
    setPictures: async () => ({
      params: { id: city().pupil.id },
      body: { pictures: ['boat', 'sun', 'apple'] },
    }),
    previewImport: async () => ({ query: `?site=${city().site.id}`, body: peopleFile() }),
    applyImport: async () => {
      const { plan } = await previewImport(
        city().platform,
        city().technician,
        city().site.id,
        Buffer.from(peopleTable),
        noChoices,
      );
      return { query: `?site=${city().site.id}`, body: peopleFile(plan) };
    },
    sendIcon: async () => ({
      body: { applicationId: city().applications.gimp.id, png: onePixel() },
    }),
  };
}
