import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errors } from '@preau/contract/errors.ts';
import { describe, expect, test } from 'vitest';
import { failures } from './failures.ts';

const agent = join(import.meta.dirname, '../../../agent/src');
/** What the agent does for sessions, people’s files and its link, and not to install. */
const aside = new RegExp(
  [
    ...['exchange', 'display', 'window-manager', 'sandbox', 'session', 'icon', 'enrol', 'home'],
    ...['controller-link', 'identity', 'drivers/memory', 'linux/linux\\.ts', 'policy', 'state-'],
    ...['\\.test\\.ts', '\\.fixture\\.ts'],
  ].join('|'),
);

/** The codes of the errors table that the sources of installations name. */
const codes = [
  ...new Set(
    readdirSync(agent, { recursive: true, encoding: 'utf8' })
      .filter((path) => /^(drivers|packages|reconcile|orders|applications)/.test(path))
      .filter((path) => path.endsWith('.ts') && !aside.test(path))
      .flatMap((path) => [...readFileSync(join(agent, path), 'utf8').matchAll(/'([A-Z][A-Z_]+)'/g)])
      .map(([, code = '']) => code)
      .filter((code) => Object.hasOwn(errors, code)),
  ),
].sort();

describe('how an installation can end', () => {
  test('the agent names the codes that this test means', () => {
    expect(codes).toEqual(
      expect.arrayContaining(['DISK_FULL', 'HASH_MISMATCH', 'INSTALL_FAILED', 'NOT_DETECTED']),
    );
    expect(codes.length).toBeGreaterThan(12);
  });
  test.each(codes)('%s has a cause and a next step', (code) => {
    expect(failures[code]).toBeDefined();
  });
});

describe('the sentences', () => {
  const all = Object.entries(failures).flatMap(([code, { cause, next }]) =>
    (['fr', 'en'] as const).map((language): [string, string, string, string] => [
      code,
      language,
      cause[language],
      next[language],
    ]),
  );
  test.each(all)('%s, %s', (_code, language, cause, next) => {
    for (const sentence of [cause, next]) {
      expect(sentence).toMatch(/^\p{Lu}.{15,}\.$/u);
      expect(sentence).not.toMatch(/'| {2}/);
      // In French a colon, a semicolon and guillemets have a space that does not break.
      if (language === 'fr')
        expect(sentence).not.toMatch(/[^ \u00a0\u202f][:;»]|«[^ \u00a0\u202f]/);
    }
    expect(cause).not.toBe(next);
  });
  test('differ from code to code, and from language to language', () => {
    const causes = all.map(([, , cause]) => cause);
    expect(new Set(causes).size).toBe(causes.length);
  });
  test('tell somebody to do something', () => {
    // biome-ignore format: a list
    const verbs = /(ez|Faites|Dites)\b|Check|Correct|Read|Try|Make|Wait|Add|Ask|Have|Look|Set|Upload|Choose|On the server|In the recipe|Repair/;
    for (const [code, language, , next] of all) expect(next, `${code} ${language}`).toMatch(verbs);
  });
});
