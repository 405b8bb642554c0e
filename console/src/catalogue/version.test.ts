import { expect, test } from 'vitest';
import { shortVersion, shownVersion } from './version.ts';

// biome-ignore format: a table
const cases: [exact: string, short: string][] = [
  ['4:22.12.3-1', '22.12.3'], ['0.5.10-2', '0.5.10'], ['1:2.4.6-1', '2.4.6'], ['4:7.4.7-1+deb12u14', '7.4.7'],
  ['4.0.34.0+dfsg1-9', '4.0.34.0'], ['3.2.3+dfsg2-16', '3.2.3'], ['1:0.9.28-sdl2-1', '0.9.28-sdl2'], ['1.8.3-5.1', '1.8.3'],
  ['2.10.34-1+deb12u10', '2.10.34'], ['3.1-2', '3.1'], ['1', '1'], ['1.0', '1.0'], ['2.0~rc1-3', '2.0~rc1'], ['', ''],
];
test.each(cases)('%s is read as %s', (exact, short) => {
  expect(shortVersion(exact)).toBe(short);
});

test('only Debian’s are shortened', () => {
  const detect = { kind: 'package', package: 'x' } as const;
  expect(shownVersion('3.1-2', { linux: { kind: 'apt', packages: ['x'], detect } })).toBe('3.1');
  expect(shownVersion('2024-11', { linux: { kind: 'updates', scope: 'all', detect } })).toBe(
    '2024-11',
  );
});
