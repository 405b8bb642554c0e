import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { agentSettings } from '../agent/src/config.ts';
import { settings } from '../controller/src/config.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

interface Compose {
  services: Record<string, { environment?: Record<string, string>; networks?: string[]; ports?: string[] }>;
  networks: Record<string, { internal?: boolean }>;
}
const compose = parse(read('docker-compose.yml')) as Compose;
const networksOf = (service: string) => compose.services[service]?.networks ?? [];

test('the containers set only variables the controller knows', () => {
  const inCompose = Object.values(compose.services).flatMap((service) => Object.keys(service.environment ?? {}));
  const inImage = [...read('packaging/container/Dockerfile').matchAll(/(PREAU_[A-Z_]+)=/g)].map((match) => match[1]);
  const set = [...inCompose, ...inImage].filter((name) => name?.startsWith('PREAU_'));
  expect(set.length).toBeGreaterThan(5);
  for (const name of set) expect(Object.keys(settings)).toContain(name);
});

test('guacd shares no network with Redis or PostgreSQL, and only the controller is published', () => {
  for (const store of ['redis', 'postgres']) {
    expect(networksOf(store).filter((network) => networksOf('guacd').includes(network))).toEqual([]);
    expect(networksOf(store).every((network) => compose.networks[network]?.internal === true)).toBe(true);
  }
  const published = Object.entries(compose.services).filter(([, service]) => service.ports !== undefined);
  expect(published.map(([name]) => name)).toEqual(['controller']);
});

test('docs/configuration.md names every setting, and no other', () => {
  const told = [...read('docs/configuration.md').matchAll(/^\| `(PREAU_[A-Z_]+)` \|/gm)].map((match) => match[1]);
  const known = ['PREAU_CONFIG', ...Object.keys(settings), ...agentSettings.map((setting) => setting.name)];
  expect(told.toSorted()).toEqual(known.toSorted());
});
