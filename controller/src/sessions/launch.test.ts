import { makeCity } from '#src/testing.fixture.ts';
import { launchCases } from './launch.cases.ts';

launchCases((settings) => makeCity(':memory:', settings));
