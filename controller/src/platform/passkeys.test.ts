/** Which answers of a browser are a passkey: every part of what was asked must be in them. */
import { describe, expect, test } from 'vitest';
import { checkPasskey, readNewPasskey, relyingParty } from './passkeys.ts';
import { type Asked, makePasskey } from './software-passkey.fixture.ts';

const party = { id: 'preau.example', origin: 'https://preau.example' };
const challenge = Buffer.from('a challenge of ours').toString('base64url');
const asked: Asked = { challenge, origin: party.origin, party: party.id };
const other = Buffer.from('another challenge').toString('base64url');

// biome-ignore format: a table
const cases: [name: string, verifies: boolean, asked: Asked, good: boolean][] = [
  ['with a finger or a PIN',  true,  asked,                                             true],
  ['by a touch alone',        false, asked,                                             false],
  ['to another question',     true,  { ...asked, challenge: other },                    false],
  ['to another page',         true,  { ...asked, origin: 'https://evil.example' },      false],
  ['for another city',        true,  { ...asked, party: 'evil.example' },               false],
];
describe('a new passkey', () => {
  test.each(cases)('answered %s', async (_name, verifies, given, good) => {
    const key = makePasskey({ verifies });
    const read = await readNewPasskey(party, challenge, key.create(given));
    expect(read?.credentialId ?? null).toBe(good ? key.id : null);
  });
});
describe('a known passkey', () => {
  const known = async (key: ReturnType<typeof makePasskey>) => {
    // As if it had asked for a finger then.
    const read = await readNewPasskey(party, challenge, key.create(asked));
    if (read === null) throw new Error('not a passkey');
    return read;
  };
  test.each(cases)('answered %s', async (_name, verifies, given, good) => {
    const key = makePasskey();
    const stored = await known(key);
    key.verifies = verifies;
    const counter = await checkPasskey(party, challenge, key.get(given), stored);
    expect(counter).toBe(good ? 2 : null);
  });
  test('whose answer another key has signed is none', async () => {
    const stored = await known(makePasskey());
    const answer = { ...makePasskey().get(asked), id: stored.credentialId };
    expect(await checkPasskey(party, challenge, answer, stored)).toBeNull();
  });
  test('whose counter goes back is a copy', async () => {
    const key = makePasskey();
    const stored = { ...(await known(key)), counter: 7 };
    expect(await checkPasskey(party, challenge, key.get(asked), stored)).toBeNull();
  });
  test('nonsense is none', async () => {
    expect(
      await checkPasskey(party, challenge, { id: 'x' }, await known(makePasskey())),
    ).toBeNull();
    expect(await readNewPasskey(party, challenge, 'x')).toBeNull();
  });
});

// biome-ignore format: a table
test.each([
  ['https://preau.example',       { id: 'preau.example', origin: 'https://preau.example' }],
  ['https://preau.example:8443',  { id: 'preau.example', origin: 'https://preau.example:8443' }],
  ['http://preau.example',        null],
  ['https://10.1.2.3',            null],
  ['https://[2001:db8::1]',       null],
  ['http://127.0.0.1:8080',       { id: 'localhost', origin: 'http://localhost:8080' }],
  ['http://localhost',            { id: 'localhost', origin: 'http://localhost' }],
])('%s as a relying party', (url, expected) => {
  expect(relyingParty(url)).toEqual(expected);
});
