import { makeCity } from '#src/testing.ts';
import { launchCases } from './launch.cases.ts';

launchCases((settings) => makeCity(':memory:', settings));
