/** The route that reads the audit. The routes that verify and export it are in privacy.ts. */
import { Type } from 'typebox';
import { AuditEvent } from '../audit.ts';
import { Count, Page, type Route } from '../route.ts';
import { Id, Strict } from '../schema.ts';

export const auditRoutes = {
  listAudit: {
    method: 'GET',
    path: '/api/audit',
    caller: 'technician',
    reach: 'site',
    summary: 'What happened, newest first',
    query: Strict({
      before: Type.Optional(Type.String({ maxLength: 40, pattern: '^[0-9A-Za-z_-]+$' })),
      limit: Type.Optional(Count),
      search: Type.Optional(Type.String({ maxLength: 80 })),
      action: Type.Optional(Type.String({ maxLength: 40, pattern: '^[a-z_.]+$' })),
      person: Type.Optional(Id('acc')),
      from: Type.Optional(Type.String({ pattern: '^[0-9]{1,16}$' })),
      until: Type.Optional(Type.String({ pattern: '^[0-9]{1,16}$' })),
    }),
    reply: Page(AuditEvent),
  },
} as const satisfies Record<string, Route>;
