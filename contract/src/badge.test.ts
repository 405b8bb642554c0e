import { generateKeyPairSync, sign as signWith, verify as verifyWith } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Badge, badgeText, type Door, doorAt, isCurrent, readBadge } from './badge.ts';
import { frenchCalendar } from './french-calendar.ts';

const city = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const signer = (key: typeof city) => (text: string) =>
  signWith(null, Buffer.from(text), key.privateKey).toString('base64url');
const sign = signer(city);
/** All that a school needs: the public key. */
const verify = (text: string, signature: string) =>
  verifyWith(null, Buffer.from(text), city.publicKey, Buffer.from(signature, 'base64url'));
const badge: Badge = {
  accountId: `acc_${'a'.repeat(22)}`,
  siteId: `sit_${'B-_'.repeat(7)}x`,
  serial: 3,
  issuedOn: '2026-09-01',
};
const text = badgeText(badge, sign);

describe('a badge', () => {
  test('is read back as it was made, and is the same text each time', () => {
    expect(readBadge(text, verify)).toEqual({ kind: 'badge', badge });
    expect(readBadge(`  ${text}\r\n`, verify)).toEqual({ kind: 'badge', badge });
    expect(badgeText(badge, sign)).toBe(text);
    expect(text.length).toBeLessThan(170);
  });
  test.each([
    ['another city’s', badgeText(badge, signer(other))],
    ['another child’s name on it', text.replace('acc_a', 'acc_b')],
    ['another school’s', text.replace('sit_B', 'sit_C')],
    ['a higher serial', text.replace('.3.', '.4.')],
    ['a later day', text.replace('2026-09-01', '2027-09-01')],
    ['a signature of something else', `${text.slice(0, text.lastIndexOf('.'))}.${sign('PB1')}`],
  ])('is forged: %s', (_name, forged) => expect(readBadge(forged, verify).kind).toBe('forged'));
  test.each([
    ['nothing', ''],
    ['cut off', text.slice(0, -1)],
    ['cut in the middle', text.slice(0, 60)],
    ['more behind', `${text}A`],
    ['two of them', `${text}${text}`],
    ['another version', text.replace('PB1', 'PB2')],
    ['small letters', text.toLowerCase()],
    ['a page of the web', 'https://preau.example/'],
    ['a serial of 0', text.replace('.3.', '.0.')],
    ['a negative serial', text.replace('.3.', '.-3.')],
    ['a serial with a zero before', text.replace('.3.', '.03.')],
    ['a signature with a line in it', text.replace(/.{10}$/, '\n$&')],
    ['spaces inside', text.replace('.3.', '. 3.')],
  ])('is unreadable: %s', (_name, unreadable) =>
    expect(readBadge(unreadable, verify)).toEqual({ kind: 'unreadable' }),
  );

  test('whatever is held up, nothing but the city’s own text is a badge, and nothing throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ maxLength: 300 })),
        (anything) => readBadge(anything, verify).kind !== 'badge',
      ),
      { numRuns: 300 },
    );
    const at = text.lastIndexOf('.');
    fc.assert(
      fc.property(fc.nat({ max: at - 1 }), fc.constantFrom(...'abcXYZ019._-'), (place, sign) => {
        const changed = text.slice(0, place) + sign + text.slice(place + 1);
        return changed === text || readBadge(changed, verify).kind !== 'badge';
      }),
      { numRuns: 200 },
    );
    fc.assert(
      fc.property(
        fc.record({
          serial: fc.integer({ min: 1, max: 999_999 }),
          day: fc.integer({ min: 1, max: 28 }),
        }),
        ({ serial, day }) => {
          const made: Badge = {
            ...badge,
            serial,
            issuedOn: `2027-02-${String(day).padStart(2, '0')}`,
          };
          const read = readBadge(badgeText(made, sign), verify);
          return (
            read.kind === 'badge' &&
            read.badge.serial === serial &&
            read.badge.issuedOn === made.issuedOn
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  test('the newest serial counts, until it is voided', () => {
    const cases: [current: { serial: number; voidedAt: number | null } | null, ok: boolean][] = [
      [{ serial: 3, voidedAt: null }, true],
      [{ serial: 4, voidedAt: null }, false],
      [{ serial: 2, voidedAt: null }, false],
      [{ serial: 3, voidedAt: 1 }, false],
      [null, false],
    ];
    for (const [current, ok] of cases) expect(isCurrent(badge, current)).toBe(ok);
  });
});

describe('the door of a school', () => {
  const school: Door = {
    timeZone: 'Europe/Paris',
    holidayZone: 'B',
    closures: ['2027-01-14'],
    networks: [{ subnet: '10.12.0.0/16' }, { subnet: '2001:db8:12::/48' }],
    badgeHours: [{ days: [1, 2, 3, 4, 5], from: '08:00', to: '17:00', period: 'school' }],
  };
  // A Tuesday with class, 10:00 in Paris.
  const tuesday = Date.parse('2027-01-12T09:00:00Z');
  // biome-ignore format: a table
  const cases: [name: string, door: Door, address: string | null, now: number, state: unknown][] = [
    ['inside, in class', school, '10.12.3.4', tuesday, { open: true, until: Date.parse('2027-01-12T16:00:00Z') }],
    ['as sockets write it', school, '::ffff:10.12.3.4', tuesday, { open: true, until: expect.anything() }],
    ['inside, by IPv6', school, '2001:db8:12:9::1', tuesday, { open: true, until: expect.anything() }],
    ['from home', school, '81.2.3.4', tuesday, { open: false, why: 'elsewhere', opensAt: null }],
    ['from another school', school, '10.13.3.4', tuesday, { open: false, why: 'elsewhere', opensAt: null }],
    ['from nobody knows where', school, null, tuesday, { open: false, why: 'elsewhere', opensAt: null }],
    ['from no address at all', school, 'unknown', tuesday, { open: false, why: 'elsewhere', opensAt: null }],
    ['in the evening', school, '10.12.3.4', tuesday + 10 * 3_600_000, { open: false, why: 'out_of_hours', opensAt: Date.parse('2027-01-13T07:00:00Z') }],
    ['on a closure', school, '10.12.3.4', tuesday + 48 * 3_600_000, { open: false, why: 'out_of_hours', opensAt: Date.parse('2027-01-15T07:00:00Z') }],
    ['on a Sunday', school, '10.12.3.4', tuesday + 5 * 86_400_000, { open: false, why: 'out_of_hours', opensAt: Date.parse('2027-01-18T07:00:00Z') }],
    ['in summer time the wall decides: 8:00 in Paris is 6:00 in London’s winter', school, '10.12.3.4', Date.parse('2027-04-06T06:00:00Z'), { open: true, until: Date.parse('2027-04-06T15:00:00Z') }],
    ['without hours: always', { ...school, badgeHours: [] }, '10.12.3.4', tuesday + 10 * 3_600_000, { open: true, until: null }],
    ['no network: nowhere is inside', { ...school, networks: [] }, '10.12.3.4', tuesday, { open: false, why: 'no_network', opensAt: null }],
  ];
  test.each(cases)('%s', (_name, door, address, now, state) =>
    expect(doorAt(frenchCalendar, door, address, now)).toEqual(state),
  );
});
