import { changeLanguage } from '#src/accounts/language.ts';
import { eraseLeavers, erasePerson, findPeople, listLeavers } from '#src/privacy/erase/erase.ts';
import { exportPerson } from '#src/privacy/hold.ts';
import { changePrivacySettings } from '#src/privacy/keep.ts';
import { selectPrivacy } from '#src/privacy/store.ts';
import { readUsage } from '#src/privacy/usage/usage.ts';
import { listHomesWaiting } from '#src/servers/homes/homes.ts';
import type { Verbs } from './verb.ts';

export const privacyVerbs = {
  readPrivacySettings: (deps) => selectPrivacy(deps.database),
  changePrivacySettings: (deps, actor, { body }) => changePrivacySettings(deps, actor, body),
  findPeople: async (deps, actor, { query }) => ({
    items: await findPeople(deps, actor, query.search),
  }),
  exportPerson: (deps, actor, { params }) => exportPerson(deps, actor, params.id),
  erasePerson: (deps, actor, { params, body }) => erasePerson(deps, actor, params.id, body.login),
  listLeavers: async (deps, actor, { query }) => ({
    items: await listLeavers(deps, actor, query.site ?? null),
  }),
  eraseLeavers: (deps, actor, { body }) => eraseLeavers(deps, actor, body.accountIds),
  listHomesWaiting: async (deps, actor) => ({ items: await listHomesWaiting(deps, actor) }),
  readUsage: async (deps, actor, { query }) => ({
    items: await readUsage(deps, actor, { from: query.from ?? null, until: query.until ?? null }),
  }),
  changeLanguage: async (deps, actor, { body }) => {
    await changeLanguage(deps, actor, body.language);
    return null;
  },
} satisfies Partial<Verbs>;
