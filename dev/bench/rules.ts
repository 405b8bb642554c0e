/** What a decision costs: one question, a whole portal, compared with casbin on the same questions;
 * the portal over HTTP compared with a bare route that returns the same bytes; and how long a saved
 * rule takes to apply on 27 and on 1,000 simulated servers. */

import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import { compilePolicy, decide } from '@preau/contract/policy.ts';
import { plainRule } from '@preau/contract/rule.ts';
import autocannon from 'autocannon';
import { insertSignIn } from '../../controller/src/accounts/sign-ins/store.ts';
import type { Rows } from '../../controller/src/platform/database.ts';
import { newToken, sha256 } from '../../controller/src/platform/secrets.ts';
import { insertRuleVersion } from '../../controller/src/rules/store.ts';
import { startTalking, until } from '../services.ts';
import { measureCasbin } from './casbin.ts';
import { type Figure, median, quantile, round, timed } from './figures.ts';
import { settled, startFleetCity } from './fleet-city.ts';
import { idOf, questionOf, type RulesWorld, rulesWorld } from './rules-world.ts';

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export async function measureRules(
  tell: (text: string) => void,
  signal: AbortSignal,
): Promise<Figure[]> {
  const pure = measureDecisions(tell);
  signal.throwIfAborted();
  const theirs = await measureCasbin(tell);
  signal.throwIfAborted();
  const portal = await measurePortal(tell);
  signal.throwIfAborted();
  const small = await measurePush(27, tell);
  signal.throwIfAborted();
  const large = await measurePush(1000, tell);
  const figure = (
    id: string,
    value: number,
    judged: Pick<Figure, 'unit' | 'aim' | 'holds'>,
    detail: Record<string, unknown>,
  ): Figure => ({ id: `rules.${id}`, value: round(value, 3), ...judged, detail });
  return [
    figure(
      'decision_us_p50',
      pure.decisionUs,
      { unit: 'µs', aim: '≤ 2', holds: pure.decisionUs <= 2 },
      pure.detail,
    ),
    figure(
      'listing_vs_fastify',
      portal.listing.ratio,
      { unit: 'ratio', aim: '≤ 1.3', holds: portal.listing.ratio <= 1.3 },
      { ...portal.listing.detail, ...pure.listingDetail },
    ),
    figure(
      'vs_casbin_ratio',
      theirs.ratio,
      { unit: 'ratio', aim: '≥ 1000', holds: theirs.ratio >= 1000 },
      theirs.detail,
    ),
    figure(
      'portal_vs_fastify_ratio',
      portal.ratio,
      { unit: 'ratio', aim: '≥ 0.8', holds: portal.ratio >= 0.8 },
      portal.detail,
    ),
    figure(
      'push_27_s_p99',
      small.p99,
      { unit: 's', aim: '≤ 0.25', holds: small.p99 <= 0.25 },
      small.detail,
    ),
    figure(
      'push_1000_s_p99',
      large.p99,
      { unit: 's', aim: '≤ 2', holds: large.p99 <= 2 },
      large.detail,
    ),
  ];
}

function measureDecisions(tell: (text: string) => void) {
  const world = rulesWorld({
    sites: 27,
    applications: 300,
    people: 10_000,
    rules: 500,
    withHours: true,
  });
  const policy = compilePolicy(world.rules, frenchCalendar);
  const one = (at: number) =>
    decide(policy, {
      ...questionOf(world, at),
      application: world.applications[(at * 7) % world.applications.length] ?? {
        id: '',
        category: '',
        labels: [],
      },
    });
  const list = (at: number) => {
    const question = questionOf(world, at);
    let open = 0;
    for (const application of world.applications)
      if (decide(policy, { ...question, application }).allowed) open += 1;
    return open;
  };
  for (let at = 0; at < 20_000; at += 1) one(at);
  for (let at = 0; at < 200; at += 1) list(at);
  // One decision takes about the clock's resolution: fifty questions are one sample.
  const decisions = Array.from(
    { length: 2000 },
    (_, sample) =>
      (timed(() => {
        for (let at = 0; at < 50; at += 1) one(sample * 50 + at * 31);
      }) *
        1000) /
      50,
  );
  const listings = Array.from({ length: 2000 }, (_, sample) => timed(() => list(sample * 13)));
  tell(
    `decision ${median(decisions).toFixed(2)} µs, listing of 300 ${median(listings).toFixed(3)} ms`,
  );
  return {
    decisionUs: median(decisions),
    detail: {
      p50_us: round(median(decisions), 3),
      p99_us: round(quantile(decisions, 0.99), 3),
      rules: 500,
      applications: 300,
      people: 10_000,
      sites: 27,
    },
    listingDetail: {
      decisions_p50_ms: round(median(listings), 3),
    },
  };
}

// ---- over HTTP ------------------------------------------------------------------------------

/** Inserts people, classes and rules of the world into a seeded city: the world's ids are kept,
 * schools are assigned in order. */
function furnish(world: RulesWorld) {
  return async (
    rows: Rows,
    siteIds: readonly string[],
    applicationIds: ReadonlyMap<string, string>,
  ): Promise<void> => {
    const site = (id: string) => siteIds[Number(id.slice(4))] ?? siteIds[0] ?? '';
    const application = (id: string) => applicationIds.get(`app-${Number(id.slice(4))}`) ?? '';
    const inChunks = async <T>(items: readonly T[], write: (some: T[]) => Promise<unknown>) => {
      for (let at = 0; at < items.length; at += 500) await write(items.slice(at, at + 500));
    };
    await inChunks([0, 1, 2, 3], (some) =>
      rows
        .insertInto('site_groups')
        .values(some.map((at) => ({ id: idOf('sgr', at), name: `Groupe ${at}`, created_at: 1 })))
        .execute(),
    );
    await inChunks(siteIds, (some) =>
      rows
        .insertInto('site_group_members')
        .values(
          some.map((site_id) => ({ group_id: idOf('sgr', siteIds.indexOf(site_id) % 4), site_id })),
        )
        .execute(),
    );
    await inChunks(world.people, (some) =>
      rows
        .insertInto('accounts')
        .values(
          some.map((person) => ({
            id: person.id,
            login: `p${Number(person.id.slice(4))}`,
            display_name: `Personne ${Number(person.id.slice(4))}`,
            role: person.role,
            site_id: site(person.siteId ?? ''),
            password_hash: null,
            created_at: 1,
            external_id: null,
            number: null,
            mail: null,
            attributes: JSON.stringify(person.attributes),
            disabled_at: null,
            site_ids: null,
          })),
        )
        .execute(),
    );
    await inChunks(world.classes, (some) =>
      rows
        .insertInto('groups')
        .values(
          some.map((each) => ({
            id: each.id,
            kind: 'class',
            name: each.id,
            site_id: site(each.siteId),
            external_id: null,
          })),
        )
        .execute(),
    );
    await inChunks(
      world.classes.flatMap((each) =>
        each.members.map((account_id) => ({ group_id: each.id, account_id })),
      ),
      (some) => rows.insertInto('group_members').values(some).execute(),
    );
    for (const rule of world.rules) {
      await insertRuleVersion(rows, {
        id: rule.id,
        version: 1,
        by: { id: null, name: 'mesure' },
        now: 1,
        draft: {
          ...plainRule,
          effect: rule.effect,
          audience: rule.audience,
          client: rule.client,
          when: rule.when,
          how: rule.effect === 'deny' ? null : rule.how,
          target:
            rule.target.kind === 'application'
              ? { kind: 'application', applicationId: application(rule.target.applicationId) }
              : rule.target,
          place:
            rule.place.kind === 'site'
              ? { kind: 'site', siteId: site(rule.place.siteId) }
              : rule.place,
        },
      });
    }
  };
}

async function rate(
  url: string,
  cookie: string,
  seconds: number,
): Promise<{ perSecond: number; p99: number; errors: number }> {
  const result = await autocannon({ url, connections: 20, duration: seconds, headers: { cookie } });
  return {
    perSecond: result.requests.average,
    p99: result.latency.p99,
    errors: result.errors + result.non2xx,
  };
}

/** One listing after the other on one connection, in ms: what one person waits, without a queue.
 * Uncompressed, because the bare route compresses nothing, and to unpack takes this client as long
 * as the call. */
async function waits(url: string, cookie: string, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const began = performance.now();
    const headers = { cookie, 'accept-encoding': 'identity' };
    await (await fetch(url, { headers })).arrayBuffer();
    found.push(performance.now() - began);
  }
  return found;
}

/** The p95 of a listing beside that of a bare route in the same seconds. */
async function compareListing(url: string, bareUrl: string, cookie: string) {
  await waits(url, cookie, 200);
  await waits(bareUrl, cookie, 200);
  const pairs: { ours: number; theirs: number }[] = [];
  for (let pair = 0; pair < 9; pair += 1)
    pairs.push({
      theirs: quantile(await waits(bareUrl, cookie, 400), 0.95),
      ours: quantile(await waits(url, cookie, 400), 0.95),
    });
  return {
    ratio: median(pairs.map(({ ours, theirs }) => ours / theirs)),
    detail: {
      p95_ms: round(median(pairs.map(({ ours }) => ours)), 3),
      bare_p95_ms: round(median(pairs.map(({ theirs }) => theirs)), 3),
    },
  };
}

async function measurePortal(tell: (text: string) => void) {
  const world = rulesWorld({
    sites: 27,
    applications: 300,
    people: 10_000,
    rules: 500,
    withHours: true,
  });
  const city = await startFleetCity({
    folder: join(tmpdir(), 'preau-bench-rules'),
    sites: 27,
    servers: 27,
    slugs: world.applications.map(({ slug }) => slug),
    processes: 1,
    furnish: furnish(world),
  });
  try {
    const token = newToken();
    await insertSignIn(city.rows, {
      tokenHash: sha256(token),
      accountId: idOf('acc', 1),
      now: Date.now(),
      expiresAt: Date.now() + 3_600_000,
    });
    const cookie = `preau_sign_in=${token}`;
    const url = `${city.url}/api/portal`;
    const body = await (await fetch(url, { headers: { cookie } })).text();
    const items = (JSON.parse(body) as { items: unknown[] }).items.length;
    if (items === 0) throw new Error('the portal is empty');
    const bare = startTalking(
      'dev/bench/bare-fastify.ts',
      join(tmpdir(), 'preau-bench-rules', 'bare.log'),
    );
    try {
      const bareUrl = String(await bare.ask({ body }));
      if ((await (await fetch(bareUrl)).text()) !== body) throw new Error('not the same bytes');
      await rate(url, cookie, 2);
      await rate(bareUrl, cookie, 2);
      const pairs: {
        ours: Awaited<ReturnType<typeof rate>>;
        theirs: Awaited<ReturnType<typeof rate>>;
      }[] = [];
      for (let pair = 0; pair < 3; pair += 1)
        pairs.push({ theirs: await rate(bareUrl, cookie, 4), ours: await rate(url, cookie, 4) });
      const ratio = median(pairs.map(({ ours, theirs }) => ours.perSecond / theirs.perSecond));
      const [ours, theirs] = [
        median(pairs.map((pair) => pair.ours.perSecond)),
        median(pairs.map((pair) => pair.theirs.perSecond)),
      ];
      const listing = await compareListing(url, bareUrl, cookie);
      tell(
        `portal ${ours.toFixed(0)}/s beside ${theirs.toFixed(0)}/s, ` +
          `p95 of a listing ${listing.ratio.toFixed(2)} times the bare route's`,
      );
      return {
        ratio,
        listing,
        detail: {
          ours_per_s: round(ours, 0),
          bare_per_s: round(theirs, 0),
          bytes: Buffer.byteLength(body),
          applications: items,
          errors: pairs.reduce((sum, pair) => sum + pair.ours.errors + pair.theirs.errors, 0),
        },
      };
    } finally {
      await bare.end();
    }
  } finally {
    await city.stop();
  }
}

// ---- to the schools -------------------------------------------------------------------------

async function measurePush(servers: number, tell: (text: string) => void) {
  const folder = join(tmpdir(), 'preau-bench-push');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const world = rulesWorld({
    sites: servers,
    applications: 300,
    people: 1000,
    rules: 500,
    withHours: true,
  });
  const city = await startFleetCity({
    folder,
    sites: servers,
    servers,
    slugs: world.applications.map(({ slug }) => slug),
    processes: servers > 100 ? 4 : 1,
    furnish: furnish(world),
  });
  try {
    await city.runSeeded();
    await settled(city);
    const rounds: number[][] = [];
    const saved: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const started = Date.now();
      const applicationId = city.applicationIds.get('app-1') ?? '';
      await city.technician.call('createRule', {
        body: {
          ...plainRule,
          effect: round % 2 === 0 ? 'deny' : 'allow',
          target: { kind: 'application', applicationId },
          audience: { kind: 'role', role: 'pupil' },
        },
      });
      saved.push(Date.now() - started);
      const wanted = Object.fromEntries(
        (await city.rows.selectFrom('servers').select(['id', 'policy_generation']).execute()).map(
          (row) => [row.id, row.policy_generation],
        ),
      );
      let times = new Map<string, number>();
      await until(
        'every server',
        async () => {
          await pause(100);
          times = await city.obeyed(wanted);
          return times.size === servers;
        },
        120_000,
      );
      rounds.push([...times.values()].map((at) => (at - started) / 1000));
      await settled(city);
    }
    const p99 = median(rounds.map((seconds) => quantile(seconds, 0.99)));
    tell(
      `rule saved → ${servers} servers: p50 ` +
        `${median(rounds.map((seconds) => median(seconds))).toFixed(2)} s, p99 ` +
        `${p99.toFixed(2)} s`,
    );
    return {
      p99,
      detail: {
        servers,
        p50_s: round(median(rounds.map((seconds) => median(seconds))), 3),
        p99_s: rounds.map((seconds) => round(quantile(seconds, 0.99), 3)),
        saved_ms: saved,
        rounds: rounds.length,
        rules: 500,
      },
    };
  } finally {
    await city.stop();
  }
}
