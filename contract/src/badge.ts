/** A badge: what is printed on the card of a child who cannot type yet. The city signs it, so that
 * a school can detect a forgery with the city's public key alone. Each school decides where and
 * when badges work. Pure. Only the city knows which serial is the newest. Rationale:
 * docs/decisions/0016. */
import { type Static, Type } from 'typebox';
import { AccountId } from './account.ts';
import { type Calendar, type Place, windowAt } from './calendar.ts';
import { addressOf, subnetOf } from './network.ts';
import { Strict } from './schema.ts';
import { SiteId } from './site.ts';
import type { WindowSpec } from './windows.ts';

/** `serial` rises with each new badge; older serials become invalid. `issuedOn`: a date, for
 * the holder of the card. */
export const Badge = Strict({
  accountId: AccountId,
  siteId: SiteId,
  serial: Type.Integer({ minimum: 1, maximum: 999_999 }),
  issuedOn: Type.String({ pattern: '^20[0-9]{2}-[0-9]{2}-[0-9]{2}$' }),
});
export type Badge = Static<typeof Badge>;

/** The text as a camera or scanner reads it. It can be anything, so only the length is limited
 * here. */
export const BadgeText = Type.String({ minLength: 1, maxLength: 400 });

/** `PB1.<account>.<school>.<serial>.<day>.<signature>` */
const shape = new RegExp(
  [
    /^PB1/,
    /(acc_[A-Za-z0-9_-]{22})/,
    /(sit_[A-Za-z0-9_-]{22})/,
    /([1-9][0-9]{0,5})/,
    /(20[0-9]{2}-[0-9]{2}-[0-9]{2})/,
    /([A-Za-z0-9_-]{86})$/,
  ]
    .map(({ source }) => source)
    .join('\\.'),
);

/** The signed text. Its prefix keeps it apart from everything else that the city signs. */
const signedText = ({ accountId, siteId, serial, issuedOn }: Badge): string =>
  `PB1.${accountId}.${siteId}.${serial}.${issuedOn}`;

/** `sign`: Ed25519 with the city's key, base64url. The same badge always gives the same text. */
export function badgeText(badge: Badge, sign: (text: string) => string): string {
  const text = signedText(badge);
  return `${text}.${sign(text)}`;
}

/** `forged`: the signature is not the city's; `claims` is unverified. */
export type BadgeReading =
  | { kind: 'badge'; badge: Badge }
  | { kind: 'unreadable' }
  | { kind: 'forged'; claims: Badge };

/** `verify` tells whether the signature is the city's. Spaces and line ends that a scanner adds
 * around the text are ignored. Never throws. */
export function readBadge(
  text: string,
  verify: (text: string, signature: string) => boolean,
): BadgeReading {
  const parts = shape.exec(text.trim());
  if (parts === null) return { kind: 'unreadable' };
  const [, accountId = '', siteId = '', serial = '', issuedOn = '', signature = ''] = parts;
  const badge: Badge = { accountId, siteId, serial: Number(serial), issuedOn };
  return verify(signedText(badge), signature)
    ? { kind: 'badge', badge }
    : { kind: 'forged', claims: badge };
}

/** The settings of a school's door. `badgeHours` empty: at every hour. */
export interface Door extends Place {
  readonly networks: readonly { readonly subnet: string }[];
  readonly badgeHours: readonly WindowSpec[];
}
/** `until` null: no limit. `opensAt` null: unknown. */
export type DoorState =
  | { open: true; until: number | null }
  | { open: false; why: 'no_network' | 'elsewhere' | 'out_of_hours'; opensAt: number | null };

/** Whether this address is inside the school. */
export function isInside({ networks }: Pick<Door, 'networks'>, address: string | null): boolean {
  const known = addressOf(address);
  return known !== null && networks.some(({ subnet }) => subnetOf(subnet)?.holds(known) === true);
}

/** Whether badges and picture passwords of this school may be used from this address at this time.
 * A school without networks has no inside, so they are refused there rather than accepted
 * everywhere. */
export function doorAt(
  calendar: Calendar,
  door: Door,
  address: string | null,
  now: number,
): DoorState {
  if (door.networks.length === 0) return { open: false, why: 'no_network', opensAt: null };
  if (!isInside(door, address)) return { open: false, why: 'elsewhere', opensAt: null };
  if (door.badgeHours.length === 0) return { open: true, until: null };
  const hours = windowAt(calendar, door, door.badgeHours, now);
  return hours.open
    ? { open: true, until: hours.until }
    : { open: false, why: 'out_of_hours', opensAt: hours.opensAt };
}

/** `current`: the city's record of this child's badge; null: never issued. */
export const isCurrent = (
  badge: Badge,
  current: { serial: number; voidedAt: number | null } | null,
): boolean => current !== null && current.voidedAt === null && current.serial === badge.serial;
