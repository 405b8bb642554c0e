import { explainAccess, whyNot } from '#src/access/explain.ts';
import { exportAccess, readAccessMatrix } from '#src/access/overview.ts';
import { previewRule } from '#src/access/preview.ts';
import { readPush } from '#src/access/push.ts';
import {
  changeRule,
  createRule,
  listRules,
  listRuleVersions,
  listWithdrawnRules,
  restoreRule,
  withdrawRule,
} from '#src/access/rules.ts';
import { changeSiteSettings, readSiteSettings } from '#src/access/site-settings.ts';
import type { Verbs } from './verb.ts';

export const ruleVerbs = {
  listRules: async (deps, actor, { query }) => ({
    items: await listRules(deps, actor, query.at === undefined ? null : Number(query.at)),
  }),
  listWithdrawnRules: async (deps, actor) => ({ items: await listWithdrawnRules(deps, actor) }),
  createRule: (deps, actor, { body }) => createRule(deps, actor, body),
  changeRule: (deps, actor, { params, body }) => changeRule(deps, actor, params.id, body),
  deleteRule: async (deps, actor, { params }) => {
    await withdrawRule(deps, actor, params.id);
    return null;
  },
  restoreRule: (deps, actor, { params }) => restoreRule(deps, actor, params.id),
  listRuleVersions: async (deps, actor, { params }) => ({
    items: await listRuleVersions(deps, actor, params.id),
  }),
  previewRule: (deps, actor, { body }) => previewRule(deps, actor, body),
  explainAccess: (deps, actor, { body }) => explainAccess(deps, actor, body),
  whyNot: (deps, actor, { params }, { address }) => whyNot(deps, actor, params.slug, address),
  readAccessMatrix: (deps, actor, { query }) =>
    readAccessMatrix(deps, actor, {
      role: query.role ?? null,
      after: query.after ?? null,
      limit: Math.min(Number(query.limit ?? 30), 100),
    }),
  exportAccess: (deps, actor, { query }) =>
    exportAccess(deps, actor, {
      from: Number(query.from),
      until: Number(query.until),
      siteId: query.site ?? null,
      applicationId: query.application ?? null,
    }),
  readPush: (deps, actor) => readPush(deps, actor),
  readSiteSettings: (deps, _actor, { params }) => readSiteSettings(deps, params.id),
  changeSiteSettings: (deps, actor, { params, body }) =>
    changeSiteSettings(deps, actor, params.id, body),
} satisfies Partial<Verbs>;
