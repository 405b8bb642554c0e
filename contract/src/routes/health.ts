/** Whether the controller is alive, and whether it can serve. */
import { Type } from 'typebox';
import { HealthAnswer, HealthReport } from '../health.ts';
import type { Route } from '../route.ts';
import { Strict } from '../schema.ts';

export const healthRoutes = {
  live: {
    method: 'GET',
    path: '/api/health/live',
    caller: 'public',
    summary: 'Does the process run? Looks at nothing else',
    reply: Strict({ status: Type.Literal('ok') }),
  },
  ready: {
    method: 'GET',
    path: '/api/health/ready',
    caller: 'public',
    summary: 'Can the controller serve? 503 when it cannot',
    reply: HealthAnswer,
  },
  health: {
    method: 'GET',
    path: '/api/health',
    caller: 'public',
    summary: 'The same as ready',
    reply: HealthAnswer,
  },
  readHealth: {
    method: 'GET',
    path: '/api/health/report',
    caller: 'technician',
    reach: 'city',
    summary: 'What is wrong, since when, and what to do',
    reply: HealthReport,
  },
} as const satisfies Record<string, Route>;
