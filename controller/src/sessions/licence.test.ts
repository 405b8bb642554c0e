import { makeCity } from '#src/testing.ts';
import { licenceCases } from './licence.cases.ts';

licenceCases(() => makeCity());
