import { expect, test } from 'vitest';
import type { Package } from './dpkg.ts';
import { judgeInstall } from './foresee.ts';

const here = (status: string): Package => ({
  version: '1.0',
  status,
  architecture: 'amd64',
  base: false,
  held: false,
});
/** apt has nothing to unpack. */
const nothing = { code: 0, text: '', removes: [], installs: [], upgrades: [] };

test.each([
  ['installed', null],
  ['unpacked', null],
  ['half-configured', null],
  ['half-installed', null],
  ['triggers-pending', null],
  ['config-files', 'PACKAGE_VIRTUAL'],
  ['not-installed', 'PACKAGE_VIRTUAL'],
])('a package that is %s and that apt does not name as installed', (status, code) => {
  const known = { wanted: [], placed: {}, packages: new Map([['jeu', here(status)]]) };
  const refusal = judgeInstall({ slug: 'jeu', packages: ['jeu'] }, nothing, known);
  expect(refusal?.code ?? null).toBe(code);
});
