/** The town that has used Préau 0.1.0 for a year: schools, servers, catalogue and people, as rows of
 * that version's tables. Names and numbers are drawn, and always the same. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { buildCity } from '../world.ts';

export type Row = Record<string, string | number | Buffer | null>;
export interface TableRows {
  table: string;
  rows: Row[];
}

/** The year ends on this Friday at 11:00 in Paris, while programs run. */
export const yearEnd = Date.UTC(2026, 10, 27, 10);
export const yearStart = Date.UTC(2025, 10, 24, 8);
export const dayMs = 86_400_000;

/** Everybody's password, and its hash as version 0.1.0 made it. */
export const yearPassword = 'le cartable bleu de 2025';
const passwordHash =
  '$argon2id$v=19$m=19456,t=2,p=1$8vkzVR5suSG/xDaT2KoV8g$38w3KoNNJ6YFOA48dsoXx7aDAoiiaaNyYwE1ukL1XJg';

export const hashed = (text: string): string => createHash('sha256').update(text).digest('hex');
const bytesOf = (text: string, length: number): Buffer =>
  createHash('sha256').update(text).digest().subarray(0, length);
/** The same id for the same words. */
export const idOf = (kind: string, ...words: readonly (string | number)[]): string =>
  `${kind}_${bytesOf(`${kind} ${words.join(' ')}`, 16).toString('base64url')}`;
export const saltOf = (...words: readonly (string | number)[]): string =>
  bytesOf(`salt ${words.join(' ')}`, 16).toString('base64url');

const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
/** The key a server signs its calls with. */
export const serverKey = (server: number): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([privatePrefix, bytesOf(`server ${server}`, 32)]),
    format: 'der',
    type: 'pkcs8',
  });
const publicKeyOf = (key: KeyObject): string =>
  createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(12).toString('base64url');

const slugs = [
  ['tuxpaint', 'Tux Paint', 'drawing'],
  ['gimp', 'GIMP', 'drawing'],
  ['inkscape', 'Inkscape', 'drawing'],
  ['gcompris-qt', 'GCompris', 'games'],
  ['geogebra', 'GeoGebra', 'mathematics'],
  ['kalzium', 'Kalzium', 'science'],
  ['stellarium', 'Stellarium', 'science'],
  ['marble', 'Marble', 'geography'],
  ['libreoffice', 'LibreOffice', 'office'],
  ['audacity', 'Audacity', 'music'],
  ['musescore3', 'MuseScore', 'music'],
  ['scratch', 'Scratch', 'programming'],
] as const;

export interface Town {
  sites: Row[];
  servers: Row[];
  applications: Row[];
  versions: Row[];
  accounts: Row[];
  groups: Row[];
  members: Row[];
  /** Ids of pupils, by school. */
  pupils: string[][];
  technician: string;
  administrator: string;
  tables: TableRows[];
}

const recipesOf = (slug: string) =>
  JSON.stringify({
    linux: {
      kind: 'apt',
      packages: [slug],
      detect: { kind: 'package', package: slug },
      launch: { command: [slug] },
      icon: { desktopFile: `${slug}.desktop` },
    },
  });

export function buildTown(): Town {
  const city = buildCity(2025, { teachers: 81, pupils: 1080 });
  const sites = city.schools.map((school, at): Row => {
    const own = {
      networks: [{ subnet: `10.${at + 1}.0.0/24`, labels: ['computer-room'] }],
      closures: ['2026-05-15'],
      badgeHours: [],
    };
    return {
      id: idOf('sit', at),
      uai: school.uai,
      name: school.name,
      city: school.city,
      time_zone: school.timeZone,
      holiday_zone: school.holidayZone,
      created_at: yearStart + at * 60_000,
      settings: JSON.stringify(own),
      policy_hash: null,
    };
  });
  // One school has two servers, and one server was replaced.
  const servers = [...sites.keys(), 3, 5].map((school, at): Row => serverRow(school, at));
  const applications = slugs.map(
    ([slug, name, category], at): Row => ({
      id: idOf('app', slug),
      slug,
      name_fr: name,
      name_en: name,
      description_fr: `Pour la classe : ${name}`,
      description_en: `For the class: ${name}`,
      category,
      icon_hash: hashed(`icon ${at}`),
      created_at: yearStart + at * 1000,
      seats: slug === 'musescore3' ? 5 : null,
      labels: at % 3 === 0 ? '["atelier"]' : '[]',
    }),
  );
  // Each was renewed once, and the first version was withdrawn where it was.
  const versions = slugs.flatMap(([slug], at): Row[] =>
    ['1.0', '2.0'].map((version, number) => ({
      id: idOf('ver', slug, version),
      application_id: idOf('app', slug),
      version,
      recipes: recipesOf(slug),
      created_at: yearStart + at * 1000 + number * 150 * dayMs,
      requires: '[]',
      estimate: null,
      withdrawn_at: number === 0 && at % 2 === 0 ? yearStart + 200 * dayMs : null,
    })),
  );
  const accounts = city.people.map((person, at): Row => {
    const fromDirectory = person.role === 'teacher' && at % 2 === 0;
    return {
      id: idOf('acc', person.login),
      login: person.login,
      display_name: person.displayName,
      role: person.role,
      site_id: person.school === null ? null : idOf('sit', person.school),
      password_hash: fromDirectory ? null : passwordHash,
      created_at: yearStart + at * 1000,
      provider: fromDirectory ? 'mairie' : 'local',
      external_id: fromDirectory ? `uid=${person.login},ou=people` : null,
      mail: person.role === 'teacher' ? `${person.login}@ecoles.example` : null,
      attributes: fromDirectory ? '{"title":["Enseignant"]}' : '{}',
      disabled_at: person.role === 'pupil' && at % 97 === 0 ? yearStart + 220 * dayMs : null,
      site_ids: null,
      role_by_hand: 0,
      language: at % 50 === 0 ? 'en' : 'fr',
      erased_at: null,
    };
  });
  const idAt = (at: number) => String(accounts[at]?.['id']);
  const groups = city.classes.map(
    (group): Row => ({
      id: idOf('grp', group.school, group.name),
      kind: 'class',
      name: group.name,
      site_id: idOf('sit', group.school),
      provider: 'local',
      external_id: null,
    }),
  );
  const members = city.classes.flatMap((group) =>
    group.members.map(
      (at): Row => ({
        group_id: idOf('grp', group.school, group.name),
        account_id: idAt(at),
      }),
    ),
  );
  const pupils = sites.map((site) =>
    accounts
      .filter((row) => row['site_id'] === site['id'] && row['role'] === 'pupil')
      .map((row) => String(row['id'])),
  );
  const [technician, administrator] = [idAt(0), idAt(1)];
  const town: Omit<Town, 'tables'> = {
    ...{ sites, servers, applications, versions, accounts, groups, members, pupils },
    ...{ technician, administrator },
  };
  return { ...town, tables: tablesOf(town) };
}

function serverRow(school: number, at: number): Row {
  const isReplaced = at === 28;
  const health = {
    ...{ cpu: 0.12, cores: 8, memoryUsedMiB: 5200, memoryTotalMiB: 32_000 },
    ...{ diskFreeMiB: 180_000, sessions: 0, displaysReady: 2, uptimeSeconds: 900_000 },
  };
  const inventory = {
    ...{ hostname: `srv-${at}`, system: 'Debian 12', kernel: '6.1.0-13-amd64' },
    ...{ agentVersion: '0.1.0', platform: 'linux', packages: 812, chosen: [], cache: null },
  };
  return {
    id: idOf('srv', at),
    site_id: idOf('sit', school),
    name: `serveur-${at < 27 ? 1 : 2}`,
    roles: '["execution"]',
    public_key: publicKeyOf(serverKey(at)),
    generation: 400 + at,
    applied_generation: 400 + at,
    epoch: saltOf('epoch', at),
    seq: 9000 + at,
    last_seen_at: isReplaced ? yearStart + 30 * dayMs : yearEnd - 4000,
    health: JSON.stringify(health),
    inventory: JSON.stringify(inventory),
    failed_steps: '[]',
    max_sessions: 60,
    created_at: yearStart + at * 60_000,
    retired_at: isReplaced ? yearStart + 31 * dayMs : null,
    labels: at % 9 === 0 ? '["pilot"]' : '[]',
    draining_since: null,
    quarantined_at: null,
    past_epochs: JSON.stringify([saltOf('past epoch', at)]),
    silent_told: 0,
    policy_generation: 12,
    policy_asked_at: yearEnd - 3 * dayMs,
  };
}

/** What hangs on the town alone. */
function tablesOf(town: Omit<Town, 'tables'>): TableRows[] {
  const { sites, servers, applications, versions, accounts, groups, members, technician } = town;
  const siteGroup = idOf('sgr', 'nord');
  const pupils = accounts.filter((row) => row['role'] === 'pupil');
  return [
    { table: 'sites', rows: sites },
    { table: 'servers', rows: servers },
    { table: 'accounts', rows: accounts },
    { table: 'groups', rows: groups },
    { table: 'group_members', rows: members },
    { table: 'applications', rows: applications },
    { table: 'application_versions', rows: versions },
    {
      table: 'icons',
      rows: applications.map((row, at) => ({
        hash: row['icon_hash'] ?? null,
        png: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, at, 0, 255]),
      })),
    },
    {
      table: 'site_groups',
      rows: [{ id: siteGroup, name: 'Écoles du nord', created_at: yearStart }],
    },
    {
      table: 'site_group_members',
      rows: sites.slice(0, 9).map((row) => ({ group_id: siteGroup, site_id: row['id'] ?? null })),
    },
    {
      table: 'enrolment_codes',
      rows: servers.map((row, at) => ({
        hash: hashed(`code ${at}`),
        site_id: row['site_id'] ?? null,
        server_name: row['name'] ?? null,
        created_by: technician,
        created_at: yearStart,
        expires_at: yearStart + 1_800_000,
        used_at: yearStart + 60_000,
        server_id: row['id'] ?? null,
      })),
    },
    {
      table: 'badges',
      rows: pupils
        .filter((_, at) => at % 3 === 0)
        .map((row, at) => ({
          account_id: row['id'] ?? null,
          serial: 1 + (at % 2),
          issued_at: yearStart + dayMs,
          issued_on: '2025-11-25',
          voided_at: at % 40 === 0 ? yearStart + 90 * dayMs : null,
        })),
    },
    {
      table: 'picture_passwords',
      rows: pupils
        .filter((_, at) => at % 5 === 0)
        .map((row) => ({
          ...{ account_id: row['id'] ?? null, hash: passwordHash, set_at: yearStart + dayMs },
        })),
    },
    {
      table: 'account_photos',
      rows: pupils.slice(0, 40).map((row, at) => ({
        account_id: row['id'] ?? null,
        jpeg: Buffer.from([0xff, 0xd8, 0xff, 0xe0, at, 0, 0xff, 0xd9]),
      })),
    },
  ];
}
