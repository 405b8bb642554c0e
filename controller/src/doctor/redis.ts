/** Redis: whether it answers, and whether it keeps jobs as they must be kept. */
import { within } from '#src/platform/deadlines.ts';
import { openRedis } from '#src/platform/redis.ts';
import { examination, type Found } from './examination.ts';

const answerMs = 4000;

interface RedisFacts {
  /** Of the sections server, memory and persistence. */
  info: Readonly<Record<string, string>>;
  /** When it makes copies; null: it does not say. */
  save: string | null;
  /** Epoch ms, by its clock. */
  at: number;
}

export const redis = examination({
  failure: 'REDIS_UNREACHABLE',
  gather: ({ config }) => gatherRedis(config.PREAU_REDIS_URL),
  judge: judgeRedis,
});

export async function gatherRedis(url: string): Promise<RedisFacts> {
  const connection = openRedis(url, 'wakeups');
  try {
    await within(
      answerMs,
      new Promise<void>((resolve, reject) => {
        connection.once('ready', resolve);
        connection.on('error', reject);
      }),
    );
    const info = Object.fromEntries(
      (await connection.info())
        .split('\r\n')
        .map((line) => line.split(':', 2))
        .flatMap(([name = '', value]) => (value === undefined ? [] : [[name, value]])),
    );
    // A hosted Redis may refuse this one.
    const said: unknown = await connection.config('GET', 'save').catch(() => null);
    const [seconds = 0, micros = 0] = (await connection.time()).map(Number);
    const save = Array.isArray(said) && typeof said[1] === 'string' ? said[1] : null;
    return { info, save, at: seconds * 1000 + micros / 1000 };
  } finally {
    connection.disconnect();
  }
}

export function judgeRedis({ info, save }: Pick<RedisFacts, 'info' | 'save'>): Found[] {
  const found: Found[] = [];
  const version = info['redis_version'] ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (version !== '' && (major < 6 || (major === 6 && minor < 2)))
    found.push({ code: 'REDIS_OLD', why: `version ${version}` });
  const policy = info['maxmemory_policy'] ?? 'noeviction';
  if (policy !== 'noeviction') found.push({ code: 'REDIS_EVICTS', why: `it is ${policy}` });
  if (info['aof_enabled'] === '0' && save === '')
    found.push({ code: 'REDIS_FORGETS', why: 'neither appendonly nor save is set' });
  const failed = ['rdb_last_bgsave_status', 'aof_last_write_status'].filter(
    (name) => info[name] === 'err',
  );
  if (failed.length > 0) found.push({ code: 'REDIS_CANNOT_SAVE', why: failed.join(', ') });
  return found;
}
