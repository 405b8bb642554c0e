/** The real hashes: slow on purpose, so few of them. */
import { expect, test } from 'vitest';
import { createPasswords } from './passwords.ts';

test('a password opens its own hash only, and nothing opens where there is none', async () => {
  const { hash, verify } = createPasswords();
  const stored = await hash('un mot de passe');
  expect(await verify(stored, 'un mot de passe')).toBe(true);
  expect(await verify(stored, 'un autre')).toBe(false);
  // Names without a hash are compared with one of this text, so that they take as long.
  for (const guess of ['no such account', '', 'un mot de passe'])
    expect([guess, await verify(null, guess)]).toEqual([guess, false]);
});
