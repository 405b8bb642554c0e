/** `preau rollout`: makes a plan from what people name, and an exit code from a rollout's state. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Rollout } from '@preau/contract/rollout.ts';
import { defaultDraft, type RolloutDraft } from '@preau/contract/rollout-draft.ts';
import { isRolloutOver, type RolloutState } from '@preau/contract/rollout-states.ts';
import type { Call } from './call.ts';
import { type ExitCode, exitCodes, Unreachable, UsageError } from './outcome.ts';
import { gateFrom, listOf, type Where, wavesFrom, windowsFrom, wishesFrom } from './parse.ts';
import { type Printer, progressLine, stateLine } from './show.ts';

export interface PlanOptions {
  apps?: string;
  remove?: string;
  sites?: string;
  groups?: string;
  labels?: string;
  waves?: string;
  gate: string;
  windows?: string;
  name?: string;
  rollBack?: boolean;
}

/** Looks up everything that was named. Throws UsageError for an unknown name, because a typing
 * error must not make the rollout smaller. */
export async function draftFrom(call: Call, options: PlanOptions): Promise<RolloutDraft> {
  const wishes = [...wishesFrom(options.apps, 'present'), ...wishesFrom(options.remove, 'absent')];
  if (wishes.length === 0) throw new UsageError('nothingAsked');
  const gate = gateFrom(options.gate);
  const waves =
    options.waves === undefined
      ? defaultDraft.waves.map((wave) => ({ ...wave, gate }))
      : wavesFrom(options.waves, gate);
  const windows = options.windows === undefined ? null : windowsFrom(options.windows);
  const { items: catalogue } = await call('listApplications', {});
  const items: RolloutDraft['items'] = [];
  for (const { slug, version, want } of wishes) {
    const application = catalogue.find((one) => one.slug === slug);
    if (application === undefined) throw new UsageError('unknownApplication', { slug });
    if (version === null || version === application.version) {
      items.push({ applicationId: application.id, want });
      continue;
    }
    const known = (await call('listVersions', { params: { id: application.id } })).items.find(
      (one) => one.version === version && one.withdrawnAt === null,
    );
    if (known === undefined) throw new UsageError('unknownVersion', { slug, version });
    items.push({ applicationId: application.id, versionId: known.versionId, want });
  }
  const name =
    options.name ??
    wishes
      .map(
        ({ slug, version, want }) =>
          `${want === 'absent' ? '− ' : ''}${slug}${version === null ? '' : ` ${version}`}`,
      )
      .join(', ')
      .slice(0, 120);
  return {
    ...defaultDraft,
    name,
    items,
    where: await whereFrom(call, options),
    waves,
    onTrip: options.rollBack === true ? 'roll_back' : 'pause',
    windows: { install: windows, download: null },
  };
}

async function whereFrom(call: Call, options: PlanOptions): Promise<Where> {
  const named = listOf(options.sites);
  const groups = listOf(options.groups);
  const labels = listOf(options.labels);
  const all = named.includes('all') || (named.length === 0 && groups.length === 0);
  const where: Where = { all, siteIds: [], groupIds: [], serverIds: [], labels };
  if (all && named.length > 1)
    throw new UsageError('badChoice', { text: options.sites ?? '', choices: 'all | UAI,UAI' });
  if (!all && named.length > 0) {
    const { items: sites } = await call('listSites', {});
    where.siteIds = [
      ...new Set(
        named.map((text) => {
          const site = sites.find((one) => one.uai === text.toUpperCase() || one.name === text);
          if (site === undefined) throw new UsageError('unknownSite', { site: text });
          return site.id;
        }),
      ),
    ];
  }
  if (groups.length > 0) {
    const { items: known } = await call('listSiteGroups', {});
    where.groupIds = groups.map((text) => {
      const group = known.find((one) => one.name === text);
      if (group === undefined) throw new UsageError('unknownGroup', { group: text });
      return group.id;
    });
  }
  return where;
}

const askEveryMs = 300;

/** Waits until the schools' servers have answered, or have had their time; a refusal may have changed
 * the plan meanwhile. `tell` is called once if there is something to wait for. */
export async function answered(
  read: (id: string) => Promise<Rollout>,
  planned: Rollout,
  tell: () => void,
  wait: (ms: number) => Promise<unknown> = (ms) => pause(ms),
): Promise<Rollout> {
  let rollout = planned;
  if (rollout.asking !== null && rollout.asking.until !== null) tell();
  while (rollout.asking !== null && rollout.asking.until !== null) {
    await wait(askEveryMs);
    rollout = await read(planned.id);
  }
  return rollout;
}

/** Pure. Null: keep watching. */
export function exitCodeOf(
  rollout: { state: RolloutState; pauseReason: string | null },
  untilPause: boolean,
): ExitCode | null {
  if (rollout.state === 'completed') return exitCodes.done;
  if (isRolloutOver(rollout)) return exitCodes.failed;
  if (rollout.state === 'awaiting_approval') return exitCodes.needsApproval;
  return untilPause && rollout.state === 'paused' ? exitCodes.paused : null;
}

const lookEveryMs = 2_000;
/** Much longer than a restart of the controller takes. */
const patienceMs = 600_000;

/** Watches the rollout until it ends, even when the controller restarts. `json`: one object per
 * change. */
export async function watch(
  call: Call,
  printer: Printer,
  id: string,
  options: { json: boolean; untilPause: boolean; lost: string },
  clock = { now: () => performance.now(), wait: (ms: number) => pause(ms) },
): Promise<ExitCode> {
  const redraws = !options.json && printer.tty;
  const read = readPatiently(call, id, clock, () => printer.remark(options.lost));
  let said = '';
  for (;;) {
    const rollout = await read();
    if (rollout !== null) {
      const line = stateLine(rollout);
      const code = exitCodeOf(rollout, options.untilPause);
      if (redraws) printer.redraw(progressLine(rollout));
      else if (line !== said) printer.out(options.json ? changeOf(rollout) : line);
      said = line;
      if (code !== null) {
        if (redraws) printer.out(line);
        return code;
      }
    }
    await clock.wait(lookEveryMs);
  }
}

/** Returns null while the controller is unreachable; throws when that lasts too long. `lost` is
 * called once per outage. */
function readPatiently(
  call: Call,
  id: string,
  clock: { now: () => number },
  lost: () => void,
): () => Promise<Rollout | null> {
  let heardAt = clock.now();
  let isLost = false;
  return async () => {
    try {
      const rollout = await call('readRollout', { params: { id } });
      isLost = false;
      heardAt = clock.now();
      return rollout;
    } catch (error) {
      if (!(error instanceof Unreachable) || clock.now() - heardAt > patienceMs) throw error;
      if (!isLost) lost();
      isLost = true;
      return null;
    }
  };
}

/** A rollout's change as one line of JSON. */
function changeOf({ id, name, state, pauseReason, note, counts, waves, eta }: Rollout): string {
  return JSON.stringify({
    id,
    name,
    state,
    pauseReason,
    note,
    counts,
    waves: waves.map((wave) => ({ number: wave.number, state: wave.state, counts: wave.counts })),
    eta,
  });
}
