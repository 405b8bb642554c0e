import { describe, expect, test } from 'vitest';
import { readLogout, readValidation } from './cas.ts';

const answer = (body: string) =>
  `<?xml version="1.0"?>\n<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas">${body}</cas:serviceResponse>`;
const success = (body: string) =>
  answer(`<cas:authenticationSuccess>${body}</cas:authenticationSuccess>`);

describe('what a CAS server answers', () => {
  test('a person, and their attributes: one value or many, as they are written', () => {
    expect(readValidation(success('<cas:user>l&#233;a</cas:user>')).attributes).toEqual({});
    const { user, attributes } = readValidation(
      success(
        '<cas:user>007</cas:user><cas:attributes>' +
          '<cas:ENTPersonProfils>National_ELV</cas:ENTPersonProfils><cas:classe>CM2 A</cas:classe>' +
          '<cas:classe>Chorale &amp; cie</cas:classe><cas:vide/></cas:attributes>',
      ),
    );
    // Not the number 7.
    expect(user).toBe('007');
    expect(attributes).toEqual({
      entpersonprofils: ['National_ELV'],
      classe: ['CM2 A', 'Chorale & cie'],
      vide: [''],
    });
  });
  test.each([
    [
      'a refusal',
      answer('<cas:authenticationFailure code="INVALID_TICKET">no</cas:authenticationFailure>'),
    ],
    [
      'both at once',
      answer(
        '<cas:authenticationFailure>x</cas:authenticationFailure>' +
          '<cas:authenticationSuccess><cas:user>a</cas:user></cas:authenticationSuccess>',
      ),
    ],
    ['two people', success('<cas:user>a</cas:user><cas:user>b</cas:user>')],
    [
      'two answers',
      answer(
        '<cas:authenticationSuccess><cas:user>a</cas:user></cas:authenticationSuccess>' +
          '<cas:authenticationSuccess><cas:user>b</cas:user></cas:authenticationSuccess>',
      ),
    ],
    ['somebody inside somebody', success('<cas:user><cas:user>a</cas:user></cas:user>')],
    ['nobody', success('<cas:user></cas:user>')],
    ['no user', success('')],
    [
      'by way of a proxy',
      success('<cas:user>a</cas:user><cas:proxies><cas:proxy>https://x</cas:proxy></cas:proxies>'),
    ],
    ['entities', `<!DOCTYPE a [<!ENTITY e "admin">]>${success('<cas:user>&e;</cas:user>')}`],
    ['not closed', success('<cas:user>a').slice(0, -5)],
    ['protocol 1', 'yes\na\n'],
    ['empty', ''],
    ['a page', '<html><body>Maintenance</body></html>'],
    ['without end', success(`<cas:user>${'a'.repeat(300_000)}</cas:user>`)],
  ])('%s is a refusal', (_name, xml) => {
    expect(() => readValidation(xml)).toThrow();
  });
});

test('the ticket of a logout message, and nothing else', () => {
  const message = (ticket: string) =>
    '<samlp:LogoutRequest ' +
    `xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"><samlp:SessionIndex>${ticket}` +
    '</samlp:SessionIndex></samlp:LogoutRequest>';
  expect(readLogout(message('ST-12-abcdefgh'))).toBe('ST-12-abcdefgh');
  for (const wrong of [
    message(''),
    message('TGT-12-abcdefgh'),
    `${message('ST-12-abcdefgh')}<x`,
    '',
    '<a/>',
    `<!DOCTYPE a>${message('ST-12-abcdefgh')}`,
  ])
    expect(readLogout(wrong)).toBeNull();
});
