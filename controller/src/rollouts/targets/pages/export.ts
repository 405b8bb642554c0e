/** Exports a rollout as CSV for a spreadsheet. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { Target } from '@preau/contract/rollout.ts';
import type { Actor } from '#src/platform/actor.ts';
import { toCsv } from '#src/platform/csv.ts';
import type { Platform } from '#src/platform/platform.ts';
import { mustFind } from '../../find.ts';
import { selectTargetPage } from './store.ts';

type Deps = Pick<Platform, 'database'>;

const head = [
  ...['école', 'serveur', 'vague', 'état', 'motif', 'application', 'version', 'résultat'],
  ...['code', 'message', 'durée (s)', 'fini le'],
];

/** One line per server and application. Cells that a spreadsheet would read as a formula are
 * escaped. */
export async function exportRollout(
  deps: Deps,
  actor: Actor,
  id: string,
  targetsAtOnce = 1000,
): Promise<Buffer> {
  const rollout = await mustFind(deps.database, actor, id);
  const planned = new Map(rollout.plan.applications.map((one) => [one.applicationId, one]));
  const lines: string[][] = [];
  for (let after: { site: string; server: string } | null = null, isLast = false; !isLast; ) {
    const page: Target[] = await selectTargetPage(deps.database, {
      rolloutId: id,
      after,
      limit: targetsAtOnce,
      states: null,
      wave: null,
      search: null,
    });
    for (const target of page) lines.push(...linesOf(target, planned));
    const last = page.at(-1);
    isLast = last === undefined || page.length < targetsAtOnce;
    if (last !== undefined) after = { site: last.siteName, server: last.serverId };
    await breathe();
  }
  return Buffer.from(await toCsv(head, lines, '\r\n'));
}

function linesOf(
  target: Target,
  planned: ReadonlyMap<string, { slug: string; version: string }>,
): string[][] {
  const start = [
    target.siteName,
    target.serverName,
    String(target.wave),
    target.state,
    target.reason ?? '',
  ];
  const end = target.finishedAt === null ? '' : new Date(target.finishedAt).toISOString();
  if (target.items.length === 0)
    return [[...start, '', '', '', target.code ?? '', target.message ?? '', '', end]];
  return target.items.map((item) => [
    ...start,
    planned.get(item.applicationId)?.slug ?? item.applicationId,
    item.version ?? planned.get(item.applicationId)?.version ?? '',
    item.state,
    item.code ?? '',
    item.message,
    item.ms === null ? '' : String(Math.round(item.ms / 1000)),
    end,
  ]);
}
