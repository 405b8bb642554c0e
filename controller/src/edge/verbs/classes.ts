import {
  issueBadges,
  printBadges,
  renewBadge,
  setPictures,
  voidBadge,
} from '#src/classes/badges/badges.ts';
import {
  addPupil,
  createClass,
  listClasses,
  listOtherPupils,
  movePupil,
  readClass,
  removePupil,
  renameClass,
} from '#src/classes/classes.ts';
import type { Verbs } from './verb.ts';

export const classVerbs = {
  enterByBadge: async (deps, _actor, { body }, answer) => {
    const { account, token, expiresAt } = await deps.classEntry.byBadge(body.badge, answer.address);
    answer.setSignIn(token, expiresAt);
    return account;
  },
  readEntryHall: (deps, _actor, _input, { address }) => deps.classEntry.hall(address),
  readEntryClass: (deps, _actor, { params }, { address }) =>
    deps.classEntry.room(params.code, address),
  enterByPictures: async (deps, _actor, { body }, answer) => {
    const { account, token, expiresAt } = await deps.classEntry.byPictures(body, answer.address);
    answer.setSignIn(token, expiresAt);
    return account;
  },

  listClasses: async (deps, actor, { query }) => ({
    items: await listClasses(deps, actor, query.site ?? null),
  }),
  createClass: (deps, actor, { body }) => createClass(deps, actor, body),
  readClass: (deps, _actor, { params }) => readClass(deps, params.id),
  renameClass: (deps, actor, { params, body }) => renameClass(deps, actor, params.id, body.name),
  listOtherPupils: async (deps, _actor, { params, query }) => ({
    items: await listOtherPupils(deps, params.id, query.search),
  }),
  movePupil: (deps, actor, { params }) => movePupil(deps, actor, params.id, params.accountId),
  removePupil: (deps, actor, { params }) => removePupil(deps, actor, params.id, params.accountId),
  addPupil: (deps, actor, { params, body }) => addPupil(deps, actor, params.id, body),

  issueBadges: (deps, actor, { params }) => issueBadges(deps, actor, params.id),
  printBadges: (deps, actor, { params, query }) =>
    printBadges(deps, actor, params.id, query.pupil ?? null),
  renewBadge: async (deps, actor, { params }) => {
    await renewBadge(deps, actor, params.id);
    return null;
  },
  voidBadge: async (deps, actor, { params }) => {
    await voidBadge(deps, actor, params.id);
    return null;
  },
  setPictures: async (deps, actor, { params, body }) => {
    await setPictures(deps, actor, params.id, body.pictures);
    return null;
  },
} satisfies Partial<Verbs>;
