import { makeCity } from '#src/testing.ts';
import { accessCases } from './access.cases.ts';

accessCases(() => makeCity());
