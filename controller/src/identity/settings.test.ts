import { readFileSync } from 'node:fs';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { IdentityFaults, parseIdentity } from './settings.ts';

describe('the file', () => {
  const good = {
    id: 'ad',
    kind: 'ldap',
    flavour: 'active-directory',
    name: { fr: 'a', en: 'a' },
    url: 'ldaps://dc.fr',
    bind_dn: 'cn=a',
    bind_password: 'hush-hush',
    base: 'dc=a',
  };
  const faults = (provider: object, more: object = {}) => {
    try {
      parseIdentity({ provider: [provider], ...more }, () => null);
    } catch (error) {
      if (error instanceof IdentityFaults) return error;
      throw error;
    }
    return null;
  };
  test('a good one', () => {
    expect(faults(good)).toBeNull();
    expect(
      faults({ id: 'c', kind: 'cas', name: { fr: 'a', en: 'a' }, url: 'https://cas.fr/cas' }),
    ).toBeNull();
  });
  test.each([
    [{ url: 'ldap://dc.fr' }, /start_tls: expected true/],
    [{ url: 'https://dc.fr' }, /url/],
    [{ start_tls: true }, /start_tls: expected false/],
    [{ id: 'local' }, /id: expected/],
    [{ kind: 'nis' }, /kind: expected ldap, oidc or cas/],
    [{ people: '(uid=' }, /people: expected an LDAP filter/],
    [{ networks: ['10.0.0.1/99'] }, /networks/],
    [{ ca_file: '/nowhere' }, /ca_file/],
    [{ bind_password: undefined, bind_password_file: '/nowhere' }, /bind_password_file/],
    [{ bind_password: undefined }, /bind_password/],
    [{ site: { attribute: 'a', pattern: '(' } }, /site.pattern/],
    [{ role: [{ role: 'pupil' }] }, /role: expected/],
    [{ role: [{ role: 'king', group: 'x' }] }, /role/],
    [{ pasword: 'hush-hush' }, /pasword/],
    [{ default_role: 'administrator' }, /default_role/],
  ])('%j', (change, expected) => {
    const fault = faults({ ...good, ...change });
    expect(fault?.message).toMatch(expected);
    expect(fault?.message).not.toContain('hush-hush');
  });
  test('the presets of the runbook are good ones', () => {
    const text = readFileSync(
      new URL('../../../docs/runbooks/directories.md', import.meta.url),
      'utf8',
    );
    const presets = [...text.matchAll(/```toml\n([\s\S]*?)```/g)].map((match) =>
      parseIdentity(parseToml(match[1] ?? ''), (path) =>
        path.endsWith('.pem') ? '-----BEGIN CERTIFICATE-----' : 'secret',
      ).map(({ kind }) => kind),
    );
    expect(presets.flat()).toEqual(['ldap', 'ldap', 'cas', 'oidc']);
  });
  test('every fault at once, without the secrets', () => {
    const fault = faults(
      { ...good, url: 'x', bind_dn: 7, base: '', bind_password: { a: 'hush-hush' } },
      { other: 1 },
    );
    expect(fault?.faults.length).toBeGreaterThanOrEqual(4);
    expect(fault?.message).not.toContain('hush-hush');
    expect(
      faults({
        id: 'o',
        kind: 'oidc',
        name: { fr: 'a', en: 'a' },
        issuer: 'http://far.fr',
        client_id: 'x',
      })?.message,
    ).toMatch(/issuer: expected https/);
  });
});
