/** Accounts: who signs in, and what the directory says about them. */
import { type Static, Type } from 'typebox';
import { Id, Line, Nullable, OneOf, Strict } from './schema.ts';

/** `administrator`: a technician who also kills installations, makes tokens for others and changes
 * the city's settings. `contact`: a teacher who also looks after their own school: its people,
 * badges and requests. */
export const roles = ['administrator', 'technician', 'contact', 'teacher', 'pupil'] as const;
export const Role = OneOf(roles);
export type Role = (typeof roles)[number];

/** Technicians and administrators: they look after every school of the city. */
export const isTechnician = (person: { role: Role }): boolean =>
  person.role === 'technician' || person.role === 'administrator';

/** Teachers, including the school's contact. */
export const isTeacher = (person: { role: Role }): boolean =>
  person.role === 'teacher' || person.role === 'contact';

export const AccountId = Id('acc');
export const GroupId = Id('grp');

export const Group = Strict({
  id: GroupId,
  kind: OneOf(['class', 'group']),
  name: Line(80),
  siteId: Nullable(Id('sit')),
});
export type Group = Static<typeof Group>;

export const Account = Strict({
  id: AccountId,
  login: Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{1,62}$' }),
  displayName: Line(120),
  role: Role,
  siteId: Nullable(Id('sit')),
  siteName: Nullable(Line(120)),
  /** The schools a technician looks after; null: all of them. A contact looks after their own. */
  siteIds: Nullable(Type.Array(Id('sit'), { maxItems: 500 })),
});
export type Account = Static<typeof Account>;

/** The facts about a person that an access decision reads. */
export interface Person {
  id: string;
  role: Role;
  siteId: string | null;
  groupIds: readonly string[];
  /** What the directory says besides groups: `{ level: ['CM2'], subject: ['music'] }`. */
  attributes: Readonly<Record<string, readonly string[]>>;
}

export const SignIn = Strict({
  login: Type.String({ minLength: 1, maxLength: 120 }),
  password: Type.String({ minLength: 1, maxLength: 256 }),
  /** Ask this provider only. */
  provider: Type.Optional(Type.String({ pattern: '^[a-z][a-z0-9-]{0,30}$' })),
});
export type SignIn = Static<typeof SignIn>;
