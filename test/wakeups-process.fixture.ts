/** One controller process as far as wake-ups go: wakes what its parent says, and says what it
 * hears. */
import { createLog } from '../controller/src/platform/log.ts';
import { openRedis } from '../controller/src/platform/redis.ts';
import { createWakeups } from '../controller/src/wakeups.ts';

const url = process.argv[2] ?? '';
const redis = { publisher: openRedis(url, 'wakeups'), subscriber: openRedis(url, 'wakeups') };
await Promise.all(
  Object.values(redis).map((each) => new Promise((resolve) => each.once('ready', resolve))),
);
const wakeups = createWakeups(redis, createLog('silent'));
wakeups.listen((topics) => process.send?.({ heard: topics }));
process.on('message', ({ wake }: { wake: Parameters<typeof wakeups.wake>[0] }) =>
  wakeups.wake(wake),
);
process.send?.({ ready: true });
