/** Routes of the audit and what is held about people. */
import type { Route } from '../route.ts';

export const privacyRoutes = {
} as const satisfies Record<string, Route>;
