import { describeRealServer } from './real-server.fixture.ts';

describeRealServer('trixie', 'debian13');
