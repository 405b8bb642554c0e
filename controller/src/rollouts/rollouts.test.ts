import { makeCity } from '#src/testing.ts';
import { rolloutCases } from './rollouts.cases.ts';

rolloutCases(() => makeCity());
