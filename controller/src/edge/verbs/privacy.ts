import type { privacyRoutes } from '@preau/contract/routes/privacy.ts';
import type { Verbs } from '../verb.ts';

export const privacyVerbs: Pick<Verbs, keyof typeof privacyRoutes> = {
};
