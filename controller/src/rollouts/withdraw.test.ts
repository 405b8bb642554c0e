import { describe } from 'vitest';
import { makeCity } from '#src/testing.fixture.ts';
import { withdrawCases } from './withdraw.cases.ts';

describe('withdrawing', () => withdrawCases(() => makeCity(':memory:')));
