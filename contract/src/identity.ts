/** Who vouches for people, how they sign in, second factors, directories and their
 * synchronisation. */
import { type Static, Type } from 'typebox';
import { Account, Role } from './account.ts';
import { Id, Instant, Line, Nullable, OneOf, Strict, Translated } from './schema.ts';

/** `local`: the city itself. `ldap`: a directory queried with name and password. The others
 * redirect the browser to the provider's own page. */
export const providerKinds = ['local', 'ldap', 'oidc', 'cas'] as const;
export type ProviderKind = (typeof providerKinds)[number];
export const ProviderId = Type.String({ pattern: '^[a-z][a-z0-9-]{0,30}$' });

/** A provider on the sign-in page. `domains`: names that end in one of these sign in here. `first`:
 * the preferred one for the caller's network. */
export const SignInChoice = Strict({
  id: ProviderId,
  kind: OneOf(providerKinds),
  name: Translated(60),
  domains: Type.Array(Line(120)),
  first: Type.Boolean(),
});
export type SignInChoice = Static<typeof SignInChoice>;
/** `passkeys`: the page can use them, because it has a host name and is opened over TLS or on this
 * machine. */
export const SignInChoices = Strict({
  choices: Type.Array(SignInChoice),
  passkeys: Type.Boolean(),
});
export type SignInChoices = Static<typeof SignInChoices>;

/** Where to go after sign-in: a path of this site, never of another one. */
export const ReturnTo = Type.String({
  maxLength: 300,
  pattern: '^/(?![/\\\\])[A-Za-z0-9/_.?=&%-]*$',
});

export const secondFactors = ['totp', 'passkey', 'recovery'] as const;
/** One-use token of 256 random bits which proves that the password was right. */
export const StepToken = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });
/** Six digits of an authenticator app, or a recovery code. */
export const SecondFactor = Strict({
  step: StepToken,
  code: Type.String({ minLength: 6, maxLength: 40, pattern: '^[0-9A-Za-z -]+$' }),
});
export type SecondFactor = Static<typeof SecondFactor>;

/** Requests and answers in the format of the Web Authentication standard; the library checks
 * them. */
export const PasskeyJson = Type.Record(Type.String({ maxLength: 60 }), Type.Unknown());
export const PasskeyQuestion = Strict({ step: StepToken, options: PasskeyJson });
export type PasskeyQuestion = Static<typeof PasskeyQuestion>;
export const PasskeyAnswer = Strict({ step: StepToken, response: PasskeyJson });
export type PasskeyAnswer = Static<typeof PasskeyAnswer>;

export const PasskeyId = Id('pky');
export const Passkey = Strict({
  id: PasskeyId,
  name: Line(60),
  createdAt: Instant,
  lastUsedAt: Nullable(Instant),
});
export type Passkey = Static<typeof Passkey>;
/** `recoveryCodes`: how many are left. */
export const MySecurity = Strict({
  totp: Type.Boolean(),
  recoveryCodes: Type.Integer(),
  passkeys: Type.Array(Passkey),
  passkeysPossible: Type.Boolean(),
  local: Type.Boolean(),
});
export type MySecurity = Static<typeof MySecurity>;
/** Shown once. `qr`: the same address as a picture, PNG in base64. */
export const TotpOffer = Strict({
  secret: Type.String(),
  address: Type.String(),
  qr: Type.String(),
});
export type TotpOffer = Static<typeof TotpOffer>;
export const RecoveryCodes = Strict({ codes: Type.Array(Type.String()) });
export const Password = Type.String({ minLength: 1, maxLength: 256 });
export const TotpCode = Type.String({ pattern: '^[0-9]{6}$' });

export const syncStates = ['never', 'done', 'failed', 'braked'] as const;
export const Differences = Strict({
  read: Type.Integer(),
  added: Type.Integer(),
  changed: Type.Integer(),
  vanished: Type.Integer(),
  returned: Type.Integer(),
  refused: Type.Integer(),
});
export type Differences = Static<typeof Differences>;
export const noDifferences: Differences = {
  read: 0,
  added: 0,
  changed: 0,
  vanished: 0,
  returned: 0,
  refused: 0,
};

/** A provider as technicians see it. `braked`: too many people would vanish; `confirm` is the plan
 * to confirm. */
export const Directory = Strict({
  id: ProviderId,
  kind: OneOf(providerKinds),
  name: Translated(60),
  address: Type.String(),
  domains: Type.Array(Type.String()),
  networks: Type.Array(Type.String()),
  accounts: Type.Integer(),
  disabled: Type.Integer(),
  syncs: Type.Boolean(),
  state: OneOf(syncStates),
  lastAt: Nullable(Instant),
  lastGoodAt: Nullable(Instant),
  nextAt: Nullable(Instant),
  problem: Nullable(Type.String()),
  differences: Differences,
  vanishedNames: Type.Array(Type.String()),
  confirm: Nullable(Type.String()),
});
export type Directory = Static<typeof Directory>;
export const DirectoryCheck = Strict({
  ok: Type.Boolean(),
  ms: Type.Integer(),
  problem: Nullable(Type.String()),
});
export type DirectoryCheck = Static<typeof DirectoryCheck>;

/** A person and their provider. `roleByHand`: an administrator set the role, which overrides the
 * provider. */
export const PersonRow = Strict({
  ...Account.properties,
  provider: ProviderId,
  mail: Nullable(Type.String()),
  groups: Type.Array(Type.String()),
  disabledAt: Nullable(Instant),
  roleByHand: Type.Boolean(),
  secondFactor: Type.Boolean(),
  hasPhoto: Type.Boolean(),
});
export type PersonRow = Static<typeof PersonRow>;
/** `siteIds`: a technician's schools; null: all. `role` null: the provider decides it from now
 * on. */
export const RoleChange = Strict({
  role: Nullable(Role),
  siteId: Nullable(Id('sit')),
  siteIds: Nullable(Type.Array(Id('sit'), { maxItems: 500, uniqueItems: true })),
});
export type RoleChange = Static<typeof RoleChange>;
