import type { identityRoutes } from '@preau/contract/routes/identity.ts';
import type { Verbs } from '../verb.ts';

export const identityVerbs: Pick<Verbs, keyof typeof identityRoutes> = {
};
