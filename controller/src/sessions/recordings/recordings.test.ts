import { makeCity } from '#src/testing.fixture.ts';
import { recordingCases } from './recordings.cases.ts';

recordingCases((settings) => makeCity(':memory:', settings));
