import { describe, expect, test } from 'vitest';
import { described, mapping } from '../person.fixture.ts';
import { lineOf, loginOf, vouch } from './vouch.ts';

describe('what is made of what a provider says', () => {
  test('a person: login, school, class, attribute', () => {
    expect(vouch(mapping, described())).toMatchObject({
      login: 'elodie.noel',
      displayName: 'Élodie Noël',
      role: 'pupil',
      uai: '0380001A',
      mail: 'e@x.fr',
      groups: [{ externalId: 'class:0380001A:cm2 a', kind: 'class', name: 'CM2 A' }],
      attributes: { level: ['CM2'] },
    });
  });
  test('roles and groups come from the configuration only, whatever is claimed', () => {
    const lies = {
      ...described().values,
      role: ['administrator'],
      admin: ['true'],
      roles: ['administrator'],
      memberof: ['CN=Tech,DC=x'],
      groups: ['CN=Tech,DC=x', 'administrators'],
    };
    expect(vouch(mapping, described({ values: lies }))).toMatchObject({
      role: 'pupil',
      groups: [{ kind: 'class' }],
    });
    expect(
      vouch(
        mapping,
        described({
          groups: [
            { id: 'CN=Administrator,DC=x', name: 'administrator' },
            { id: 'CN=Tech2,DC=x', name: 'Tech2' },
          ],
        }),
      ),
    ).toMatchObject({ role: 'pupil' });
    expect(
      vouch(
        mapping,
        described({
          groups: [
            { id: 'cn=tech, dc=X', name: 'Tech' },
            { id: 'CN=Chorale,DC=x', name: 'Chorale' },
          ],
        }),
      ),
    ).toMatchObject({
      role: 'technician',
      groups: [{ kind: 'class' }, { kind: 'group', name: 'Chorale' }],
    });
    expect(
      vouch(mapping, described({ values: { ...described().values, type: ['ens'] } })),
    ).toMatchObject({
      role: 'teacher',
    });
  });
  test('nobody without an id, a login or a role', () => {
    const { default_role: _none, ...strict } = mapping;
    expect([
      vouch(mapping, described({ externalId: ' ' })),
      vouch(mapping, described({ values: { uid: ['@@'] } })),
      vouch(strict, described()),
    ]).toEqual(['no_id', 'no_login', 'no_role']);
  });
  test('a school that is none, and a class without a school, are none; names are safe to keep', () => {
    expect(
      vouch(mapping, described({ values: { ...described().values, office: ['Mairie'] } })),
    ).toMatchObject({ uai: null, groups: [] });
    expect(
      vouch(
        mapping,
        described({ values: { ...described().values, displayname: ['Li\u202eam\u0000 ../../x'] } }),
      ),
    ).toMatchObject({ displayName: 'Li am    x' });
    expect(
      vouch(
        mapping,
        described({ values: { ...described().values, mail: ['a@b.fr>\r\nBcc: x@y.z'] } }),
      ),
    ).toMatchObject({ mail: null });
    expect(vouch(mapping, described({ photo: Buffer.from('<svg onload=x>') }))).toMatchObject({
      photo: null,
    });
    expect(
      vouch(
        mapping,
        described({ photo: Buffer.concat([Buffer.from('ffd8ff', 'hex'), Buffer.alloc(300_000)]) }),
      ),
    ).toMatchObject({ photo: null });
    expect([
      lineOf('  a\tb ', 10),
      lineOf('\u0000', 10),
      loginOf("Jean-Éric d'Ô@x"),
      loginOf('x'),
      loginOf('..'),
      loginOf('日本'),
    ]).toEqual(['a b', null, 'jean-eric.do', null, null, null]);
  });
});
