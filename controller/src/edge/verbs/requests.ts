import type { requestRoutes } from '@preau/contract/routes/requests.ts';
import type { Verbs } from '../verb.ts';

export const requestVerbs: Pick<Verbs, keyof typeof requestRoutes> = {
};
