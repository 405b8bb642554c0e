import { makeCity } from '#src/testing.ts';
import { recordingCases } from './recordings.cases.ts';

recordingCases((settings) => makeCity(':memory:', settings));
