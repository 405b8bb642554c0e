import { expect, test } from 'vitest';
import { flatten } from './redirect-providers.ts';
import { ownPage } from './redirects.ts';

test('claims inside claims, by their path', () => {
  expect(
    flatten({
      sub: 'a',
      roles: ['x', 'y'],
      realm_access: { roles: ['z'] },
      n: 3,
      deep: { a: { b: true } },
      none: null,
    }),
  ).toEqual({
    sub: ['a'],
    roles: ['x', 'y'],
    'realm_access.roles': ['z'],
    n: ['3'],
    'deep.a.b': ['true'],
  });
});

test('after signing in: a page of ours, and no other', () => {
  expect(['/', '/admin', '/launch/tuxpaint', '/a?b=c%20d'].map(ownPage)).toEqual([
    '/',
    '/admin',
    '/launch/tuxpaint',
    '/a?b=c%20d',
  ]);
  for (const to of [
    undefined,
    '',
    'admin',
    '//evil.fr',
    '/\\evil.fr',
    '/\t/evil.fr',
    'https://evil.fr',
    'javascript:alert(1)',
    '/api/sign-out',
    '/@evil.fr',
    '/a\r\nset-cookie: x',
  ])
    expect(ownPage(to)).toBe('/');
});
