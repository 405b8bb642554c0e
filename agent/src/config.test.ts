import { afterEach, expect, test, vi } from 'vitest';
import { proxyFor, proxyVariables } from './config.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('a proxy is for others than this machine, and than those that NO_PROXY names', () => {
  for (const name of ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY', 'no_proxy'])
    vi.stubEnv(name, '');
  vi.stubEnv('HTTPS_PROXY', 'http://user:secret@proxy:3128');
  vi.stubEnv('https_proxy', 'http://user:secret@proxy:3128');
  vi.stubEnv('NO_PROXY', 'near.ville.test,.lan');
  // biome-ignore format: a table
  const cases: [url: string, proxied: boolean][] = [
    ['https://preau.ville.test',      true],
    ['https://preau.ville.test:8443', true],
    ['https://[fd88::1]',             true],
    ['https://near.ville.test',       false],
    ['https://preau.lan',             false],
    ['https://127.0.0.1:8080',        false],
    ['https://localhost:8080',        false],
    ['https://[::1]:8080',            false],
    ['http://preau.ville.test',       false],
    ['no address',                    false],
  ];
  for (const [url, proxied] of cases)
    expect([url, proxyFor(url)]).toEqual([url, proxied ? 'http://user:secret@proxy:3128' : null]);
});

test('installers get the variables of the proxy, and nothing else of the agent', () => {
  vi.stubEnv('https_proxy', 'http://proxy:3128');
  vi.stubEnv('no_proxy', 'lan');
  vi.stubEnv('PREAU_AGENT_RDP_PORT', '3390');
  expect(proxyVariables()).toMatchObject({ https_proxy: 'http://proxy:3128', no_proxy: 'lan' });
  expect(Object.keys(proxyVariables()).filter((name) => !/_proxy$/i.test(name))).toEqual([]);
});
