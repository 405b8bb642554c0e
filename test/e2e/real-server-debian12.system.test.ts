import { describeRealServer } from './real-server.fixture.ts';

describeRealServer('bookworm', 'debian12');
