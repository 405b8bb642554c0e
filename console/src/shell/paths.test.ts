import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import {
  isAdminName,
  isInAdmin,
  type PageName,
  paths,
  patterns,
  placeOf,
  withQuery,
} from './paths.ts';

it('every address of the console', () => {
  expect(patterns).toEqual({
    home: '/',
    launch: '/launch/:slug',
    session: '/session/:id',
    badge: '/badge',
    classEntry: '/classe/:code',
    myRequests: '/requests',
    myClasses: '/classes',
    importPupils: '/classes/import',
    myClass: '/classes/:id',
    dashboard: '/admin',
    rollouts: '/admin/rollouts',
    rolloutHistory: '/admin/rollouts/history',
    schedules: '/admin/rollouts/schedules',
    rolloutSettings: '/admin/rollouts/settings',
    newRollout: '/admin/rollouts/new',
    rollout: '/admin/rollouts/:id',
    schools: '/admin/schools',
    school: '/admin/schools/:id',
    servers: '/admin/servers',
    addServer: '/admin/servers/add',
    server: '/admin/servers/:id',
    fleet: '/admin/fleet',
    applications: '/admin/applications',
    newApplication: '/admin/applications/new',
    packages: '/admin/applications/files',
    scripts: '/admin/applications/scripts',
    application: '/admin/applications/:id',
    rules: '/admin/rules',
    newRule: '/admin/rules/new',
    rule: '/admin/rules/:id',
    access: '/admin/access',
    accessMatrix: '/admin/access/matrix',
    accessExport: '/admin/access/export',
    sessions: '/admin/sessions',
    recordings: '/admin/recordings',
    recording: '/admin/recordings/:id',
    classes: '/admin/classes',
    importPeople: '/admin/classes/import',
    class: '/admin/classes/:id',
    requests: '/admin/requests',
    people: '/admin/people',
    directories: '/admin/directories',
    security: '/admin/security',
    audit: '/admin/audit',
    statistics: '/admin/privacy',
    personalData: '/admin/privacy/people',
    leavers: '/admin/privacy/leavers',
    retention: '/admin/privacy/keep',
  });
});

const letters = 'Ab3_-'.repeat(5).slice(0, 22);
it.each(Object.entries(patterns))('%s is built and recognised: %s', (name, pattern) => {
  const samples: Record<string, string> = { slug: 'tuxpaint', code: 'k7m2p9' };
  const kinds: Record<string, string> = {
    session: 'ses',
    myClass: 'grp',
    class: 'grp',
    rollout: 'rol',
    school: 'sit',
    server: 'srv',
    application: 'app',
    rule: 'rul',
    recording: 'rec',
  };
  const params = Object.fromEntries(
    [...pattern.matchAll(/:(\w+)/g)].map(([, key = '']) => [
      key,
      samples[key] ?? `${kinds[name]}_${letters}`,
    ]),
  );
  const build = paths[name as PageName] as (params: Record<string, string>) => string;
  const path = build(params);
  expect(path).not.toContain(':');
  expect(placeOf(path)).toEqual({ name, params });
  expect(isAdminName(name as PageName)).toBe(isInAdmin(path));
});

it('what is no address is none', () => {
  for (const path of [
    '/nowhere',
    '/admin/',
    '/admin/rollouts/app_AAAAAAAAAAAAAAAAAAAAAA',
    '/admin/rollouts/rol_short',
    '/launch/UPPER',
    '/classes/../admin',
    '/administrator',
  ])
    expect(placeOf(path), path).toBeNull();
  expect(isInAdmin('/administrator')).toBe(false);
});

it('a question is written behind a path', () => {
  expect(withQuery(paths.rules(), {})).toBe('/admin/rules');
  expect(withQuery(paths.accessMatrix(), { search: 'Tux & Paint' })).toBe(
    '/admin/access/matrix?search=Tux+%26+Paint',
  );
});

it('no other file writes a path of the console, or of the controller', () => {
  const source = fileURLToPath(new URL('..', import.meta.url));
  const writers = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|svelte)$/.test(file) && !/\.test\.ts$/.test(file))
    .filter((file) => file !== 'shell/paths.ts')
    .filter((file) =>
      /['"`]\/(admin|api|badge|classe|classes|launch|requests|session)\b|href="\/"|\bgo\('\/'/.test(
        readFileSync(join(source, file), 'utf8'),
      ),
    );
  expect(writers).toEqual([]);
});
