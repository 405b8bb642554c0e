/** Each way to attack, as a table: what it holds or repeats, bounded in number and in rate, and what
 * came back. */
import type { TLSSocket } from 'node:tls';
import { encode } from '../../../controller/src/platform/guacamole.ts';
import type { Loot } from './loot.ts';
import { heldTunnels } from './tunnels.ts';
import type { Answer } from './web.ts';

/** Sums since the beginning; `held…` are numbers of now. */
export type AttackCounts = Record<string, number>;
export interface Attack {
  counts: AttackCounts;
  stop: () => void;
}
type Begin = (loot: Loot) => Attack;

const minuteMs = 60_000;
const more = (counts: AttackCounts, name: string, by = 1): void => {
  counts[name] = (counts[name] ?? 0) + by;
};
const heard = (counts: AttackCounts, { status, code }: Answer) =>
  more(counts, `answer ${status} ${code ?? ''}`.trim());

/** So many connections at any time: one that is closed is opened again a second later. `use` writes
 * on an open one, and returns what ends it. */
function held(
  { web }: Loot,
  wanted: number,
  use: (socket: TLSSocket, at: number, counts: AttackCounts) => void,
): Attack {
  const counts: AttackCounts = { wanted, opened: 0, held_now: 0 };
  const open = new Set<TLSSocket>();
  let over = false;
  const start = (at: number) => {
    if (over) return;
    const socket = web.connect();
    open.add(socket);
    socket.on('secureConnect', () => {
      more(counts, 'opened');
      more(counts, 'held_now');
      socket.on('close', () => more(counts, 'held_now', -1));
      use(socket, at, counts);
    });
    socket.on('error', () => more(counts, 'broken'));
    socket.on('close', () => {
      open.delete(socket);
      setTimeout(() => start(at), 1000 + Math.random() * 1000);
    });
  };
  // Two hundred a second: they all come within ten seconds.
  for (let at = 0; at < wanted; at += 1) setTimeout(() => start(at), at * 5);
  return {
    counts,
    stop: () => {
      over = true;
      for (const socket of open) socket.destroy();
    },
  };
}

/** Writes a byte a second, until the socket closes. */
function dribble(socket: TLSSocket): void {
  const timer = setInterval(() => socket.write('x'), 1000);
  socket.on('close', () => clearInterval(timer));
}

const upgradePaths = [
  '/api/hubX',
  '/api/hub/?EIO=4&transport=websocket',
  '/api/hub/?EIO=4&transport=websocket',
  '/api/tunnel?width=1280&height=720&dpi=96&layout=fr-fr-azerty',
  '/api/hub/?EIO=4&transport=websocket&sid=nobody',
];
const head = (host: string, line: string, ...headers: string[]) =>
  [`${line} HTTP/1.1`, `Host: ${host}`, ...headers, '', ''].join('\r\n');
const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];

const heldUpgrades: Begin = (loot) =>
  held(loot, 1100, (socket, at, counts) => {
    const path = upgradePaths[at % upgradePaths.length] ?? '';
    const key = 'Sec-WebSocket-Key: cHJlYXUtcHJlYXUtcHJlYQ==';
    socket.write(head(new URL(loot.web.origin).hostname, `GET ${path}`, ...upgrade, key));
    // Nothing more is said, and nothing that comes is answered.
    socket.once('data', (part: Buffer) =>
      more(counts, `answer ${/^HTTP\/1.1 (\d+)/.exec(part.toString())?.[1] ?? '?'}`),
    );
  });

const inventedNames: Begin = ({ web }) => {
  const sockets = 700;
  const counts: AttackCounts = { sockets };
  const agent = web.kept(sockets);
  let over = false;
  const one = async (at: number) => {
    for (let round = 0; !over; round += 1) {
      const login = `inconnu${at}.${round}`;
      const body = { login, password: 'une-phrase-inventee' };
      heard(counts, await web.call({ path: '/api/sign-in', body, agent, timeoutMs: minuteMs }));
      // A refusal that comes at once would otherwise leave no time to the other attackers.
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  for (let at = 0; at < sockets; at += 1) setTimeout(() => void one(at), at * 10);
  return {
    counts,
    stop: () => {
      over = true;
      agent.destroy();
    },
  };
};

const refusedLaunches: Begin = ({ web, pupils, slugs }) => {
  const perSecond = 323;
  const counts: AttackCounts = { wanted_per_second: perSecond, sent: 0 };
  const agent = web.kept(64);
  const began = performance.now();
  let waiting = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - began) / 1000) * perSecond;
    // What the half core does not manage is not made up for.
    for (let left = Math.min(due - (counts['due'] ?? 0), 64); left >= 1; left -= 1) {
      if (waiting >= 256) break;
      waiting += 1;
      more(counts, 'sent');
      const body = { application: slugs.refused, language: 'fr' };
      void web
        .call({ path: '/api/sessions', cookie: pupils[0] ?? '', body, agent })
        .then((told) => {
          waiting -= 1;
          heard(counts, told);
        });
    }
    counts['due'] = due;
  }, 20);
  return {
    counts,
    stop: () => {
      clearInterval(timer);
      agent.destroy();
    },
  };
};

/** At once, and then every minute. */
function eachMinute(work: () => void): () => void {
  work();
  const timer = setInterval(work, minuteMs);
  return () => clearInterval(timer);
}

const imports: Begin = ({ web, contact, siteId, files }) => {
  const counts: AttackCounts = { sent: 0 };
  const send = (body: Buffer) => {
    more(counts, 'sent');
    const path = `/api/people-imports/preview?site=${siteId}`;
    void web
      .call({ path, cookie: contact, body, timeoutMs: minuteMs })
      .then((told) => heard(counts, told));
  };
  let later: NodeJS.Timeout | undefined;
  const stopRepeating = eachMinute(() => {
    send(files.oneName);
    later = setTimeout(() => send(files.semicolons), 15_000);
  });
  const stop = () => {
    stopRepeating();
    clearTimeout(later);
  };
  return { counts, stop };
};

const sizes: Begin = (loot) =>
  heldTunnels(loot, loot.pupils.slice(20, 21), (tunnel, counts) => {
    const stop = eachMinute(() => {
      for (let time = 0; time < 199 && tunnel.readyState === tunnel.OPEN; time += 1) {
        tunnel.send(encode(['size', '8192', '8192']));
        more(counts, 'sizes_sent');
      }
    });
    tunnel.on('close', stop);
  });

/** The tunnel is not read. */
const pingers: Begin = (loot) =>
  heldTunnels(loot, loot.pupils.slice(0, 20), (tunnel, counts, at) => {
    tunnel.pause();
    const ping = encode(['', 'ping', '1'.repeat(1000)]);
    const keys = `${encode(['key', '97', '1'])}${encode(['key', '97', '0'])}`.repeat(20);
    const words = at % 2 === 0 ? ping.repeat(10) : keys;
    const timer = setInterval(() => {
      // What the city does not take stays with us, and is bounded too.
      for (let time = 0; time < 5 && tunnel.bufferedAmount < 1_000_000; time += 1) {
        if (tunnel.readyState !== tunnel.OPEN) return;
        tunnel.send(words);
        more(counts, 'kilobytes_sent', words.length / 1000);
      }
    }, 20);
    tunnel.on('close', () => clearInterval(timer));
  });

const slow: Begin = (loot) => {
  const host = new URL(loot.web.origin).hostname;
  const json = 'Content-Type: application/json';
  const ways: ((socket: TLSSocket) => void)[] = [
    // Headers that never end.
    (socket) => {
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `);
      dribble(socket);
    },
    // A sign-in that never ends.
    (socket) => {
      socket.write(head(host, 'POST /api/sign-in', json, 'Content-Length: 3000'));
      dribble(socket);
    },
    // A file that never ends.
    (socket) => {
      const type = 'Content-Type: application/octet-stream';
      const cookie = `Cookie: ${loot.contact}`;
      const path = `POST /api/people-imports/preview?site=${loot.siteId}`;
      socket.write(head(host, path, cookie, type, 'Content-Length: 15000000'));
      dribble(socket);
    },
    // An answer that nobody reads.
    (socket) => {
      socket.write(head(host, 'GET /api/openapi.json').repeat(20));
      socket.pause();
    },
  ];
  return held(loot, 200, (socket, at) => ways[at % ways.length]?.(socket));
};

export const attacks: Record<string, Begin> = {
  held_upgrades: heldUpgrades,
  invented_names: inventedNames,
  refused_launches: refusedLaunches,
  imports,
  sizes,
  pingers,
  slow,
};
