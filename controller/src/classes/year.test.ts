import { makeCity } from '#src/testing.fixture.ts';
import { yearCases } from './year.cases.ts';

yearCases(() => makeCity());
