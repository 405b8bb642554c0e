/** Routes of signing in, second factors and directories. */
import type { Route } from '../route.ts';

export const identityRoutes = {
} as const satisfies Record<string, Route>;
