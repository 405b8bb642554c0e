/** Routes of the audit and of personal data. */
import { Type } from 'typebox';
import { AccountId } from '../account.ts';
import { ChainVerdict } from '../audit-chain.ts';
import {
  ChainState,
  Erased,
  Erasure,
  HomesWaiting,
  LeaversErasure,
  PersonHeld,
  PrivacySettings,
  UsageRow,
} from '../privacy.ts';
import { List, Nothing, ofId, type Route } from '../route.ts';
import { OneOf, Strict } from '../schema.ts';
import { SiteId } from '../site.ts';

const Number16 = Type.String({ pattern: '^[0-9]{1,16}$' });
const Month = Type.String({ pattern: '^20[0-9]{2}-(0[1-9]|1[0-2])$' });

export const privacyRoutes = {
  readAuditChain: {
    method: 'GET',
    path: '/api/audit/chain',
    caller: 'technician',
    reach: 'city',
    summary: 'How long the audit’s chain is, and when it was last verified',
    reply: ChainState,
  },
  verifyAudit: {
    method: 'GET',
    path: '/api/audit/verify',
    caller: 'technician',
    reach: 'city',
    summary:
      'Follow the whole chain; `seq` and `hash`: a place noted earlier, which it must pass through',
    query: Strict({
      seq: Type.Optional(Number16),
      hash: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
    }),
    reply: ChainVerdict,
  },
  exportAudit: {
    method: 'GET',
    path: '/api/audit/export',
    caller: 'administrator',
    reach: 'city',
    summary: 'The chain as JSON Lines, which prove themselves; `after`: go on where a file ended',
    query: Strict({ after: Type.Optional(Number16) }),
    reply: Type.String(),
    file: 'application/x-ndjson',
    download: 'journal.jsonl',
  },
  exportAuditCsv: {
    method: 'GET',
    path: '/api/audit/csv',
    caller: 'technician',
    reach: 'site',
    summary: 'What happened, as CSV',
    query: Strict({
      search: Type.Optional(Type.String({ maxLength: 80 })),
      action: Type.Optional(Type.String({ maxLength: 40, pattern: '^[a-z_.]+$' })),
      from: Type.Optional(Number16),
      until: Type.Optional(Number16),
    }),
    reply: Type.String(),
    file: 'text/csv; charset=utf-8',
    download: 'journal.csv',
  },

  readPrivacySettings: {
    method: 'GET',
    path: '/api/privacy/settings',
    caller: 'technician',
    reach: 'city',
    summary: 'How long things are kept',
    reply: PrivacySettings,
  },
  changePrivacySettings: {
    method: 'PUT',
    path: '/api/privacy/settings',
    caller: 'administrator',
    reach: 'city',
    summary: 'Change how long things are kept',
    body: PrivacySettings,
    reply: PrivacySettings,
  },
  findPeople: {
    method: 'GET',
    path: '/api/privacy/people',
    caller: 'administrator',
    reach: 'site',
    summary: 'People data is held about, by name',
    query: Strict({ search: Type.String({ minLength: 1, maxLength: 80 }) }),
    reply: List(PersonHeld),
  },
  exportPerson: {
    method: 'GET',
    path: '/api/privacy/people/:id/export',
    caller: 'administrator',
    reach: 'site',
    summary: 'Everything held about a person, as one JSON file',
    params: ofId(AccountId),
    reply: Type.String(),
    file: 'application/json',
    download: 'donnees-personnelles.json',
  },
  erasePerson: {
    method: 'POST',
    path: '/api/privacy/people/:id/erase',
    caller: 'administrator',
    reach: 'site',
    summary: 'Erase who they were, for good; `login` confirms',
    params: ofId(AccountId),
    body: Erasure,
    reply: Erased,
  },
  listLeavers: {
    method: 'GET',
    path: '/api/privacy/leavers',
    caller: 'administrator',
    reach: 'site',
    summary: 'Pupils who left long enough ago',
    query: Strict({ site: Type.Optional(SiteId) }),
    reply: List(PersonHeld),
  },
  eraseLeavers: {
    method: 'POST',
    path: '/api/privacy/leavers/erase',
    caller: 'administrator',
    reach: 'site',
    summary: 'Erase these pupils who left, for good',
    body: LeaversErasure,
    reply: Erased,
  },
  listHomesWaiting: {
    method: 'GET',
    path: '/api/privacy/homes',
    caller: 'administrator',
    reach: 'site',
    summary: 'Servers that have yet to erase homes of erased people',
    reply: List(HomesWaiting),
  },
  readUsage: {
    method: 'GET',
    path: '/api/privacy/usage',
    caller: 'technician',
    reach: 'site',
    summary: 'Use of applications by school and month; groups under five hidden',
    query: Strict({ from: Type.Optional(Month), until: Type.Optional(Month) }),
    reply: List(UsageRow),
  },
  changeLanguage: {
    method: 'PUT',
    path: '/api/me/language',
    caller: 'signedIn',
    reach: 'self',
    summary: 'The language mails to me are written in',
    body: Strict({ language: OneOf(['fr', 'en']) }),
    reply: Nothing,
    status: 204,
  },
} as const satisfies Record<string, Route>;
