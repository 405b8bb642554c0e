/** The links across the top of administration, in this order. */
import type { AdminName } from './paths.ts';

export const navigation = [
  'dashboard',
  'rollouts',
  'schools',
  'servers',
  'applications',
  'rules',
  'access',
  'sessions',
  'classes',
  'requests',
  'people',
  'directories',
  'audit',
  'statistics',
] as const satisfies readonly AdminName[];
