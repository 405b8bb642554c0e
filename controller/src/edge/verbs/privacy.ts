import type { privacyRoutes } from '@preau/contract/routes/privacy.ts';
import { changeLanguage } from '#src/accounts/language.ts';
import { mustReach, reachOf } from '#src/accounts/reach.ts';
import { exportAuditCsv, exportChain } from '#src/audit/export.ts';
import { eraseLeavers, erasePerson, findPeople, listLeavers } from '#src/privacy/erase.ts';
import { exportPerson } from '#src/privacy/hold.ts';
import { changePrivacySettings, readAuditChain, verifyAudit } from '#src/privacy/keep.ts';
import { selectPrivacy } from '#src/privacy/store.ts';
import { readUsage } from '#src/privacy/usage.ts';
import type { Verbs } from '../verb.ts';

const whole = (text: string | undefined): number | null =>
  text === undefined ? null : Number(text);

export const privacyVerbs: Pick<Verbs, keyof typeof privacyRoutes> = {
  readAuditChain: (deps) => readAuditChain(deps),
  verifyAudit: (deps, _actor, { query }) => verifyAudit(deps, query),
  exportAudit: async (deps, actor, { query }) => {
    // A chain cannot leave out the other schools' events.
    mustReach(actor, null);
    return exportChain(deps, actor, Number(query.after ?? 0));
  },
  exportAuditCsv: (deps, actor, { query }) =>
    exportAuditCsv(deps, actor, {
      search: query.search ?? null,
      action: query.action ?? null,
      from: whole(query.from),
      until: whole(query.until),
      siteIds: reachOf(actor),
    }),

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
  readUsage: async (deps, actor, { query }) => ({
    items: await readUsage(deps, actor, { from: query.from ?? null, until: query.until ?? null }),
  }),
  changeLanguage: async (deps, actor, { body }) => {
    await changeLanguage(deps, actor, body.language);
    return null;
  },
};
