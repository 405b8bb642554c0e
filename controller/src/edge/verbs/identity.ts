import { AppError } from '@preau/contract/errors.ts';
import type { SignedIn } from '#src/accounts/sign-ins/sign-in.ts';

import { inOrder, isHere } from '#src/identity/choose.ts';
import {
  checkDirectory,
  listDirectories,
  synchroniseNow,
} from '#src/identity/directories/synchronise.ts';
import { changeRole, listPeople, readPhoto } from '#src/identity/people/people.ts';
import {
  backChannelLogout,
  beginRedirect,
  finishRedirect,
  frontChannelLogout,
  leave,
  refusedPage,
} from '#src/identity/redirects/redirects.ts';
import { mySecurity } from '#src/identity/second-factor/own.ts';
import {
  addPasskey,
  answerPasskey,
  askPasskey,
  offerPasskey,
  removePasskey,
} from '#src/identity/second-factor/passkeys.ts';
import { giveSecondFactor } from '#src/identity/second-factor/second-factor.ts';
import { confirmTotp, offerTotp, removeTotp } from '#src/identity/second-factor/totp.ts';
import { relyingParty } from '#src/platform/passkeys.ts';
import { limitOf } from './limit.ts';
import type { Answer, Verbs } from './verb.ts';

const begun = async (answer: Answer, signingIn: Promise<SignedIn>) => {
  const { account, token, expiresAt } = await signingIn;
  answer.setSignIn(token, expiresAt);
  return account;
};
/** These routes are opened in the browser's address bar, so a refusal redirects to a page that
 * explains it instead of returning JSON. */
const orRefused = async (answer: Answer, trip: () => Promise<string>): Promise<null> => {
  try {
    answer.redirect(await trip());
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { step, methods } = error.details;
    // The state of the sign-in goes into the fragment (#), which browsers send to no server, so no
    // log contains it.
    answer.redirect(
      error.code === 'SECOND_FACTOR_REQUIRED'
        ? `/#step=${String(step)}&methods=${(methods as string[]).join(',')}`
        : refusedPage(error.code),
    );
  }
  return null;
};

export const identityVerbs = {
  listSignInChoices: async ({ identity, publicUrl }, _actor, _input, { address }) => ({
    passkeys: relyingParty(publicUrl()) !== null,
    choices: inOrder(identity.providers, address).map((provider) => ({
      id: provider.id,
      kind: provider.kind,
      name: provider.name,
      domains: [...provider.domains],
      first: isHere(provider, address),
    })),
  }),
  secondFactor: (deps, _actor, { body }, answer) =>
    begun(answer, giveSecondFactor(deps, body, answer.address)),
  askPasskey: (deps, _actor, { body }, { address }) => askPasskey(deps, body.step, address),
  answerPasskey: (deps, _actor, { body }, answer) =>
    begun(answer, answerPasskey(deps, body, answer.address)),
  beginRedirect: (deps, _actor, { params, query }, answer) =>
    orRefused(answer, async () => {
      const { step, expiresAt, address } = await beginRedirect(
        deps,
        params.provider,
        query.to,
        answer.address,
      );
      answer.setStep(step, expiresAt);
      return address;
    }),
  finishRedirect: (deps, _actor, { params, query }, answer) =>
    orRefused(answer, async () => {
      const { step } = answer;
      answer.setStep(null, 0);
      const { signedIn, to } = await finishRedirect(
        deps,
        params.provider,
        { step, returned: query },
        answer.address,
      );
      answer.setSignIn(signedIn.token, signedIn.expiresAt);
      return to;
    }),
  backChannelLogout: async (deps, _actor, { params, body }) => {
    await backChannelLogout(deps, params.provider, body);
    return null;
  },
  frontChannelLogout: async (deps, _actor, { params, query }) => {
    await frontChannelLogout(deps, params.provider, query);
    return null;
  },
  leave: async (deps, actor, _input, answer) => {
    const next = await leave(deps, actor);
    answer.setSignIn(null, 0);
    return { next };
  },
  mySecurity: (deps, actor) => mySecurity(deps, actor),
  offerTotp: (deps, actor, { body }) => offerTotp(deps, actor, body.password),
  confirmTotp: (deps, actor, { body }) => confirmTotp(deps, actor, body.code),
  removeTotp: async (deps, actor, { body }) => {
    await removeTotp(deps, actor, body.password);
    return null;
  },
  offerPasskey: (deps, actor, { body }) => offerPasskey(deps, actor, body.password),
  addPasskey: (deps, actor, { body }) => addPasskey(deps, actor, body),
  removePasskey: (deps, actor, { params, body }) =>
    removePasskey(deps, actor, params.id, body.password),
  listDirectories: async (deps) => ({ items: await listDirectories(deps) }),
  checkDirectory: (deps, _actor, { params }) => checkDirectory(deps, params.provider),
  syncDirectory: (deps, actor, { params, body }) =>
    synchroniseNow(deps, actor, params.provider, body.confirm ?? null),
  listPeople: (deps, actor, { query }) =>
    listPeople(deps, actor, {
      search: query.search ?? null,
      siteId: query.site ?? null,
      role: query.role ?? null,
      provider: query.provider ?? null,
      disabled: query.state === 'disabled',
      after: query.after ?? null,
      limit: limitOf(query),
    }),
  changeRole: (deps, actor, { params, body }) => changeRole(deps, actor, params.id, body),
  readPhoto: (deps, actor, { params }) => readPhoto(deps, actor, params.id),
} satisfies Partial<Verbs>;
