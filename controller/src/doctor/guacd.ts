/** guacd, and the way from here to the displays of the schools' servers. */
import { connect } from 'node:net';
import { dialGuacd } from '#src/platform/guacd.ts';
import { examination, type Found } from './examination.ts';
import { readJson } from './servers.ts';
import { selectServerFacts } from './store.ts';

export const guacd = examination({
  withinMs: 6000,
  failure: 'GUACD_UNREACHABLE',
  gather: async ({ config }, signal) => {
    const found = await dialGuacd(config.PREAU_GUACD_HOST, config.PREAU_GUACD_PORT, signal);
    found.abandon();
    return found.protocol;
  },
  judge: judgeGuacd,
});

/** `protocol`: such as VERSION_1_5_0; the one before 1.1 says none. */
export function judgeGuacd(protocol: string | null): Found[] {
  const [, major = '1', minor = '0'] = /^VERSION_(\d+)_(\d+)_/.exec(protocol ?? '') ?? [];
  const isOld = Number(major) === 1 && Number(minor) < 5;
  return isOld ? [{ code: 'GUACD_OLD', why: `it speaks ${protocol ?? 'no version'}` }] : [];
}

interface DisplayFacts {
  server: string;
  at: string;
  /** What connecting failed with; null: it is reached. */
  failure: string | null;
}

/** At once. */
const most = 50;

export const displays = examination({
  withinMs: 30_000,
  failure: 'DISPLAY_UNREACHABLE',
  gather: async ({ rows, now }) => {
    const heard = (await selectServerFacts(rows())).filter(
      ({ lastSeenAt }) => lastSeenAt !== null && now - lastSeenAt < 120_000,
    );
    const facts: DisplayFacts[] = [];
    for (let from = 0; from < heard.length; from += most) {
      const some = heard.slice(from, from + most).flatMap(({ name, display }) => {
        const { host, port } = readJson(display);
        return typeof host === 'string' && typeof port === 'number' && port > 0
          ? [reach(name, host, port)]
          : [];
      });
      facts.push(...(await Promise.all(some)));
    }
    return facts;
  },
  judge: judgeDisplays,
});

function reach(server: string, host: string, port: number): Promise<DisplayFacts> {
  const at = `${host} port ${port}`;
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (failure: string | null) => {
      clearTimeout(late);
      socket.destroy();
      resolve({ server, at, failure });
    };
    const late = setTimeout(() => done('no answer'), 4000);
    socket.once('connect', () => done(null));
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  });
}

export function judgeDisplays(facts: readonly DisplayFacts[]): Found[] {
  const missed = facts.filter(({ failure }) => failure !== null);
  if (missed.length === 0) return [];
  const told = missed
    .slice(0, 10)
    .map(({ server, at, failure }) => `${server} (${at}: ${failure})`);
  return [
    { code: 'DISPLAY_UNREACHABLE', why: told.join(', '), counts: { servers: missed.length } },
  ];
}
