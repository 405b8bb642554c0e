/** Rules with their versions, what servers were told of them, and a year of rollouts. */
import type { Secrets } from '../../controller/src/platform/secrets.ts';
import { at, idAt } from './life.ts';
import {
  dayMs,
  hashed,
  idOf,
  type Row,
  type TableRows,
  type Town,
  yearEnd,
  yearStart,
} from './town.ts';

/** What the agent said of an installation that failed. */
const failure = JSON.stringify({ code: 'INSTALL_FAILED', message: 'dpkg: erreur' });

const plain = { place: { kind: 'everywhere' }, client: null, when: null, how: null };
const terms = {
  ...{ clipboard: 'both', files: 'both', printing: true, recording: false },
  ...{ maxMinutes: null, idleMinutes: 45, seats: null },
};

/** One rule for each application; every third was changed, the last one was withdrawn. */
function ruleVersions(town: Town): Row[] {
  return town.applications.flatMap((application, number): Row[] => {
    const target = { kind: 'application', applicationId: application['id'] };
    const body = (how: object | null) =>
      JSON.stringify({
        ...{ effect: 'allow', target, audience: { kind: 'everyone' }, ...plain, how },
        note: number === 2 ? 'Demandé par les écoles' : null,
      });
    const since = yearStart + number * dayMs;
    const by = { changed_by: town.technician, changed_by_name: 'Dominique Lefort' };
    const rule_id = idOf('rul', number);
    if (number % 3 !== 0) {
      const until = number === town.applications.length - 1 ? yearStart + 80 * dayMs : null;
      return [{ rule_id, version: 1, body: body(null), since, until, ...by }];
    }
    const changed = since + 60 * dayMs;
    return [
      { rule_id, version: 1, body: body(null), since, until: changed, ...by },
      { rule_id, version: 2, body: body(terms), since: changed, until: null, ...by },
    ];
  });
}

function policyOf(rules: readonly Row[]): { hash: string; document: string } {
  const now = rules
    .filter((row) => row['until'] === null)
    .map((row) => {
      const { note: _note, ...body } = JSON.parse(String(row['body'])) as Record<string, unknown>;
      return { id: String(row['rule_id']), ...body };
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const document = JSON.stringify({ rules: now });
  return { hash: hashed(document), document };
}

const applicationAt = (town: Town, number: number) => {
  const { id = null, slug = null, category = null } = at(town.applications, number);
  const version = town.versions.find(
    (row) => row['application_id'] === id && row['version'] === '2.0',
  );
  return {
    ...{ applicationId: id, versionId: version?.['id'] ?? null, slug, category, version: '2.0' },
    recipes: JSON.parse(String(version?.['recipes'])) as object,
  };
};

/** What each server is to be: every application, by the rules of the city. */
function desiredStates(town: Town, policy: string, secrets: Secrets): Row[] {
  return town.servers
    .filter((row) => row['retired_at'] === null)
    .map((row) => {
      const site = town.sites.find(({ id }) => id === row['site_id']);
      const settings = JSON.parse(String(site?.['settings'])) as object;
      const document = JSON.stringify({
        ...{ protocol: 3, serverId: row['id'], generation: row['generation'] },
        ...{ issuedAt: yearEnd - 600_000, standbyDisplays: 2, momentMs: 300 },
        site: {
          ...{ siteId: row['site_id'], siteGroupIds: [], timeZone: 'Europe/Paris' },
          ...{ holidayZone: 'B', closures: ['2026-05-15'] },
          networks: (settings as { networks: unknown }).networks,
        },
        policy,
        applications: town.applications.map((_, number) => {
          const { applicationId, versionId, slug, category, ...rest } = applicationAt(town, number);
          return {
            ...{ applicationId, versionId, slug, category, labels: [], ...rest },
            askedAt: yearStart + 150 * dayMs,
          };
        }),
        ...{ removals: [], sessions: [], transfers: [], orders: [], cache: null, peers: [] },
      });
      return {
        ...{ server_id: row['id'] ?? null, generation: row['generation'] ?? null, document },
        signature: secrets.sign(document),
      };
    });
}

interface Rollout {
  number: number;
  began: number;
  isOpen: boolean;
  servers: readonly Row[];
}

/** Eighteen rollouts of one application to every school; the last one runs. */
function rollouts(town: Town): TableRows[] {
  const servers = town.servers.filter((row) => row['retired_at'] === null);
  const all = Array.from({ length: 18 }, (_, number): Rollout => {
    const isOpen = number === 17;
    const began = isOpen ? yearEnd - 1_800_000 : yearStart + (number + 1) * 19 * dayMs;
    return { number, began, isOpen, servers };
  });
  const targets = all.flatMap((rollout) => targetsOf(rollout));
  const failed = targets.filter(({ state }) => state === 'failed');
  return [
    { table: 'rollouts', rows: all.map((rollout) => rolloutRow(town, rollout)) },
    { table: 'rollout_waves', rows: all.flatMap(wavesOf) },
    { table: 'rollout_targets', rows: targets.map((target) => targetRow(town, target)) },
    { table: 'rollout_counts', rows: countsOf(targets) },
    {
      table: 'rollout_logs',
      rows: failed.map(({ number, server }) => ({
        ...{ rollout_id: idOf('rol', number), server_id: server['id'] ?? null },
        log: 'dpkg: erreur de traitement\n',
      })),
    },
    {
      table: 'rollout_evidence',
      rows: failed.map(({ number, server, began }) => ({
        id: hashed(`evidence ${number} ${String(server['id'])}`).slice(0, 24),
        ...{ rollout_id: idOf('rol', number), server_id: server['id'] ?? null },
        ...{ at: began + 9000, text: 'rapport tardif' },
      })),
    },
    {
      table: 'install_history',
      rows: targets
        .filter(({ state }) => state === 'succeeded')
        .map(({ number, server, began }, index) => ({
          id: idOf('his', number, String(server['id'])),
          application_id: applicationAt(town, number).applicationId,
          version_id: applicationAt(town, number).versionId,
          ...{ server_id: server['id'] ?? null, bytes: 90_000_000 + index },
          ...{ ms: 60_000 + index, at: began + 400_000 },
        })),
    },
  ];
}

const wavesOf = ({ number, began, isOpen, servers }: Rollout): Row[] =>
  [1, 2].map((wave) => ({
    rollout_id: idOf('rol', number),
    ...{ number: wave, state: wave === 2 && isOpen ? 'open' : 'passed' },
    spec: JSON.stringify({
      size: wave === 1 ? { sites: 1 } : { rest: true },
      ...{ gate: 'auto', soakMinutes: 0, tolerated: 1, toleratedLate: 1 },
    }),
    size: wave === 1 ? 1 : servers.length - 1,
    ...{ opened_at: began, soak_until: null },
    closed_at: wave === 2 && isOpen ? null : began + 3_600_000,
  }));

interface Target {
  number: number;
  wave: number;
  state: 'offered' | 'failed' | 'succeeded';
  began: number;
  server: Row;
}

const hasFailed = (number: number, server: number): boolean => (number + server) % 31 === 7;

const targetsOf = ({ number, began, isOpen, servers }: Rollout): Target[] =>
  servers.map((server, index) => {
    const isOver = !isOpen || index <= 10;
    const ended = !isOpen && hasFailed(number, index) ? 'failed' : 'succeeded';
    const state = isOver ? ended : 'offered';
    return { number, wave: index === 0 ? 1 : 2, state, began, server };
  });

function countsOf(targets: readonly Target[]): Row[] {
  const counts = new Map<string, Row & { n: number }>();
  for (const { number, wave, state } of targets) {
    const key = `${number} ${wave} ${state}`;
    const known = counts.get(key) ?? { rollout_id: idOf('rol', number), wave, state, n: 0 };
    counts.set(key, { ...known, n: known.n + 1 });
  }
  return [...counts.values()];
}

function rolloutRow(town: Town, { number, began, isOpen, servers }: Rollout): Row {
  const { applicationId, versionId, slug, version } = applicationAt(town, number);
  const { name_fr: fr = null, name_en: en = null } = at(town.applications, number);
  const draft = {
    waves: [
      { size: { sites: 1 }, gate: 'auto', soakMinutes: 0 },
      { size: { rest: true }, gate: 'auto', soakMinutes: 0 },
    ],
    trip: { failedShare: 0.1, failedCount: 2, timedOutShare: 0.2, consecutiveFailures: 3 },
    onTrip: 'pause',
    budget: { sitesAtOnce: null, serversPerSite: 1, kibibytesPerSecond: null },
    windows: { install: null, download: null },
    ...{ startAt: null, timeoutMinutes: 60, catchUpDays: 14, name: `Mise à jour ${number}` },
    items: [{ applicationId, want: 'present' }],
    where: { all: true, siteIds: [], groupIds: [], serverIds: [], labels: [] },
  };
  const plan = {
    hash: hashed(`plan ${number}`),
    at: began,
    applications: [
      {
        ...{ applicationId, versionId, slug, name: { fr, en }, version },
        ...{ want: 'present', becauseOf: null },
      },
    ],
    leftOut: [],
    totals: {
      ...{ sites: town.sites.length, servers: servers.length, nothingToDo: 0, offline: 0 },
      ...{ bytes: 2_500_000_000, minutes: 20 },
    },
    ...{ clashes: [], needsApproval: false },
  };
  const entries = servers.map((server, index) => ({
    ...{ serverId: server['id'], serverName: server['name'], siteId: server['site_id'] },
    siteName: town.sites.find(({ id }) => id === server['site_id'])?.['name'],
    ...{ wave: index === 0 ? 1 : 2, online: true },
    items: [{ applicationId, action: 'upgrade', from: '1.0' }],
    ...{ bytes: 90_000_000, minutes: 1 },
  }));
  const isTainted = !isOpen && servers.some((_, index) => hasFailed(number, index));
  return {
    ...{ id: idOf('rol', number), name: draft.name },
    state: isOpen ? 'running' : isTainted ? 'completed_with_failures' : 'completed',
    ...{ version: 3, fence: 10 + number, pause_reason: null, paused_at: null },
    ...{ note_fr: null, note_en: null, draft: JSON.stringify(draft), plan: JSON.stringify(plan) },
    ...{ plan_entries: JSON.stringify(entries), plan_hash: plan.hash, sites: town.sites.length },
    ...{ created_by: town.technician, created_by_name: 'Dominique Lefort' },
    ...{ created_at: began - 60_000, approved_by: null, approved_by_name: null, forced: 0 },
    ...{ start_at: null, started_at: began, ended_at: isOpen ? null : began + 3_600_000 },
    ...{ look_at: isOpen ? yearEnd + 60_000 : null, cancel_kind: null, rollback_wave: null },
    ...{ schedule_id: null, superseded_by: null },
  };
}

function targetRow(town: Town, { number, wave, state, began, server }: Target): Row {
  const orderId = idOf('ord', number, String(server['id']));
  const { applicationId, versionId, slug, version, recipes } = applicationAt(town, number);
  const order = {
    ...{ orderId, attempt: 1 },
    applications: [{ applicationId, versionId, want: 'present', slug, version, recipes }],
    ...{ phase: 'install', installFrom: null, installUntil: null, cancel: null, expectedMs: 0 },
    ...{ deadlineAt: began + 3_600_000, kibibytesPerSecond: null },
  };
  const item = {
    ...{ applicationId, state: state === 'failed' ? 'failed' : 'installed', version },
    ...{ code: state === 'failed' ? 'INSTALL_FAILED' : null, message: '', ms: 60_000, bytes: 9e7 },
  };
  const isOver = state !== 'offered';
  return {
    ...{ rollout_id: idOf('rol', number), server_id: server['id'] ?? null },
    ...{ site_id: server['site_id'] ?? null, wave, state, version: 3, action: 'upgrade' },
    ...{ attempt: 1, order_id: orderId, order_body: JSON.stringify(order), last_seq: 9 },
    ...{ lease_until: isOver ? null : yearEnd + 300_000, deadline_at: began + 3_600_000 },
    ...{ not_before: null, opens_at: null, reason: null },
    ...{ code: state === 'failed' ? 'INSTALL_FAILED' : null, message: null, badge: null },
    items: isOver ? JSON.stringify([item]) : '[]',
    before_set: JSON.stringify([{ applicationId, versionId: idOf('ver', String(slug), '1.0') }]),
    ...{ bytes_done: 0, bytes_total: null, offered_at: began },
    ...{ finished_at: isOver ? began + 600_000 : null, updated_at: began + 600_000 },
  };
}

export function buildDecisions(town: Town, secrets: Secrets): TableRows[] {
  const rules = ruleVersions(town);
  const policy = policyOf(rules);
  for (const site of town.sites) site['policy_hash'] = policy.hash;
  const servers = town.servers.filter((row) => row['retired_at'] === null);
  return [
    { table: 'rule_versions', rows: rules },
    { table: 'policies', rows: [{ ...policy, used_until: null }] },
    { table: 'desired_states', rows: desiredStates(town, policy.hash, secrets) },
    {
      table: 'server_applications',
      rows: servers.flatMap((server) =>
        town.applications.map((application, number) => ({
          server_id: server['id'] ?? null,
          application_id: application['id'] ?? null,
          version_id: idOf('ver', String(application['slug']), '2.0'),
          ...{ wanted: 1, state: number === 11 ? 'failed' : 'installed' },
          ...{ version: number === 11 ? null : '2.0', error: number === 11 ? failure : null },
          ...{ asked_at: yearStart + 150 * dayMs, updated_at: yearStart + 151 * dayMs },
        })),
      ),
    },
    ...rollouts(town),
    {
      table: 'rollout_schedules',
      rows: [
        {
          id: idOf('sch', 1),
          body: JSON.stringify({
            name: 'Chaque mercredi',
            when: { days: [3], at: '18:00', period: 'school' },
            draft: JSON.parse(
              String(rolloutRow(town, { number: 0, began: 0, isOpen: true, servers })['draft']),
            ) as object,
          }),
          ...{ paused: 1, next_at: null, last_rollout_id: null, last_problem: null },
          ...{ created_by: idAt(town.accounts, 0), created_at: yearStart },
        },
      ],
    },
  ];
}
