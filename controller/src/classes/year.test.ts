import { makeCity } from '#src/testing.ts';
import { yearCases } from './year.cases.ts';

yearCases(() => makeCity());
