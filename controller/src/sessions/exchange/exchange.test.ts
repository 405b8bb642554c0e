import { makeCity } from '#src/testing.ts';
import { exchangeCases } from './exchange.cases.ts';

exchangeCases((settings) => makeCity(':memory:', settings));
