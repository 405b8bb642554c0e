import { makeCity } from '#src/testing.fixture.ts';
import { exchangeCases } from './exchange.cases.ts';

exchangeCases((settings) => makeCity(':memory:', settings));
