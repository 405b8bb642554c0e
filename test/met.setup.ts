/** Runs before each file of system tests: tells test/met.ts which file that is. */
import { relative } from 'node:path';
import { expect } from 'vitest';
import { root } from '../dev/services.ts';
import { inTest } from './met.ts';

inTest(relative(root, expect.getState().testPath ?? ''));
