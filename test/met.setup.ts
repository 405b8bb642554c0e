/** Runs before each file of system tests: passes its name to test/met.ts. */
import { relative } from 'node:path';
import { expect } from 'vitest';
import { root } from '../dev/services.ts';
import { inTest } from './met.ts';

inTest(relative(root, expect.getState().testPath ?? ''));
