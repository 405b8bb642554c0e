/** Schema of the providers file (`PREAU_IDENTITY`, TOML), by kind of provider. */
import { roles } from '@preau/contract/account.ts';
import { ProviderId } from '@preau/contract/identity.ts';
import { OneOf, Strict, Translated } from '@preau/contract/schema.ts';
import { type Static, type TSchema, Type } from 'typebox';

const Word = Type.String({ minLength: 1, maxLength: 200 });
const Text = Type.String({ minLength: 1, maxLength: 2000 });
const optional = <T extends TSchema>(schema: T) => Type.Optional(schema);

/** Where a value comes from: an attribute or claim; optionally the first group of a pattern;
 * optionally translated by a table. */
const Source = Strict({
  attribute: Word,
  pattern: optional(Word),
  values: optional(Type.Record(Type.String(), Word)),
});
export type Source = Static<typeof Source>;

/** A condition on a group (its name, or its DN in a directory) or on an attribute's value,
 * without regard to case. */
const conditionKeys = { group: optional(Text), attribute: optional(Word), value: optional(Word) };
const ConditionSchema = Strict(conditionKeys);
export type Condition = Static<typeof ConditionSchema>;
const RoleRule = Strict({ role: OneOf(roles), ...conditionKeys });
/** Groups without a rule are ignored. `as`: the group's name in Préau. */
const GroupRule = Strict({
  ...conditionKeys,
  as: optional(Type.String({ minLength: 1, maxLength: 80 })),
});

const Common = {
  id: ProviderId,
  name: Translated(60),
  /** Logins that end in `@` and one of these are checked by this provider only. */
  domains: optional(Type.Array(Type.String({ pattern: '^[a-z0-9.-]{1,120}$' }), { maxItems: 50 })),
  /** For callers in these networks, this provider comes first. */
  networks: optional(Type.Array(Type.String({ maxLength: 49 }), { maxItems: 500 })),
  /** The role of people to whom no rule gives one; without it they are not admitted. */
  default_role: optional(OneOf(['teacher', 'pupil'])),
  login: optional(Word),
  display_name: optional(Type.Array(Word, { minItems: 1, maxItems: 4 })),
  mail: optional(Word),
  site: optional(Source),
  class: optional(Source),
  attributes: optional(
    Type.Record(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_-]{0,39}$' }), Word),
  ),
  role: optional(Type.Array(RoleRule, { maxItems: 200 })),
  group: optional(Type.Array(GroupRule, { maxItems: 500 })),
  timeout_ms: optional(Type.Integer({ minimum: 100, maximum: 30_000 })),
};

export const LdapSettings = Strict({
  kind: Type.Literal('ldap'),
  ...Common,
  url: Type.String({ pattern: '^ldaps?://[A-Za-z0-9.:[\\]-]+/?$' }),
  start_tls: optional(Type.Boolean()),
  ca_file: optional(Text),
  server_name: optional(Word),
  flavour: OneOf(['active-directory', 'openldap']),
  bind_dn: Text,
  bind_password: optional(Text),
  bind_password_file: optional(Text),
  base: Text,
  people: optional(Text),
  login_attributes: optional(Type.Array(Word, { minItems: 1, maxItems: 5 })),
  external_id: optional(Word),
  photo: optional(Word),
  groups: optional(OneOf(['none', 'in-chain', 'member-of', 'members'])),
  group_base: optional(Text),
  sync_minutes: optional(Type.Integer({ minimum: 1, maximum: 10_080 })),
  page_size: optional(Type.Integer({ minimum: 10, maximum: 1000 })),
});
export type LdapSettings = Static<typeof LdapSettings>;

export const OidcSettings = Strict({
  kind: Type.Literal('oidc'),
  ...Common,
  issuer: Type.String({ pattern: '^https?://[^\\s?#]+$' }),
  client_id: Word,
  client_secret: optional(Text),
  client_secret_file: optional(Text),
  scope: optional(Word),
  groups_claim: optional(Word),
  acr_values: optional(Word),
});
export type OidcSettings = Static<typeof OidcSettings>;

export const CasSettings = Strict({
  kind: Type.Literal('cas'),
  ...Common,
  url: Type.String({ pattern: '^https?://[^\\s?#]+$' }),
  protocol: optional(OneOf(['2', '3'])),
  groups_attribute: optional(Word),
});
export type CasSettings = Static<typeof CasSettings>;

export type ProviderSettings = LdapSettings | OidcSettings | CasSettings;
/** The mapping of people, common to every kind. */
export type Mapping = Pick<
  ProviderSettings,
  | 'id'
  | 'default_role'
  | 'login'
  | 'display_name'
  | 'mail'
  | 'site'
  | 'class'
  | 'attributes'
  | 'role'
  | 'group'
>;
