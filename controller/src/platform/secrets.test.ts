import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  createSecrets,
  loadSecret,
  newEnrolmentCode,
  newId,
  newToken,
  verifySignature,
} from './secrets.ts';

const folders: string[] = [];
const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'preau-secrets-'));
  folders.push(made);
  return made;
};
afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
});

const city = createSecrets(Buffer.alloc(32, 1));
const other = createSecrets(Buffer.alloc(32, 2));

describe('signatures', () => {
  test('are verified with the public key, and stable across restarts', () => {
    expect(verifySignature(city.controllerKey, 'text', city.sign('text'))).toBe(true);
    expect(createSecrets(Buffer.alloc(32, 1)).controllerKey).toBe(city.controllerKey);
    expect(city.controllerKey).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });
  // biome-ignore format: a table
  const refused: [name: string, key: string, text: string, signature: string][] = [
    ['another text', city.controllerKey, 'other', city.sign('text')],
    ['another city’s key', other.controllerKey, 'text', city.sign('text')],
    ['another city’s signature', city.controllerKey, 'text', other.sign('text')],
    ['an empty signature', city.controllerKey, 'text', ''],
    ['a malformed key', 'abc', 'text', city.sign('text')],
    ['an empty key', '', 'text', city.sign('text')],
    ['an X25519 key pretending', generateKeyPairSync('x25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(12).toString('base64url'), 'text', city.sign('text')],
  ];
  test.each(refused)('refuse %s', (_name, key, text, signature) =>
    expect(verifySignature(key, text, signature)).toBe(false),
  );
});

describe('seals', () => {
  test('open again, and differ each time', () => {
    const text = '{"password":"élève 🦊"}';
    expect(city.unseal(city.seal(text))).toBe(text);
    expect(city.seal(text)).not.toBe(city.seal(text));
    expect(Buffer.from(city.seal(text), 'base64url').toString('latin1')).not.toContain('password');
  });
  test('break when any byte is changed', () => {
    const bytes = Buffer.from(city.seal('secret'), 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const broken = Buffer.from(bytes);
      broken[at] = (broken[at] ?? 0) ^ 1;
      expect(() => city.unseal(broken.toString('base64url'))).toThrow();
    }
  });
  test('do not open for another city, nor cut short', () => {
    expect(() => other.unseal(city.seal('secret'))).toThrow();
    expect(() => city.unseal(city.seal('secret').slice(0, -4))).toThrow();
    expect(() => city.unseal('')).toThrow();
  });
});

describe('randomness', () => {
  test('has the promised shapes and does not repeat', () => {
    expect(newId('ses')).toMatch(/^ses_[A-Za-z0-9_-]{22}$/);
    expect(newToken()).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(newEnrolmentCode()).toMatch(/^[A-Z2-7]{4}(-[A-Z2-7]{4}){5}$/);
    expect(new Set(Array.from({ length: 1000 }, newEnrolmentCode)).size).toBe(1000);
  });
});

describe('loadSecret', () => {
  test('makes one once, readable by its owner only', () => {
    const data = join(folder(), 'data');
    const first = loadSecret(data, '');
    expect(first).toHaveLength(32);
    expect(loadSecret(data, '')).toEqual(first);
    expect(statSync(join(data, 'secret')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(data, 'secret'), 'utf8')).toBe(first.toString('hex'));
    expect(loadSecret(folder(), '')).not.toEqual(first);
  });
  test('a given one is used and not written', () => {
    const data = folder();
    expect(loadSecret(data, 'ab'.repeat(32))).toEqual(Buffer.alloc(32, 0xab));
    expect(() => statSync(join(data, 'secret'))).toThrow();
  });
});
