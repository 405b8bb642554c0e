/** Nothing that a person types has a meaning in a filter; the reasons of a directory are told
 * apart. */
import fc from 'fast-check';
import {
  AndFilter,
  BerReader,
  BerWriter,
  EqualityFilter,
  type Filter,
  FilterParser,
  OrFilter,
} from 'ldapts';
import { describe, expect, test } from 'vitest';
import { allOf, anyOf, groupsHolding, isFilter, whyRefused } from './ldap.ts';

/** As the directory reads it from the wire. */
function sent(filter: Filter): Filter {
  const writer = new BerWriter();
  filter.write(writer);
  return FilterParser.parse(new BerReader(writer.buffer));
}
function asksFor(filter: Filter, attributes: readonly string[], login: string): void {
  if (!(filter instanceof OrFilter)) throw new Error('another kind of filter');
  expect(filter.filters).toHaveLength(attributes.length);
  filter.filters.forEach((inner, index) => {
    if (!(inner instanceof EqualityFilter)) throw new Error('another kind of filter');
    expect([inner.attribute.toLowerCase(), Buffer.from(inner.value).toString('utf8')]).toEqual([
      attributes[index]?.toLowerCase(),
      login,
    ]);
  });
}
const attributes = ['sAMAccountName', 'userPrincipalName'];

/** Published ways to break out of a filter, and what they are made of. */
const corpus = [
  '*',
  '**',
  'a*',
  '*)(uid=*',
  '*)(uid=*))(|(uid=*',
  'admin)(&)',
  'admin)(!(&(1=0',
  'admin)(|(password=*',
  '*)(objectClass=*',
  'x)(cn=*))%00',
  '*)(&',
  '*))%00',
  ')(cn=))\u0000',
  "*()|&'",
  'admin*)((|userPassword=*)',
  "*()|%26'",
  '\\2a',
  '\\',
  '\\28',
  '\\zz',
  'a\\',
  '\u0000',
  'admin\u0000*',
  '(|(uid=*))',
  '(&(uid=admin)(!(uid=admin)))',
  'uid=admin',
  'cn=a,dc=b',
  'a:dn:=b',
  'a:1.2.840.113556.1.4.1941:=b',
  '>=0',
  '~=a',
  'é*',
  'ａｄｍｉｎ',
  '\u202eadmin',
  '＊',
  '﹡',
  '∗',
  "' or '1'='1",
  '${jndi:ldap://x}',
  '\ud800',
  ' ',
  '\t',
  '\r\n',
  'a'.repeat(5000),
  '🦊)(🦊',
];

describe('a name that is typed is a value, whatever it is', () => {
  test.each(corpus.map((login) => [JSON.stringify(login.slice(0, 40)), login]))(
    '%s',
    (_name, login) => {
      asksFor(sent(anyOf(attributes, login)), attributes, Buffer.from(login).toString('utf8'));
    },
  );
  test('any text at all, alone and beside the filter of the configuration', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string(),
          fc
            .array(fc.constantFrom('*', '(', ')', '\\', '|', '&', '!', '=', '\u0000', 'a', '2a'))
            .map((parts) => parts.join('')),
        ),
        (login) => {
          const whole = sent(
            allOf('(&(objectClass=user)(!(objectClass=computer)))', anyOf(attributes, login)),
          );
          if (!(whole instanceof AndFilter)) throw new Error('another kind of filter');
          expect(whole.filters).toHaveLength(2);
          const [people, person] = whole.filters;
          expect(people?.toString().toLowerCase()).toBe(
            '(&(objectclass=user)(!(objectclass=computer)))',
          );
          if (person === undefined) throw new Error('nobody is asked for');
          asksFor(person, attributes, Buffer.from(login).toString('utf8'));
        },
      ),
      { numRuns: 1000 },
    );
  });
  test('so is the name of a group', () => {
    asksFor(sent(groupsHolding('cn=a)(cn=*,dc=b')), ['member', 'uniqueMember'], 'cn=a)(cn=*,dc=b');
  });
});

test('Active Directory’s reasons', () => {
  const text = (code: string) =>
    `80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data ${code}, v1db1 Code: 0x31`;
  expect(
    ['52e', '525', '533', '701', '773', '532', '775', 'ffff'].map((code) => whyRefused(text(code))),
  ).toEqual([
    'wrong',
    'wrong',
    'disabled',
    'expired',
    'must_change',
    'password_expired',
    'locked',
    'wrong',
  ]);
  expect(whyRefused('Invalid credentials during a bind operation.')).toBe('wrong');
});
test('a filter of the configuration is checked at the start', () => {
  expect(['(objectClass=person)', '(&(a=b)(c=*))', '', '(', '(a=b'].map(isFilter)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
