import {
  type DesiredState,
  type PolicyChange,
  type PolicyDocument,
  policyText as policyTextOf,
} from '@preau/contract/desired-state.ts';
import { describe, expect, test } from 'vitest';
import { acceptState, type KnownPolicy } from './accept-state.ts';
import { isSignedByController, newKeyPair } from './identity.ts';
import { hashOf, openPolicy, policyText, site } from './world.fixture.ts';

const serverId = `srv_${'a'.repeat(22)}`;
const state: DesiredState = {
  protocol: 1,
  serverId,
  generation: 7,
  issuedAt: 1_800_000_000_000,
  standbyDisplays: 2,
  momentMs: 300,
  site,
  policy: hashOf(policyText),
  applications: [],
  removals: [],
  sessions: [],
  transfers: [],
  orders: [],
  cache: null,
  peers: [],
};
const session = {
  sessionId: `ses_${'s'.repeat(22)}`,
  applicationId: `app_${'p'.repeat(22)}`,
  accountId: `acc_${'c'.repeat(22)}`,
  login: 'lea',
  displayName: 'Léa',
  language: 'fr',
  attachSerial: 1,
  role: 'pupil',
  groupIds: [],
  attributes: {},
  address: null,
};

/** "Signed" is the text itself with a prefix: the decision only asks. */
const verify = (text: string, signature: string) => signature === `signed:${text}`;
const signed = (value: unknown) => {
  const document = typeof value === 'string' ? value : JSON.stringify(value);
  return { document, signature: `signed:${document}`, policy: policyText };
};
const decide = (
  given: { document: string; signature: string; policy?: string | null; change?: PolicyChange },
  newestGeneration = 7,
  knownPolicy: KnownPolicy | null = null,
) =>
  acceptState(
    { serverId, newestGeneration, verify, knownPolicy },
    { policy: policyText, ...given },
  );
const rules: KnownPolicy = { hash: hashOf(policyText), text: policyText, document: openPolicy };

describe('acceptState', () => {
  // biome-ignore format: a table
  const accepted: [name: string, value: DesiredState, newest: number][] = [
    ['a newer one', state, 6], ['the first one', state, 0], ['the same one again', state, 7], ['one with a session', { ...state, sessions: [{ ...session, language: 'fr', role: 'pupil' }] }, 6],
  ];
  test.each(accepted)('accepts %s', (_name, value, newest) =>
    expect(decide(signed(value), newest)).toEqual({ accepted: value, policy: rules }),
  );

  test('the rules: come with the state or are known, and are the ones it names', () => {
    const bare = { ...signed(state), policy: null };
    expect(decide(bare)).toMatchObject({
      refused: 'STATE_MALFORMED',
      why: 'its rules did not come with it',
    });
    expect(decide(bare, 7, rules)).toEqual({ accepted: state, policy: rules });
    expect(decide(bare, 7, { ...rules, hash: 'b'.repeat(64) })).toMatchObject({
      refused: 'STATE_MALFORMED',
    });
    expect(decide({ ...signed(state), policy: policyText.replace('allow', 'deny') })).toMatchObject(
      { refused: 'STATE_MALFORMED', why: 'its rules are not the ones it names' },
    );
    const next = {
      ...openPolicy.rules[0],
      id: `rul_${'p'.repeat(22)}`,
    } as PolicyDocument['rules'][number];
    const both = policyTextOf([next, ...openPolicy.rules]);
    const step = {
      ...signed({ ...state, policy: hashOf(both) }),
      policy: null,
      change: { from: rules.hash, removed: [], added: [next] },
    };
    expect(decide(step, 7, rules)).toMatchObject({
      accepted: { generation: 7 },
      policy: { hash: hashOf(both), document: { rules: [openPolicy.rules[0], next] } },
    });
    expect(decide(step)).toMatchObject({
      refused: 'STATE_MALFORMED',
      why: 'its rules did not come with it',
    });
    expect(
      decide(
        { ...step, change: { ...step.change, removed: openPolicy.rules.map(({ id }) => id) } },
        7,
        rules,
      ),
    ).toMatchObject({ refused: 'STATE_MALFORMED', why: 'its rules are not the ones it names' });
    const odd = JSON.stringify({ rules: [], more: 1 });
    expect(decide({ ...signed({ ...state, policy: hashOf(odd) }), policy: odd })).toMatchObject({
      refused: 'STATE_MALFORMED',
      why: expect.stringMatching(/^its rules: /),
    });
  });

  // biome-ignore format: a table
  const refused: [name: string, given: { document: string; signature: string }, newest: number, code: string, why: RegExp][] = [
    ['forged: no signature', { ...signed(state), signature: '' }, 0, 'STATE_SIGNATURE_INVALID', /not signed/],
    ['forged: changed after signing', { document: JSON.stringify({ ...state, generation: 8 }), signature: signed(state).signature }, 0, 'STATE_SIGNATURE_INVALID', /not signed/],
    ['forged nonsense: the signature is asked first', { document: '{', signature: '' }, 0, 'STATE_SIGNATURE_INVALID', /not signed/],
    ['older', signed(state), 8, 'STATE_OLDER', /generation 7, after 8/],
    ['another server’s', signed({ ...state, serverId: `srv_${'b'.repeat(22)}` }), 0, 'STATE_FOR_ANOTHER_SERVER', /srv_b/],
    ['an unknown field', signed({ ...state, runAsRoot: true }), 0, 'STATE_MALFORMED', /./],
    ['an unknown field deep inside', signed({ ...state, sessions: [{ ...session, shell: '/bin/sh' }] }), 0, 'STATE_MALFORMED', /sessions\/0/],
    ['a missing field', signed({ ...state, sessions: undefined }), 0, 'STATE_MALFORMED', /./],
    ['a login that climbs', signed({ ...state, sessions: [{ ...session, login: '../root' }] }), 0, 'STATE_MALFORMED', /login/],
    ['too many displays', signed({ ...state, standbyDisplays: 1000 }), 0, 'STATE_MALFORMED', /standbyDisplays/],
    ['generation zero', signed({ ...state, generation: 0 }), 0, 'STATE_MALFORMED', /generation/],
    ['half a document', signed(JSON.stringify(state).slice(0, 40)), 0, 'STATE_MALFORMED', /JSON/],
    ['empty', signed(''), 0, 'STATE_MALFORMED', /JSON/],
    ['null', signed('null'), 0, 'STATE_MALFORMED', /./],
    ['a list', signed('[]'), 0, 'STATE_MALFORMED', /./],
    ['older and malformed: malformed', signed({ ...state, generation: 1, x: 1 }), 7, 'STATE_MALFORMED', /./],
  ];
  test.each(refused)('refuses %s', (_name, given, newest, code, why) =>
    expect(decide(given, newest)).toEqual({ refused: code, why: expect.stringMatching(why) }),
  );
});

describe('the pinned key', () => {
  test('another key’s owner is not our controller', () => {
    const ours = newKeyPair();
    expect(isSignedByController(ours.publicKey, 'text', 'a'.repeat(86))).toBe(false);
    expect(isSignedByController('short', 'text', 'a'.repeat(86))).toBe(false);
    expect(newKeyPair().publicKey).not.toBe(ours.publicKey);
  });
});
