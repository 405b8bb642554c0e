import { makeCity } from '#src/testing.fixture.ts';
import { licenceCases } from './licence.cases.ts';

licenceCases(() => makeCity());
