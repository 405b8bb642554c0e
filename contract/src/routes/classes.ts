/** Routes of classes, badges and the September import. */
import type { Route } from '../route.ts';

export const classRoutes = {
} as const satisfies Record<string, Route>;
