import type { classRoutes } from '@preau/contract/routes/classes.ts';
import type { Verbs } from '../verb.ts';

export const classVerbs: Pick<Verbs, keyof typeof classRoutes> = {
};
