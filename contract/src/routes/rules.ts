/** Routes of publication rules: writing, weighing and explaining them, and how far they have reached. */
import { Type } from 'typebox';
import { ApplicationId } from '../application.ts';
import { Access, AccessMatrix, Question, Preview, PreviewRequest, PushProgress, RuleVersion, Why } from '../explanation.ts';
import { Rule, RuleDraft, RuleId } from '../publication.ts';
import { Count, List, Nothing, ofId, type Route } from '../route.ts';
import { Slug, Strict } from '../schema.ts';
import { SiteId, SiteSettings, SiteSettingsShown } from '../site.ts';

const Moment = Type.String({ pattern: '^[0-9]{1,16}$' });

export const ruleRoutes = {
  listRules: { method: 'GET', path: '/api/rules', policy: 'contact', reach: 'site', summary: 'Publication rules; `at`: as they were then', query: Strict({ at: Type.Optional(Moment) }), reply: List(Rule) },
  listWithdrawnRules: { method: 'GET', path: '/api/rules/withdrawn', policy: 'technician', reach: 'site', summary: 'Rules that were withdrawn, as they last were, the latest first', reply: List(RuleVersion) },
  createRule: { method: 'POST', path: '/api/rules', policy: 'technician', reach: 'site', summary: 'Publish or forbid', body: RuleDraft, reply: Rule, status: 201 },
  changeRule: { method: 'PUT', path: '/api/rules/:id', policy: 'technician', reach: 'site', summary: 'A new version of a rule; `version` is the one you have read', params: ofId(RuleId), body: Strict({ version: Type.Integer({ minimum: 1 }), draft: RuleDraft }), reply: Rule },
  deleteRule: { method: 'DELETE', path: '/api/rules/:id', policy: 'technician', reach: 'site', summary: 'Withdraw a rule', params: ofId(RuleId), reply: Nothing, status: 204 },
  restoreRule: { method: 'POST', path: '/api/rules/:id/restore', policy: 'technician', reach: 'site', summary: 'Bring a withdrawn rule back as it was', params: ofId(RuleId), reply: Rule },
  listRuleVersions: { method: 'GET', path: '/api/rules/:id/versions', policy: 'technician', reach: 'site', summary: 'What a rule has been, newest first', params: ofId(RuleId), reply: List(RuleVersion) },
  previewRule: { method: 'POST', path: '/api/rules/preview', policy: 'technician', reach: 'site', summary: 'Who would gain and who would lose, and which rules contradict', body: PreviewRequest, reply: Preview },
  explainAccess: { method: 'POST', path: '/api/access/explain', policy: 'contact', reach: 'site', summary: 'As whom, where, when: every application, and why it is there or not', body: Question, reply: Access },
  whyNot: { method: 'GET', path: '/api/portal/:slug/why', policy: 'signedIn', reach: 'self', summary: 'Why do I have, or not have, this application?', params: Strict({ slug: Slug }), reply: Why },
  readAccessMatrix: { method: 'GET', path: '/api/access/matrix', policy: 'technician', reach: 'site', summary: 'Applications × schools: for how many people', query: Strict({ role: Type.Optional(Type.Union([Type.Literal('pupil'), Type.Literal('teacher')])), after: Type.Optional(SiteId), limit: Type.Optional(Count) }), reply: AccessMatrix },
  exportAccess: { method: 'GET', path: '/api/access/csv', policy: 'technician', reach: 'site', summary: 'Who could reach what over a period, as CSV', query: Strict({ from: Moment, until: Moment, site: Type.Optional(SiteId), application: Type.Optional(ApplicationId) }), reply: Type.String(), file: 'text/csv; charset=utf-8', download: 'acces.csv' },
  readPush: { method: 'GET', path: '/api/rules/push', policy: 'technician', reach: 'site', summary: 'Which schools follow the newest rules, and which are late', reply: PushProgress },
  readSiteSettings: { method: 'GET', path: '/api/sites/:id/settings', policy: 'contact', reach: 'site', summary: 'A school’s networks, closures and badge hours', params: ofId(SiteId), reply: SiteSettingsShown },
  changeSiteSettings: { method: 'PUT', path: '/api/sites/:id/settings', policy: 'technician', reach: 'site', summary: 'Change a school’s networks, closures and badge hours', params: ofId(SiteId), body: SiteSettings, reply: SiteSettingsShown },
} as const satisfies Record<string, Route>;
