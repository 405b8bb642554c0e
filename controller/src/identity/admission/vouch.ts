/** Turns a provider's description of a person into the account's data. Pure. Only what the
 * configuration maps is used: an unmapped claim or group grants nothing, whatever its name. */
import type { Person, Role } from '@preau/contract/account.ts';
import { fold } from '@preau/contract/fold.ts';
import type { Condition, Mapping, Source } from '../settings-schema.ts';

/** A person as their provider describes them. `values`: attributes or claims by name in lower case. */
export interface ProviderPerson {
  externalId: string;
  values: Readonly<Record<string, readonly string[]>>;
  /** `id`: a DN, or a name. */
  groups: readonly { id: string; name: string }[];
  photo: Buffer | null;
  /** The provider says that they may not sign in now. */
  barred: boolean;
}

export interface VouchedGroup {
  externalId: string;
  kind: 'class' | 'group';
  name: string;
  uai: string | null;
}

export interface Vouched {
  provider: string;
  externalId: string;
  /** The preferred login: the account gets another one when it is taken. */
  login: string;
  displayName: string;
  mail: string | null;
  photo: Buffer | null;
  role: Role;
  /** UAI code of their school; null when none is given. */
  uai: string | null;
  groups: VouchedGroup[];
  attributes: Person['attributes'];
}
/** Why a person is not admitted: no id, no usable login, or no role. */
export type NotVouched = 'no_id' | 'no_login' | 'no_role';

const maxPhoto = 200_000;
/** Directory values compare without case; accents matter. */
const sameCase = (text: string) => text.normalize('NFC').trim().toLowerCase();
/** The same DN has many spellings: case, and spaces around commas and equal signs. */
const sameName = (text: string) => sameCase(text).replace(/\s*([,=])\s*/g, '$1');

/** Control characters, and those that change text direction. */
const unsafe = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** One line that is safe to store and show; null when nothing is left. */
export function lineOf(text: string | undefined, maxLength: number): string | null {
  const clean = (text ?? '')
    .normalize('NFC')
    .replace(unsafe, ' ')
    .replace(/\.\.[\\/]/g, ' ')
    .trim()
    .slice(0, maxLength)
    .trim();
  return clean === '' ? null : clean;
}

/** A valid login made from this text: `Élodie Noël@ecole.fr` becomes `elodie.noel`. */
export function loginOf(text: string): string | null {
  const login = fold(text.split('@')[0] ?? '')
    .replace(/['’]/g, '')
    .replace(/[^a-z0-9._-]+/g, '.')
    .replace(/^[._-]+/, '')
    .slice(0, 56)
    .replace(/[._-]+$/, '');
  return login.length >= 2 ? login : null;
}

function valuesAt(values: ProviderPerson['values'], source: Source): string[] {
  const pattern = source.pattern === undefined ? null : new RegExp(source.pattern, 'iu');
  return (values[source.attribute.toLowerCase()] ?? []).flatMap((value) => {
    // Cut to 500 characters before the pattern runs on it.
    const found =
      pattern === null
        ? value
        : (pattern.exec(value.slice(0, 500))?.[1] ?? pattern.exec(value.slice(0, 500))?.[0]);
    if (found === undefined) return [];
    if (source.values === undefined) return [found];
    const key = Object.keys(source.values).find((name) => sameCase(name) === sameCase(found));
    return key === undefined ? [] : [source.values[key] ?? ''];
  });
}

function holds(condition: Condition, person: ProviderPerson): boolean {
  const { group, attribute, value } = condition;
  if (group !== undefined)
    return person.groups.some(
      (one) => sameName(one.id) === sameName(group) || sameCase(one.name) === sameCase(group),
    );
  return (
    attribute !== undefined &&
    value !== undefined &&
    (person.values[attribute.toLowerCase()] ?? []).some((one) => sameCase(one) === sameCase(value))
  );
}

/** The first valid UAI code; null when there is none. */
function uaiOf(mapping: Mapping, person: ProviderPerson): string | null {
  const named = mapping.site === undefined ? [] : valuesAt(person.values, mapping.site);
  return (
    named
      .map((value) => value.toUpperCase().trim())
      .find((value) => /^[0-9]{7}[A-Z]$/.test(value)) ?? null
  );
}

/** Classes are identified per school: two schools may each have a CM2. */
function classesOf(mapping: Mapping, person: ProviderPerson, uai: string | null): VouchedGroup[] {
  if (mapping.class === undefined || uai === null) return [];
  return valuesAt(person.values, mapping.class).flatMap((value): VouchedGroup[] => {
    const name = lineOf(value, 80);
    return name === null
      ? []
      : [{ externalId: `class:${uai}:${sameCase(name)}`, kind: 'class', name, uai }];
  });
}

/** The group's name in Préau: the rule's `as`, else its value, else the first component of the
 * DN. */
function nameOfGroup(rule: NonNullable<Mapping['group']>[number]): string | null {
  const inDn = /^(?:cn|ou)=((?:[^,\\]|\\.)+)/i.exec(rule.group ?? '')?.[1];
  return lineOf(rule.as ?? rule.value ?? inDn ?? rule.group, 80);
}

const groupsOf = (mapping: Mapping, person: ProviderPerson): VouchedGroup[] =>
  (mapping.group ?? []).flatMap((rule): VouchedGroup[] => {
    const name = nameOfGroup(rule);
    return name === null || !holds(rule, person)
      ? []
      : [{ externalId: `group:${sameCase(name)}`, kind: 'group', name, uai: null }];
  });

function attributesOf(mapping: Mapping, person: ProviderPerson): Vouched['attributes'] {
  const attributes: Record<string, string[]> = {};
  for (const [ours, theirs] of Object.entries(mapping.attributes ?? {})) {
    const values = (person.values[theirs.toLowerCase()] ?? [])
      .slice(0, 50)
      .flatMap((value) => lineOf(value, 120) ?? []);
    if (values.length > 0) attributes[ours] = values;
  }
  return attributes;
}

/** The first of these that is not empty; `givenName sn` joins two values. */
function displayNameOf(mapping: Mapping, person: ProviderPerson): string | null {
  const names = (mapping.display_name ?? ['displayName', 'name', 'cn']).map((name) =>
    name.includes(' ')
      ? name
          .split(' ')
          .flatMap((part) => firstOf(person, part) ?? [])
          .join(' ')
      : firstOf(person, name),
  );
  return lineOf(
    names.find((value) => value !== undefined && value.trim() !== ''),
    120,
  );
}

const firstOf = (person: ProviderPerson, attribute: string): string | undefined =>
  person.values[attribute.toLowerCase()]?.[0];

function mailOf(mapping: Mapping, person: ProviderPerson): string | null {
  const mail = firstOf(person, mapping.mail ?? 'mail');
  return mail !== undefined && /^[^\s@<>"]{1,64}@[^\s@<>"]{1,180}$/.test(mail) ? mail : null;
}

/** The photo when it is a JPEG of at most 200 kB; otherwise null. */
function photoOf({ photo }: ProviderPerson): Buffer | null {
  const isJpeg = photo?.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff])) === true;
  return isJpeg && photo.length <= maxPhoto ? photo : null;
}

export function vouch(mapping: Mapping, person: ProviderPerson): Vouched | NotVouched {
  const externalId = lineOf(person.externalId, 250);
  if (externalId === null) return 'no_id';
  const login = loginOf(firstOf(person, mapping.login ?? 'uid') ?? '');
  if (login === null) return 'no_login';
  const role = mapping.role?.find((rule) => holds(rule, person))?.role ?? mapping.default_role;
  if (role === undefined) return 'no_role';
  const uai = uaiOf(mapping, person);
  const groups = [...classesOf(mapping, person, uai), ...groupsOf(mapping, person)];
  return {
    provider: mapping.id,
    externalId,
    login,
    displayName: displayNameOf(mapping, person) ?? login,
    role,
    uai,
    attributes: attributesOf(mapping, person),
    groups: [...new Map(groups.map((group) => [group.externalId, group])).values()],
    mail: mailOf(mapping, person),
    photo: photoOf(person),
  };
}
