/** A technician who acts at random: plans, starts, pauses, cancels, rolls back, brakes and retires
 * at any time, and cleans up in the end. */
import { type CancelKind, cancelKinds } from '@preau/contract/order.ts';
import type { Brake } from '@preau/contract/rollout.ts';
import type { RolloutDraft, WaveSpec } from '@preau/contract/rollout-draft.ts';
import { isFinal, isRolloutOver } from '@preau/contract/rollout-states.ts';
import type { Actor } from '../../controller/src/platform/actor.ts';
import { createRollout } from '../../controller/src/rollouts/plan/create.ts';
import { startRollout } from '../../controller/src/rollouts/plan/start.ts';
import { setBrake } from '../../controller/src/rollouts/settings.ts';
import {
  cancelRollout,
  finishRollout,
  pauseRollout,
  resumeRollout,
  retryRollout,
  rollBackRollout,
} from '../../controller/src/rollouts/steer.ts';
import { drainServers } from '../../controller/src/servers/change-server.ts';
import { retireServer } from '../../controller/src/servers/enrolment/enrol.ts';
import type { Deps } from './controllers.ts';
import type { Network } from './network.ts';
import type { World } from './world.ts';

const technician = {
  kind: 'account',
  id: 'acc_0000000000000000000001',
  name: 'Technicienne',
  role: 'administrator',
  siteId: null,
  siteIds: null,
  signIn: '',
  token: null,
} satisfies Actor;

export class Technician {
  readonly #world: World;
  readonly #network: Network;
  /** The install window of today, on some days. */
  readonly #windows: RolloutDraft['windows'];

  constructor(world: World, network: Network, windows: RolloutDraft['windows']) {
    this.#world = world;
    this.#network = network;
    this.#windows = windows;
  }

  async #does(what: string, work: (deps: Deps) => Promise<void>): Promise<void> {
    const controller = this.#network.anyController();
    if (controller === undefined || controller.isFrozen()) return;
    this.#world.note(`technician: ${what}`);
    await controller.act(what, work, (outcome) => {
      if ('refused' in outcome) this.#world.note(`   refused: ${outcome.refused.code}`);
    });
  }

  /** `versionId` null: remove it everywhere. */
  begins(applicationIds: readonly string[], wholeCity: boolean): Promise<void> {
    const { chance, tables } = this.#world;
    const items = applicationIds.map((applicationId) => {
      const { versionId } = chance.pick(
        tables.versions.filter((version) => version.applicationId === applicationId),
      );
      return chance.under(0.15)
        ? ({ applicationId, want: 'absent' } as const)
        : ({ applicationId, versionId, want: 'present' } as const);
    });
    const gate = (): WaveSpec['gate'] =>
      chance.pick<WaveSpec['gate']>(['auto', 'auto', 'auto', 'manual', { afterMinutes: 2 }]);
    const waves: WaveSpec[] = [
      ...(chance.under(0.7)
        ? [{ size: { sites: 1 }, gate: gate(), soakMinutes: chance.pick([0, 0, 1]) }]
        : []),
      ...(chance.under(0.3) ? [{ size: { share: 0.5 }, gate: gate(), soakMinutes: 0 }] : []),
      { size: { rest: true }, gate: 'auto', soakMinutes: 0 },
    ];
    const draft: RolloutDraft = {
      name: 'Rentrée',
      items,
      where: {
        all: wholeCity,
        siteIds: wholeCity
          ? []
          : tables.sites.slice(0, chance.between(1, tables.sites.length)).map(({ id }) => id),
        groupIds: [],
        serverIds: [],
        labels: [],
      },
      waves,
      trip: {
        failedShare: chance.pick([null, 0.1, 0.34]),
        failedCount: chance.pick([null, 0, 1, 2]),
        timedOutShare: chance.pick([null, 0.2]),
        consecutiveFailures: chance.pick([null, 3]),
      },
      onTrip: chance.pick(['pause', 'pause', 'roll_back']),
      budget: {
        sitesAtOnce: chance.pick([null, 1, 2]),
        serversPerSite: chance.pick([null, 1, 1, 2]),
        kibibytesPerSecond: null,
      },
      windows: chance.under(0.5) ? this.#windows : { install: null, download: null },
      startAt: chance.under(0.1) ? this.#world.clock.now + 60_000 : null,
      timeoutMinutes: chance.between(3, 12),
      catchUpDays: 1,
    };
    return this.#does(
      `begins with ${items.map(({ applicationId, want }) => `${applicationId.slice(-1)} ${want}`).join()}`,
      async (deps) => {
        const id = await createRollout(deps, technician, draft);
        const plan = this.#world.tables.of.rollouts.get(id)?.plan;
        if (plan !== undefined)
          await startRollout(deps, technician, id, { planHash: plan.hash, force: true });
      },
    );
  }

  acts(): Promise<void> {
    const { chance, tables } = this.#world;
    const rollouts = [...tables.of.rollouts.values()];
    if (rollouts.length === 0) return Promise.resolve();
    const { id } = chance.pick(rollouts);
    const servers = [...tables.of.servers.values()].filter(({ retiredAt }) => retiredAt === null);
    const kind: CancelKind = chance.pick(cancelKinds);
    return chance.pick<() => Promise<void>>([
      () => this.#does('pauses', (deps) => pauseRollout(deps, technician, id)),
      () => this.#does('pauses', (deps) => pauseRollout(deps, technician, id)),
      () => this.#does('resumes', (deps) => resumeRollout(deps, technician, id)),
      () => this.#does('resumes', (deps) => resumeRollout(deps, technician, id)),
      () => this.#does('resumes', (deps) => resumeRollout(deps, technician, id)),
      () => this.#does(`cancels (${kind})`, (deps) => cancelRollout(deps, technician, id, kind)),
      () => this.#does('tries again', (deps) => retryRollout(deps, technician, id)),
      () => this.#does('tries again', (deps) => retryRollout(deps, technician, id)),
      () => this.#does('goes back', (deps) => rollBackRollout(deps, technician, id, null)),
      () => this.#does('brakes', (deps) => setBrake(deps, technician, true)),
      () => this.#does('lets go of the brake', (deps) => setBrake(deps, technician, false)),
      () => this.#does('lets go of the brake', (deps) => setBrake(deps, technician, false)),
      () => this.#does('waits for nobody', (deps) => finishRollout(deps, technician, id)),
      () =>
        servers.length < 3 || chance.under(0.7)
          ? Promise.resolve()
          : this.#does('retires a server', (deps) =>
              retireServer(deps, technician, chance.pick(servers).id),
            ),
      () =>
        this.#does('drains a server', (deps) =>
          drainServers(deps, technician, {
            serverIds: [chance.pick(servers).id],
            draining: chance.under(0.4),
          }),
        ),
    ])();
  }

  /** Brakes or pauses at the worst time: while an earlier decision is about to be written. */
  halts(): Promise<void> {
    const { chance, tables } = this.#world;
    const running = [...tables.of.rollouts.values()].filter(
      ({ state }) => state === 'running' || state === 'rolling_back',
    );
    if (running.length === 0) return Promise.resolve();
    if (chance.under(0.4)) return this.#does('brakes', (deps) => setBrake(deps, technician, true));
    return this.#does('pauses', (deps) => pauseRollout(deps, technician, chance.pick(running).id));
  }

  /** After the last fault: does everything that waits for a person. */
  async tidies(): Promise<void> {
    const { of } = this.#world.tables;
    if ((of.city.get('brake')?.body as Brake | undefined)?.on === true)
      await this.#does('lets go of the brake', (deps) => setBrake(deps, technician, false));
    const draining = [...of.servers.values()]
      .filter(({ retiredAt, drainingSince }) => retiredAt === null && drainingSince !== null)
      .map(({ id }) => id);
    if (draining.length > 0)
      await this.#does('ends draining', (deps) =>
        drainServers(deps, technician, { serverIds: draining, draining: false }),
      );
    for (const { id, state } of [...of.rollouts.values()])
      if (state === 'paused')
        await this.#does('resumes', (deps) => resumeRollout(deps, technician, id));
  }

  /** Whether every rollout is over, or waits only for servers that do not answer. */
  isDone(isSilent: (serverId: string) => boolean): boolean {
    const { of } = this.#world.tables;
    return [...of.rollouts.values()].every((rollout) => {
      if (isRolloutOver(rollout) || rollout.state === 'planned') return true;
      const open = [...of.targets.values()].filter(
        (target) => target.rolloutId === rollout.id && !isFinal(target.state),
      );
      const waits = open.filter(
        (target) =>
          isSilent(target.serverId) && (target.state === 'blocked' || target.state === 'queued'),
      );
      // A wave without a single success holds up the following ones.
      return (
        waits.length > 0 &&
        open.every(
          (target) =>
            waits.includes(target) ||
            of.waves.get(`${rollout.id} ${target.wave}`)?.state === 'pending',
        )
      );
    });
  }
}
