/** What a year leaves in the tables: sessions, statistics, rollouts, requests, and what is underway
 * when it ends. */
import type { Secrets } from '../../controller/src/platform/secrets.ts';
import {
  dayMs,
  hashed,
  idOf,
  type Row,
  saltOf,
  type TableRows,
  type Town,
  yearEnd,
  yearStart,
} from './town.ts';

/** Monday, Tuesday, Thursday and Friday outside of the long holidays; midnights, UTC. */
function schoolDays(): number[] {
  const days: number[] = [];
  const first = Math.floor(yearStart / dayMs) * dayMs;
  for (let day = first; day < yearEnd - dayMs; day += dayMs) {
    const date = new Date(day);
    const weekday = date.getUTCDay();
    const text = date.toISOString().slice(5, 10);
    const isHoliday = (text >= '07-04' && text < '09-01') || text >= '12-20' || text < '01-05';
    if ([1, 2, 4, 5].includes(weekday) && !isHoliday) days.push(day);
  }
  return days;
}

/** The cookie of somebody who is signed in when the year ends. */
export const signInOf = (login: string): string => saltOf('sign-in', login).repeat(2).slice(0, 43);

export const at = (rows: readonly Row[], index: number): Row => rows[index % rows.length] ?? {};
export const idAt = (rows: readonly Row[], index: number): string => String(at(rows, index)['id']);

export function buildSessions(town: Town, secrets: Secrets): Row[] {
  const over = schoolDays().flatMap((day, number) =>
    town.sites.map((site, school): Row => {
      const pupils = town.pupils[school] ?? [];
      const started = day + 8 * 3_600_000 + ((number * 37 + school * 11) % 300) * 60_000;
      const failed = (number + school) % 61 === 0;
      return {
        ...session(started, `${number} ${school}`),
        account_id: pupils[(number * 7 + school) % pupils.length] ?? null,
        application_id: idAt(town.applications, number * 5 + school),
        server_id: idOf('srv', school),
        site_id: site['id'] ?? null,
        state: failed ? 'failed' : 'ended',
        opened_at: failed ? null : started + 1900,
        ended_at: started + (failed ? 60_000 : 2_400_000),
        end_reason: failed ? null : (number + school) % 4 === 0 ? 'left' : 'person_closed',
        failure_code: failed ? 'LAUNCH_TIMEOUT' : null,
      };
    }),
  );
  const live = (['ready', 'active', 'disconnected'] as const).map((state, school): Row => {
    const credentials = {
      ...{ serial: 1, host: `10.${school + 1}.0.9`, port: 3389 },
      ...{ username: 'preau-1', password: 'one-use-password-00000001' },
    };
    return {
      ...session(yearEnd - 600_000, state),
      account_id: town.pupils[school]?.[1] ?? null,
      application_id: idAt(town.applications, school),
      server_id: idOf('srv', school),
      site_id: idAt(town.sites, school),
      state,
      attachment: state === 'ready' ? secrets.seal(JSON.stringify(credentials)) : null,
      tunnel_seen_at: state === 'active' ? yearEnd - 2000 : null,
      opened_at: state === 'ready' ? null : yearEnd - 590_000,
      grace_until: state === 'disconnected' ? yearEnd + 600_000 : null,
      offered: '[{"kind":"file","name":"dessin.png","bytes":1200,"changedAt":1795773000000}]',
    };
  });
  return [...over, ...live];
}

const session = (started: number, words: string): Row => ({
  id: idOf('ses', words),
  account_id: null,
  application_id: null,
  server_id: null,
  site_id: null,
  state: 'ended',
  language: 'fr',
  attach_serial: 1,
  attachment_serial: 1,
  attachment: null,
  tunnel_seen_at: null,
  started_at: started,
  deadline_at: null,
  ready_at: started + 1200,
  opened_at: null,
  grace_until: null,
  ended_at: null,
  end_reason: null,
  failure_code: null,
  address: '10.1.0.20',
  ends_at: null,
  ends_because: null,
  touched_at: started + 60_000,
  offered: '[]',
});

/** Months that are over, counted as the daily run counts them: fewer than five people are nobody. */
function usageMonths(sessions: readonly Row[]): Row[] {
  const found = new Map<string, { row: Row; people: Set<unknown>; sessions: number }>();
  for (const one of sessions) {
    const month = new Date(Number(one['started_at'])).toISOString().slice(0, 7);
    if (month >= '2026-11') continue;
    const { site_id = null, application_id = null } = one;
    const key = `${month} ${site_id} ${application_id}`;
    const known = found.get(key) ?? {
      row: { month, site_id, application_id },
      people: new Set(),
      sessions: 0,
    };
    known.people.add(one['account_id']);
    known.sessions += 1;
    found.set(key, known);
  }
  return [...found.values()].map(({ row, people, sessions: count }) => ({
    ...row,
    sessions: people.size < 5 ? 0 : count,
    people: people.size < 5 ? 0 : people.size,
  }));
}

export function buildLife(town: Town, secrets: Secrets, sessions: readonly Row[]): TableRows[] {
  const { technician, administrator } = town;
  const account = (index: number) => idAt(town.accounts, index);
  const teacher = account(2);
  const site = idAt(town.sites, 0);
  const live = sessions.slice(-3);
  const outstanding = { expires_at: yearEnd + 86_400_000, created_at: yearEnd - dayMs };
  return [
    { table: 'sessions', rows: [...sessions] },
    {
      table: 'tickets',
      rows: live.map((one, number) => ({
        hash: hashed(`ticket ${number}`),
        session_id: one['id'] ?? null,
        account_id: one['account_id'] ?? null,
        ...{ serial: 1, expires_at: yearEnd + 20_000, used_at: null, recording: 0 },
      })),
    },
    {
      table: 'recordings',
      rows: sessions.slice(-60, -3).map((one, number) => ({
        id: idOf('rec', number),
        session_id: one['id'] ?? null,
        account_id: one['account_id'] ?? null,
        site_id: one['site_id'] ?? null,
        application_id: one['application_id'] ?? null,
        started_at: one['started_at'] ?? null,
        ended_at: one['ended_at'] ?? null,
        ...{ bytes: 4_000_000_000 + number, whole: number % 9 === 0 ? 0 : 1 },
      })),
    },
    {
      table: 'transfers',
      rows: live.map((one, number) => ({
        id: idOf('trf', number),
        session_id: one['id'] ?? null,
        account_id: one['account_id'] ?? null,
        server_id: one['server_id'] ?? null,
        ...{ direction: 'out', kind: 'file', name: 'dessin d’été.png', bytes: 1200 },
        ...{ sha256: hashed('dessin'), state: 'done', failure_code: null },
        ...{ created_at: yearEnd - 60_000, updated_at: yearEnd - 50_000 },
      })),
    },
    { table: 'usage_months', rows: usageMonths(sessions) },
    {
      table: 'sign_ins',
      rows: town.accounts.slice(0, 200).map((one) => ({
        token_hash: hashed(signInOf(String(one['login']))),
        account_id: one['id'] ?? null,
        ...outstanding,
        provider: one['provider'] ?? null,
        ...{ provider_subject: null, provider_session: null, id_token: null },
      })),
    },
    {
      table: 'sign_in_steps',
      rows: [
        {
          ...{ hash: hashed('step'), kind: 'second_factor', account_id: administrator },
          ...{ body: '{"provider":"local"}', expires_at: yearEnd + 300_000 },
        },
      ],
    },
    {
      table: 'totp_secrets',
      rows: [
        {
          account_id: administrator,
          sealed: secrets.seal('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'),
          ...{ confirmed_at: yearStart, last_period: 58_000_000, created_at: yearStart },
        },
      ],
    },
    {
      table: 'recovery_codes',
      rows: [1, 2, 3].map((n) => ({ hash: hashed(`recovery ${n}`), account_id: administrator })),
    },
    {
      table: 'passkeys',
      rows: [
        {
          id: idOf('pky', 1),
          credential_id: saltOf('credential'),
          ...{ account_id: administrator, name: 'Clé du bureau', public_key: saltOf('key') },
          ...{ counter: 41, transports: '["usb"]', created_at: yearStart, last_used_at: null },
        },
      ],
    },
    {
      table: 'directories',
      rows: [
        {
          ...{ id: 'mairie', state: 'done', last_at: yearEnd - 3600, last_good_at: yearEnd - 3600 },
          ...{ next_at: yearEnd + 3_600_000, running_until: 0, problem: null },
          differences: '{"read":41,"added":0,"changed":1,"vanished":0,"returned":0,"refused":0}',
          ...{ vanished_names: '[]', plan_hash: null },
        },
      ],
    },
    {
      table: 'api_tokens',
      rows: [1, 2].map((n) => ({
        ...{ id: idOf('tok', n), token_hash: hashed(`token ${n}`), name: `script ${n}` },
        ...{ account_id: technician, scope: n === 1 ? 'read' : 'technician', site_ids: null },
        ...{ created_at: yearStart, expires_at: yearEnd + 30 * dayMs, last_used_at: yearEnd },
        revoked_at: n === 1 ? null : yearEnd - dayMs,
      })),
    },
    {
      table: 'scripts',
      rows: [
        {
          ...{ id: idOf('scr', 1), name: 'fonds-d-ecran', remove: null },
          install: JSON.stringify({
            ...{ name: 'fonds-d-ecran.install', sha256: hashed('true\n'), size: 5 },
          }),
          ...{ created_by: technician, created_by_name: 'Dominique Lefort', created_at: yearStart },
          ...{ reviewed_by: administrator, reviewed_by_name: 'Claude Rivoire' },
          ...{ reviewed_at: yearStart + dayMs, signature: secrets.sign('fonds-d-ecran') },
        },
      ],
    },
    {
      table: 'package_files',
      rows: [
        {
          ...{ sha256: hashed('package'), name: 'geogebra.deb', size: 4_000_000_000 },
          ...{ created_by: technician, created_at: yearStart },
        },
      ],
    },
    {
      table: 'server_additions',
      rows: [
        {
          ...{ id: idOf('add', 1), site_id: site, server_name: 'serveur-1', host: '10.1.0.9' },
          ...{
            port: 22,
            login: 'root',
            host_key: `SHA256:${'a'.repeat(43)}`,
            state: 'done',
            log: 'fait\n',
          },
          ...{ code_hash: null, server_id: idOf('srv', 0), failure_code: null },
          ...{ alive_until: null, created_by: technician, created_at: yearStart },
          ended_at: yearStart + 120_000,
        },
      ],
    },
    {
      table: 'seat_queue',
      rows: [
        {
          ...{ application_id: idOf('app', 'musescore3'), account_id: account(90), site_id: site },
          ...{ since: yearEnd - 9000, seen_at: yearEnd - 1000 },
        },
      ],
    },
    {
      table: 'requests',
      rows: Array.from({ length: 30 }, (_, n) => ({
        ...{ id: idOf('req', n), site_id: idAt(town.sites, n), account_id: account(2 + n) },
        ...{ application_id: n % 2 === 0 ? idAt(town.applications, n) : null },
        ...{ name: `Logiciel ${n}`, purpose: 'Pour l’atelier\ndu jeudi', link: null },
        ...{ wanted_by: n % 4 === 0 ? '2026-03-02' : null, wish: 'class' },
        decision: (['open', 'approved', 'refused', 'withdrawn'] as const)[n % 4] ?? 'open',
        ...{ decided_by: n % 4 === 0 ? null : technician },
        ...{ decided_at: n % 4 === 0 ? null : yearStart + n * dayMs, reason: null },
        ...{ rule_id: null, rollout_id: null, problem: null },
        ...{ created_at: yearStart + n * dayMs - 5000, updated_at: yearStart + n * dayMs },
        ...{ ready_at: null, news_at: null },
      })),
    },
    {
      table: 'request_messages',
      rows: Array.from({ length: 12 }, (_, n) => ({
        ...{ id: idOf('msg', n), request_id: idOf('req', n), account_id: technician },
        ...{ at: yearStart + n * dayMs, text: 'Pour quelle classe ?' },
      })),
    },
    {
      table: 'mail_outbox',
      rows: [
        {
          ...{ id: idOf('mai', 1), account_id: teacher, kind: 'request.answered' },
          ...{ about: idOf('req', 0), created_at: yearEnd, attempts: 0 },
          ...{ next_at: yearEnd + 60_000, sent_at: null, problem: null },
        },
      ],
    },
    {
      table: 'city',
      rows: [
        { name: 'policy', body: '{}', updated_at: yearEnd - 3 * dayMs },
        { name: 'catalogue', body: '{}', updated_at: yearEnd - 3 * dayMs },
        { name: 'retention', body: '{}', updated_at: yearEnd - 3_600_000 },
      ],
    },
  ];
}
