/** Exports a rollout as CSV for a spreadsheet. */
import type { Actor } from '#src/platform/actor.ts';
import { toCsv } from '#src/platform/csv.ts';
import type { Platform } from '#src/platform/platform.ts';
import { mustFind } from '../../find.ts';
import { selectTargetPage } from './store.ts';

type Deps = Pick<Platform, 'database'>;

/** One line per server and application. Cells that a spreadsheet would read as a formula are
 * escaped. */
export async function exportRollout(deps: Deps, actor: Actor, id: string): Promise<Buffer> {
  const rollout = await mustFind(deps.database, actor, id);
  const names = new Map(
    rollout.plan.applications.map((planned) => [planned.applicationId, planned]),
  );
  const lines = [
    [
      'école',
      'serveur',
      'vague',
      'état',
      'motif',
      'application',
      'version',
      'résultat',
      'code',
      'message',
      'durée (s)',
      'fini le',
    ],
  ];
  for (const target of await selectTargetPage(deps.database, {
    rolloutId: id,
    after: null,
    limit: 100_000,
    states: null,
    wave: null,
    search: null,
  })) {
    const head = [
      target.siteName,
      target.serverName,
      String(target.wave),
      target.state,
      target.reason ?? '',
    ];
    const end = target.finishedAt === null ? '' : new Date(target.finishedAt).toISOString();
    if (target.items.length === 0)
      lines.push([...head, '', '', '', target.code ?? '', target.message ?? '', '', end]);
    for (const item of target.items)
      lines.push([
        ...head,
        names.get(item.applicationId)?.slug ?? item.applicationId,
        item.version ?? names.get(item.applicationId)?.version ?? '',
        item.state,
        item.code ?? '',
        item.message,
        item.ms === null ? '' : String(Math.round(item.ms / 1000)),
        end,
      ]);
  }
  return Buffer.from(toCsv(lines, { lineEnd: '\r\n' }));
}
