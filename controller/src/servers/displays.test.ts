import { describe, expect, test } from 'vitest';
import { displayAt, displayAtEnrolment, judgeDisplay } from './displays.ts';

const school = '10.38.1.5';

describe('a display may be at', () => {
  test.each([
    ['10.38.1.5', 3390, '10.38.1.5'],
    ['172.20.0.4', 3390, '172.20.0.4'],
    ['192.168.1.2', 0, '192.168.1.2'],
    ['100.64.3.4', 3390, '100.64.3.4'],
    ['203.0.114.9', 65_535, '203.0.114.9'],
    ['::ffff:10.38.1.5', 3390, '10.38.1.5'],
    ['FD00:0::1', 3390, 'fd00::1'],
  ])('%s port %i', (host, port, usual) =>
    expect(displayAt({ host, port }, school)).toEqual({ host: usual, port }),
  );
});

describe('a display is never at', () => {
  test.each([
    ['127.0.0.1', 3390],
    ['127.1', 3390],
    ['0x7f.1', 3390],
    ['2130706433', 3390],
    ['::1', 3390],
    ['::ffff:127.0.0.1', 3390],
    ['0.0.0.0', 3390],
    ['::', 3390],
    ['169.254.169.254', 3390],
    ['fe80::1', 3390],
    ['224.0.0.1', 3390],
    ['ff02::1', 3390],
    ['255.255.255.255', 3390],
    ['240.0.0.1', 3390],
    ['64:ff9b::7f00:1', 3390],
    ['2002:7f00:1::', 3390],
    ['redis', 6379],
    ['localhost', 3390],
    ['', 3390],
    ['10.38.1.5', 22],
    ['10.38.1.5', 443],
  ])('%s port %i', (host, port) => expect(displayAt({ host, port }, school)).toBe(null));

  test('loopback, unless the server calls from there itself', () => {
    const here = { host: '127.0.0.1', port: 40_000 };
    expect(displayAt(here, '127.0.0.1')).toEqual(here);
    expect(displayAt(here, '::1')).toEqual(here);
    expect(displayAt(here, null)).toBe(null);
  });
});

describe('a new server', () => {
  test('is known by what it says, behind NAT and proxies too', () =>
    expect(displayAtEnrolment({ host: '10.38.1.5', port: 3390 }, '203.0.114.9')).toEqual({
      host: '10.38.1.5',
      port: 3390,
      refused: null,
    }));
  test('that says nothing is known by where it calls from', () =>
    expect(displayAtEnrolment(undefined, '10.38.1.5')).toEqual({
      host: '10.38.1.5',
      port: 0,
      refused: null,
    }));
  test('that says what cannot be is not known yet', () =>
    expect(displayAtEnrolment({ host: '127.0.0.1', port: 0 }, '10.38.1.5')).toBe(null));
});

describe('a reported display', () => {
  const known = { host: '10.38.1.5', port: 3390, refused: null };
  // biome-ignore format: a table
  const cases: [what: string, known: Parameters<typeof judgeDisplay>[0], host: string, port: number, verdict: string][] = [
    ['the known one',                 known,                  '10.38.1.5',        3390, 'known'],
    ['the known one, written otherwise', known,               '::ffff:10.38.1.5', 3390, 'known'],
    ['another host',                  known,                  '10.38.1.6',        3390, 'refused'],
    ['another port of the same host', known,                  '10.38.1.5',        6379, 'refused'],
    ['a port where any is chosen',    { ...known, port: 0 },  '10.38.1.5',       40000, 'known'],
    ['a low one where any is chosen', { ...known, port: 0 },  '10.38.1.5',          22, 'refused'],
    ['no port',                       { ...known, port: 0 },  '10.38.1.5',           0, 'refused'],
    ['a name',                        known,                  'database.city',    3390, 'refused'],
    ['the first',                     null,                   '10.38.1.5',        3390, 'first'],
    ['the first, but loopback',       null,                   '127.0.0.1',        3390, 'refused'],
    ['loopback, known as such',       { ...known, host: '127.0.0.1', port: 0 }, '127.0.0.1', 3391, 'known'],
    ['loopback of another form',      { ...known, host: '127.0.0.1', port: 0 }, '127.0.0.2', 3391, 'refused'],
  ];
  test.each(cases)('%s', (_what, before, host, port, verdict) =>
    expect(judgeDisplay(before, { host, port }, '10.38.1.5').verdict).toBe(verdict),
  );
});
