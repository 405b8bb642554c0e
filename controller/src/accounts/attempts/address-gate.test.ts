import { AppError, type ErrorCode } from '@preau/contract/errors.ts';
import { expect, test } from 'vitest';
import { codeOf } from '#src/testing.fixture.ts';
import { createAddressGate, moodAt, neighbourhoodOf } from './address-gate.ts';

function setUp() {
  const waits: number[] = [];
  const gate = createAddressGate({
    wait: async (ms) => void waits.push(Math.round(ms / 1000)),
    chance: () => 0.5,
  });
  const moods: string[] = [];
  const fail = (address = '10.0.0.1', code: ErrorCode = 'SIGN_IN_REFUSED') =>
    codeOf(
      gate.enter(address, async (mood) => {
        moods.push(mood);
        throw new AppError(code as 'SIGN_IN_REFUSED');
      }),
    );
  return { gate, waits, moods, fail };
}

test('the mood of an address', () => {
  expect([1, 120, 121, 600, 601].map(moodAt)).toEqual([
    'calm',
    'calm',
    'slowed',
    'slowed',
    'refused',
  ]);
});

test('refusals are slowed, then told to slow down; whoever is right gets in at once', async () => {
  const { gate, waits, fail } = setUp();
  const codes: string[] = [];
  for (let count = 0; count < 700; count += 1) codes.push(await fail());
  expect([
    codes.indexOf('SLOW_DOWN'),
    new Set(codes.slice(0, 600)),
    new Set(codes.slice(600)),
    waits.length,
    waits.lastIndexOf(4),
    waits.indexOf(8),
  ]).toEqual([600, new Set(['SIGN_IN_REFUSED']), new Set(['SLOW_DOWN']), 580, 479, 480]);
  expect(await gate.enter('10.0.0.1', async () => 'in')).toBe('in');
  expect(waits).toHaveLength(580);
  expect(await fail('10.0.0.2')).toBe('SIGN_IN_REFUSED');
});

test('three hundred people of one school, each with a right password: no failure is counted', async () => {
  const { gate, moods, fail } = setUp();
  for (let count = 0; count < 300; count += 1) await gate.enter('10.0.0.1', async () => 'in');
  for (let count = 0; count < 300; count += 1) await fail('10.0.0.1', 'SECOND_FACTOR_REQUIRED');
  moods.length = 0;
  await fail();
  expect(moods).toEqual(['calm']);
});

test('a thousand at once are a thousand: counted before they are looked at', async () => {
  const { fail, moods } = setUp();
  await Promise.all(Array.from({ length: 1000 }, () => fail()));
  expect([
    moods.filter((mood) => mood === 'calm').length,
    moods.filter((mood) => mood === 'slowed').length,
    moods.filter((mood) => mood === 'refused').length,
  ]).toEqual([120, 480, 400]);
});

test('one network of IPv6 is one address', () => {
  expect(neighbourhoodOf('2001:db8:1:2::1')).toBe(neighbourhoodOf('2001:db8:1:2:ffff::9'));
  expect(neighbourhoodOf('2001:db8:1:2::1')).not.toBe(neighbourhoodOf('2001:db8:1:3::1'));
  expect(neighbourhoodOf('::ffff:10.0.0.1')).toBe(neighbourhoodOf('10.0.0.1'));
  expect(neighbourhoodOf('10.0.0.1')).not.toBe(neighbourhoodOf('10.0.0.2'));
});

test('what is begun and never finished is bounded by address', async () => {
  const { gate } = setUp();
  for (let count = 0; count < 600; count += 1) await gate.begin('10.0.0.1');
  expect(await codeOf(gate.begin('10.0.0.1'))).toBe('SLOW_DOWN');
  expect(await codeOf(gate.begin('10.0.0.2'))).toBe('done');
  for (let count = 0; count < 10; count += 1) gate.finish('10.0.0.1');
  expect(await codeOf(gate.begin('10.0.0.1'))).toBe('done');
});
