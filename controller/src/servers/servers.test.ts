import { serverCases } from './servers.cases.ts';

serverCases(async () => ':memory:');
