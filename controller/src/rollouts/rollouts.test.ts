import { makeCity } from '#src/testing.fixture.ts';
import { rolloutCases } from './rollouts.cases.ts';

rolloutCases(() => makeCity());
