import { mustReach, reachOf } from '#src/accounts/reach.ts';
import { exportAuditCsv, exportChain } from '#src/audit/export.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import { readAuditChain, verifyAudit } from '#src/privacy/keep.ts';
import { limitOf } from './limit.ts';
import type { Verbs } from './verb.ts';

const numberOf = (text: string | undefined): number | null =>
  text === undefined ? null : Number(text);

export const auditVerbs = {
  listAudit: async (deps, actor, { query }) => {
    const limit = limitOf(query);
    const items = await selectAuditEvents(deps.database, {
      before: query.before ?? null,
      limit,
      search: query.search ?? null,
      siteIds: reachOf(actor),
      action: query.action ?? null,
      personId: query.person ?? null,
      from: numberOf(query.from),
      until: numberOf(query.until),
    });
    return { items, next: items.length === limit ? (items.at(-1)?.id ?? null) : null };
  },
  readAuditChain: (deps) => readAuditChain(deps),
  verifyAudit: (deps, _actor, { query }) => verifyAudit(deps, query),
  exportAudit: async (deps, actor, { query }) => {
    // The hash chain cannot be verified without the events of all schools, so the caller must reach
    // the whole city.
    mustReach(actor, null);
    return exportChain(deps, actor, Number(query.after ?? 0));
  },
  exportAuditCsv: (deps, actor, { query }) =>
    exportAuditCsv(deps, actor, {
      search: query.search ?? null,
      action: query.action ?? null,
      from: numberOf(query.from),
      until: numberOf(query.until),
      siteIds: reachOf(actor),
    }),
} satisfies Partial<Verbs>;
