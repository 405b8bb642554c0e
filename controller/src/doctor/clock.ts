/** This machine's clock, against what the database remembers and what other clocks say. */
import { budget } from '#src/platform/budget.ts';
import { examination, type Found, NotLookedAt } from './examination.ts';
import type { Patient } from './patient.ts';
import { gatherRedis } from './redis.ts';
import { selectLookedAt, selectPostgres, selectServerFacts } from './store.ts';

interface ClockFacts {
  /** Epoch ms, when a controller last looked at the database. */
  lookedAt: number;
  /** By whose clock this one is ahead (positive) or behind, in ms. */
  ahead: readonly { of: string; ms: number }[];
  /** Clocks of servers, minus that of the city, in ms. */
  servers: readonly number[];
}

export const clock = examination({
  failure: 'NOT_LOOKED_AT',
  gather: gatherClock,
  judge: (facts, { now }) => judgeClock(facts, now),
});

async function gatherClock(patient: Patient): Promise<ClockFacts> {
  const began = performance.now();
  const now = () => patient.now + performance.now() - began;
  const ahead: { of: string; ms: number }[] = [];
  const redis = await gatherRedis(patient.config.PREAU_REDIS_URL).catch(() => null);
  if (redis !== null) ahead.push({ of: 'Redis', ms: now() - redis.at });
  try {
    const rows = patient.rows();
    if (patient.config.PREAU_DATABASE_URL !== '')
      ahead.push({ of: 'PostgreSQL', ms: now() - (await selectPostgres(rows)).at });
    const servers = (await selectServerFacts(rows)).map(({ clockSkewMs }) => clockSkewMs ?? 0);
    return { lookedAt: await selectLookedAt(rows), ahead, servers };
  } catch (error) {
    if (error instanceof NotLookedAt) return { lookedAt: 0, ahead, servers: [] };
    throw error;
  }
}

const { clockMs } = budget.health;
const seconds = (ms: number) => `${Math.round(Math.abs(ms) / 1000)} s`;

export function judgeClock({ lookedAt, ahead, servers }: ClockFacts, now: number): Found[] {
  const found: Found[] = [];
  if (lookedAt - now > clockMs)
    found.push({ code: 'CLOCK_WENT_BACK', why: `by ${seconds(lookedAt - now)}` });
  const apart = ahead.filter(({ ms }) => Math.abs(ms) > clockMs);
  // Servers keep time by themselves: when most of them differ in the same direction, it is not they.
  for (const sign of [1, -1]) {
    const same = servers.filter((ms) => ms * sign > clockMs);
    if (servers.length >= 3 && same.length > servers.length / 2)
      apart.push({
        of: `${same.length} of ${servers.length} servers`,
        ms: -Math.min(...same.map((ms) => ms * sign)) * sign,
      });
  }
  for (const { of, ms } of apart)
    found.push({
      code: 'CLOCK_DIFFERS',
      why: `${seconds(ms)} ${ms > 0 ? 'ahead of' : 'behind'} ${of}`,
    });
  return found;
}
