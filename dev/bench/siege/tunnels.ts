/** Tunnels of attackers: real sessions of pupils, attached again whenever they are closed. */
import type { WebSocket } from 'ws';
import type { Attack, AttackCounts } from './attacks.ts';
import type { Loot } from './loot.ts';
import type { Answer } from './web.ts';

/** One tunnel for each pupil; `use` gets it open. */
export function heldTunnels(
  { web, slugs }: Loot,
  pupils: readonly string[],
  use: (tunnel: WebSocket, counts: AttackCounts, at: number) => void,
): Attack {
  const counts: AttackCounts = { wanted: pupils.length, opened: 0, held_now: 0 };
  const open = new Set<WebSocket>();
  let over = false;
  const note = (name: string, by = 1) => {
    counts[name] = (counts[name] ?? 0) + by;
  };
  const body = { application: slugs.allowed, language: 'fr' };
  const one = async (cookie: string, at: number): Promise<void> => {
    if (over) return;
    // A session that runs is attached to again.
    const admitted = await web.call({ path: '/api/sessions', cookie, body });
    const ticket = ticketOf(admitted);
    const again = () => setTimeout(() => void one(cookie, at), 2000);
    if (ticket === null) {
      note(`answer ${admitted.status} ${admitted.code ?? ''}`.trim());
      again();
      return;
    }
    const tunnel = web.tunnel(cookie, ticket);
    open.add(tunnel);
    tunnel.on('open', () => {
      note('opened');
      note('held_now');
      tunnel.on('close', (code) => {
        note('held_now', -1);
        note(`closed ${code}`);
      });
      use(tunnel, counts, at);
    });
    tunnel.on('error', () => note('broken'));
    tunnel.on('close', () => {
      open.delete(tunnel);
      again();
    });
  };
  pupils.forEach((cookie, at) => {
    setTimeout(() => void one(cookie, at), at * 100);
  });
  return {
    counts,
    stop: () => {
      over = true;
      for (const tunnel of open) tunnel.terminate();
    },
  };
}

function ticketOf({ body }: Answer): string | null {
  const ticket = body['ticket'] as { ticket?: unknown } | undefined;
  return typeof ticket?.ticket === 'string' ? ticket.ticket : null;
}
