import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { agentSettings } from '../agent/src/config.ts';
import { settings } from '../controller/src/config.ts';

interface Service {
  image?: string;
  build?: unknown;
  environment?: Record<string, string> | string[];
  ports?: (string | object)[];
  privileged?: boolean;
  volumes?: (string | object)[];
  networks?: string[];
  profiles?: string[];
}
const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const text = read('docker-compose.yml');
const file = parse(text) as {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean }>;
};
const networksOf = (service: string) => file.services[service]?.networks ?? [];
const environmentOf = ({ environment = {} }: Service): [name: string, value: string][] =>
  Array.isArray(environment)
    ? environment.map((line): [string, string] => [
        line.split('=')[0] ?? '',
        line.slice(line.indexOf('=') + 1),
      ])
    : Object.entries(environment).map(([name, value]) => [name, String(value)]);

describe('docker-compose.yml', () => {
  test('sets no variable the controller does not know', () => {
    const names = Object.values(file.services)
      .flatMap((service) => environmentOf(service).map(([name]) => name))
      .filter((name) => name.startsWith('PREAU_'));
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !(name in settings))).toEqual([]);
  });
  test('mentions no variable the controller does not know, in comments and substitutions neither', () => {
    const mentioned = [...text.matchAll(/\bPREAU_[A-Z_]+\b/g)].map((match) => match[0]);
    expect([...new Set(mentioned)].filter((name) => !(name in settings))).toEqual([]);
  });
  test('gives each fixed value in the form the controller accepts', () => {
    for (const service of Object.values(file.services)) {
      for (const [name, value] of environmentOf(service)) {
        // `${NAME:-default}`: the default must be good too; `${NAME:?…}` has none.
        const fixed =
          /^\$\{[A-Z_]+:-(.*)\}$/.exec(value)?.[1] ?? (value.includes('${') ? null : value);
        const known = Object.entries(settings).find(([candidate]) => candidate === name)?.[1];
        if (known !== undefined && fixed !== null)
          expect([name, known.parse(fixed) !== undefined]).toEqual([name, true]);
      }
    }
  });
  test('passes every setting from .env that the image does not fix, with its own default', () => {
    const imageSets = [...read('packaging/container/Dockerfile').matchAll(/(PREAU_[A-Z_]+)=/g)].map(
      (match) => match[1] ?? '',
    );
    const passed = environmentOf(file.services['controller'] ?? {});
    expect([...imageSets, ...passed.map(([name]) => name)].toSorted()).toEqual(
      Object.keys(settings).toSorted(),
    );
    /** Where the other containers are, and what a trial on this machine is typed at. */
    const otherDefaults: Record<string, string> = {
      PREAU_PUBLIC_URL: 'http://127.0.0.1:8080',
      PREAU_REDIS_URL: 'redis://redis:6379',
      PREAU_GUACD_HOST: 'guacd',
    };
    const defaults = Object.entries(settings).map(
      ([name, setting]) => [name, otherDefaults[name] ?? setting.default] as const,
    );
    expect(Object.fromEntries(passed)).toEqual(
      Object.fromEntries(
        defaults
          .filter(([name]) => !imageSets.includes(name))
          .map(([name, value]) => [name, `\${${name}:-${value}}`]),
      ),
    );
  });
  test('holds no secret', () => {
    const secrets = Object.values(file.services)
      .flatMap((service) => environmentOf(service))
      .filter(([name]) => /PASSWORD|SECRET|DATABASE_URL/.test(name));
    for (const [name, value] of secrets)
      expect([name, value]).toEqual([
        name,
        expect.stringMatching(/^(\$\{[A-Z_]+(:?[-?][^}]*)?\})?$/),
      ]);
  });
  test(
    'every image has a fixed version, only the demo’s server is privileged, only the ' +
      'controller is published',
    () => {
      for (const [name, service] of Object.entries(file.services)) {
        if (service.image !== undefined)
          expect([name, service.image]).toEqual([name, expect.stringMatching(/:[0-9]/)]);
        expect([name, service.privileged ?? false]).toEqual([name, name === 'demo-server']);
        expect(JSON.stringify(service.volumes ?? [])).not.toContain('docker.sock');
        if (service.build === undefined) expect([name, service.ports ?? []]).toEqual([name, []]);
      }
    },
  );
});

test('the demo starts only when it is asked for, and says that its server is privileged', () => {
  const names = Object.keys(file.services).filter((name) => name.startsWith('demo'));
  expect(names).toEqual(['demo-city', 'demo-server', 'demo']);
  for (const name of names) expect([name, file.services[name]?.profiles]).toEqual([name, ['demo']]);
  for (const path of ['packaging/container/demo-server/start.sh', 'README.md'])
    expect(read(path)).toContain('privileged');
});

test('the containers set only variables the controller knows', () => {
  const inCompose = Object.values(file.services).flatMap((service) =>
    environmentOf(service).map(([name]) => name),
  );
  const inImage = [...read('packaging/container/Dockerfile').matchAll(/(PREAU_[A-Z_]+)=/g)].map(
    (match) => match[1],
  );
  const set = [...inCompose, ...inImage].filter((name) => name?.startsWith('PREAU_'));
  expect(set.length).toBeGreaterThan(5);
  for (const name of set) expect(Object.keys(settings)).toContain(name);
});

test('guacd shares no network with Redis or PostgreSQL, and only the controller is published', () => {
  for (const store of ['redis', 'postgres']) {
    expect(networksOf(store).filter((network) => networksOf('guacd').includes(network))).toEqual(
      [],
    );
    expect(networksOf(store).every((network) => file.networks[network]?.internal === true)).toBe(
      true,
    );
  }
  const published = Object.entries(file.services).filter(
    ([, service]) => service.ports !== undefined,
  );
  expect(published.map(([name]) => name)).toEqual(['controller']);
});

/** What the command line reads beside its own files. */
const cliVariables = [
  ...new Set([...read('cli/src/config.ts').matchAll(/PREAU_[A-Z_]+/g)].map((match) => match[0])),
];

test('docs/configuration.md names every setting, and no other', () => {
  const told = [...read('docs/configuration.md').matchAll(/^\| `(PREAU_[A-Z_]+)` \|/gm)].map(
    (match) => match[1],
  );
  const known = [
    'PREAU_CONFIG',
    ...Object.keys(settings),
    ...agentSettings.map((setting) => setting.name),
    ...cliVariables,
  ];
  expect(told.toSorted()).toEqual(known.toSorted());
});
