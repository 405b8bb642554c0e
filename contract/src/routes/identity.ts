/** Signing in by every way there is, one's own second factors, directories, roles. */
import { Type } from 'typebox';
import { Account, AccountId, Role } from '../account.ts';
import { Directory, DirectoryCheck, MySecurity, PasskeyAnswer, PasskeyId, PasskeyQuestion, Password, PersonRow, ProviderId, RecoveryCodes, ReturnTo, RoleChange, SecondFactor, SignInChoices, StepToken, TotpCode, TotpOffer } from '../identity.ts';
import { Count, Hash, List, Nothing, ofId, Page, type Route } from '../route.ts';
import { Line, OneOf, Strict } from '../schema.ts';
import { SiteId } from '../site.ts';

const ofProvider = Strict({ provider: ProviderId });
/** What a provider's own page sends back with the browser. */
const Returned = Type.Record(Type.String({ maxLength: 60 }), Type.String({ maxLength: 4000 }));

export const identityRoutes = {
  listSignInChoices: { method: 'GET', path: '/api/sign-in/choices', policy: 'public', summary: 'The ways to sign in, those of the caller’s network first', reply: SignInChoices },
  secondFactor: { method: 'POST', path: '/api/sign-in/second-factor', policy: 'public', summary: 'Finish a sign-in with a code', body: SecondFactor, reply: Account },
  askPasskey: { method: 'POST', path: '/api/sign-in/passkey/question', policy: 'public', summary: 'A one-use question for a passkey; with the step of a password, as its second factor', body: Strict({ step: Type.Optional(StepToken) }), reply: PasskeyQuestion },
  answerPasskey: { method: 'POST', path: '/api/sign-in/passkey', policy: 'public', summary: 'Sign in with a passkey’s answer', body: PasskeyAnswer, reply: Account },
  beginRedirect: { method: 'GET', path: '/api/sign-in/with/:provider', policy: 'public', summary: 'To the provider’s own page (OpenID Connect, CAS)', params: ofProvider, query: Strict({ to: Type.Optional(ReturnTo) }), reply: Nothing, redirect: true },
  finishRedirect: { method: 'GET', path: '/api/sign-in/back/:provider', policy: 'public', summary: 'Back from it', params: ofProvider, query: Returned, reply: Nothing, redirect: true },
  backChannelLogout: { method: 'POST', path: '/api/sign-in/back/:provider', policy: 'public', summary: 'The provider says that somebody has signed out (OpenID Connect back-channel logout, CAS single logout)', params: ofProvider, body: Returned, reply: Nothing, form: true },
  frontChannelLogout: { method: 'GET', path: '/api/sign-in/gone/:provider', policy: 'public', summary: 'The same by way of the browser (OpenID Connect front-channel logout)', params: ofProvider, query: Returned, reply: Nothing, status: 204 },
  leave: { method: 'POST', path: '/api/sign-out/everywhere', policy: 'signedIn', reach: 'self', summary: 'Close this sign-in, and say where the provider’s own is closed', reply: Strict({ next: Type.Union([Type.String(), Type.Null()]) }) },

  mySecurity: { method: 'GET', path: '/api/my-security', policy: 'technician', reach: 'self', summary: 'My second factors', reply: MySecurity },
  offerTotp: { method: 'POST', path: '/api/my-security/totp', policy: 'technician', reach: 'self', summary: 'A new secret for a telephone, shown once', body: Strict({ password: Password }), reply: TotpOffer, status: 201 },
  confirmTotp: { method: 'POST', path: '/api/my-security/totp/confirm', policy: 'technician', reach: 'self', summary: 'Codes are asked for from now on; answers the recovery codes, once', body: Strict({ code: TotpCode }), reply: RecoveryCodes },
  removeTotp: { method: 'POST', path: '/api/my-security/totp/remove', policy: 'technician', reach: 'self', summary: 'Ask for codes no longer', body: Strict({ password: Password }), reply: Nothing, status: 204 },
  offerPasskey: { method: 'POST', path: '/api/my-security/passkeys/question', policy: 'technician', reach: 'self', summary: 'A one-use question to make a passkey', body: Strict({ password: Password }), reply: PasskeyQuestion, status: 201 },
  addPasskey: { method: 'POST', path: '/api/my-security/passkeys', policy: 'technician', reach: 'self', summary: 'Keep the passkey that answers it', body: Strict({ ...PasskeyAnswer.properties, name: Line(60) }), reply: MySecurity, status: 201 },
  removePasskey: { method: 'POST', path: '/api/my-security/passkeys/:id/remove', policy: 'technician', reach: 'self', summary: 'Forget a passkey', params: ofId(PasskeyId), body: Strict({ password: Password }), reply: MySecurity },

  listDirectories: { method: 'GET', path: '/api/directories', policy: 'technician', reach: 'city', summary: 'Providers of identities, and their last synchronisation', reply: List(Directory) },
  checkDirectory: { method: 'POST', path: '/api/directories/:provider/check', policy: 'technician', reach: 'city', summary: 'Does it answer?', params: ofProvider, reply: DirectoryCheck },
  syncDirectory: { method: 'POST', path: '/api/directories/:provider/sync', policy: 'technician', reach: 'city', summary: 'Read everybody now; `confirm` names the plan that may make many vanish', params: ofProvider, body: Strict({ confirm: Type.Optional(Hash) }), reply: Directory },

  listPeople: { method: 'GET', path: '/api/people', policy: 'contact', reach: 'site', summary: 'People, by name, school or role', query: Strict({ search: Type.Optional(Type.String({ maxLength: 80 })), site: Type.Optional(SiteId), role: Type.Optional(Role), provider: Type.Optional(ProviderId), state: Type.Optional(OneOf(['disabled'])), after: Type.Optional(Type.String({ maxLength: 200 })), limit: Type.Optional(Count) }), reply: Page(PersonRow) },
  changeRole: { method: 'PUT', path: '/api/people/:id/role', policy: 'administrator', reach: 'city', summary: 'A person’s role, and the schools a technician looks after', params: ofId(AccountId), body: RoleChange, reply: PersonRow },
  readPhoto: { method: 'GET', path: '/api/people/:id/photo', policy: 'signedIn', reach: 'site', summary: 'A person’s photograph (one’s own; teachers: their school’s)', params: ofId(AccountId), reply: Type.String(), file: 'image/jpeg' },
} as const satisfies Record<string, Route>;
