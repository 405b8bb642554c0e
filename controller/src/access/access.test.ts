import { makeCity } from '#src/testing.fixture.ts';
import { accessCases } from './access.cases.ts';

accessCases(() => makeCity());
