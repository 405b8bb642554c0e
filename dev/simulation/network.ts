/** Delivers messages between agents and controllers, and wake-ups to both: late, twice, out of
 * order, or not at all. */

import type { Reply } from '@preau/contract/api.ts';
import type { SignedState } from '@preau/contract/desired-state.ts';
import type { Report } from '@preau/contract/report.ts';
import type { AgentActor } from '../../controller/src/platform/actor.ts';
import { acceptReport } from '../../controller/src/reports/accept-report.ts';
import { evaluateRollout } from '../../controller/src/rollouts/run/evaluate.ts';
import { readDesiredState } from '../../controller/src/servers/desired/desired-state.ts';

import type { Agent } from './agent.ts';
import type { Controller, Deps } from './controllers.ts';
import type { Machine } from './machine.ts';
import type { World } from './world.ts';

const givenUpAfterMs = 10_000;

interface Ears<T> {
  answer: (value: T) => void;
  failed: () => void;
}

export class Network {
  readonly world: World;
  readonly controllers: Controller[] = [];
  readonly agents = new Map<string, Agent>();
  redisIsAway = false;
  /** Called for every answer that reached its agent. */
  acknowledged: (machine: Machine, report: Report) => void = () => undefined;
  readonly #evaluating = new Set<string>();
  readonly #arrived = new Map<string, number>();

  constructor(world: World) {
    this.world = world;
  }

  /** A random live controller; the balancer cannot see frozen ones. */
  anyController(): Controller | undefined {
    const living = this.controllers.filter(({ alive }) => alive);
    return living.length === 0 ? undefined : this.world.chance.pick(living);
  }

  wake(topics: readonly string[]): void {
    const { world } = this;
    for (const topic of topics) {
      if (topic.startsWith('agent:'))
        this.#unlessLost(
          () => this.agents.get(topic.slice('agent:'.length))?.again({ fetch: true, report: true }),
          topic.slice('agent:'.length),
        );
      if (!topic.startsWith('rollout:')) continue;
      const rolloutId = topic.slice('rollout:'.length);
      for (const controller of this.controllers) {
        // Several wake-ups lead to one evaluation.
        const name = `${controller.name} ${rolloutId}`;
        if (this.#evaluating.has(name)) continue;
        this.#evaluating.add(name);
        world.clock.after(world.chance.between(60, 200), () => {
          this.#evaluating.delete(name);
          if (
            world.befalls(world.isSlow ? 0.7 : 0.05) ||
            (this.redisIsAway && world.chance.under(0.7))
          )
            return world.count('wake_lost');
          return this.evaluate(controller, rolloutId);
        });
      }
    }
  }

  #unlessLost(wake: () => void, serverId: string): void {
    const { world } = this;
    const online = this.agents.get(serverId)?.machine.online === true;
    if (!online || this.redisIsAway || world.befalls(0.1)) world.count('wake_lost');
    else world.clock.after(world.chance.between(2, world.befalls(0.05) ? 20_000 : 200), wake);
  }

  async evaluate(controller: Controller, rolloutId: string): Promise<void> {
    if (!controller.alive || controller.isFrozen()) return;
    await controller.act(
      `evaluating ${rolloutId.slice(-3)}`,
      (deps) => evaluateRollout(deps, rolloutId),
      (outcome) => {
        if ('refused' in outcome)
          this.world.violate('nothing breaks', `evaluating: ${outcome.refused.code}`);
      },
    );
  }

  report(machine: Machine, report: Report, ears: Ears<Reply<'sendReport'>>): void {
    const { world } = this;
    const times = world.befalls(0.04) ? 2 : 1;
    if (times === 2) world.count('report_duplicated');
    this.#ask(
      machine,
      'report',
      times,
      (deps) => {
        const newest = this.#arrived.get(report.epoch) ?? 0;
        if (report.seq < newest) world.count('reports_reordered');
        this.#arrived.set(report.epoch, Math.max(newest, report.seq));
        return acceptReport(deps, this.#actor(machine), report);
      },
      {
        answer: (reply) => {
          this.acknowledged(machine, report);
          ears.answer(reply);
        },
        failed: ears.failed,
      },
    );
  }

  fetch(machine: Machine, ears: Ears<SignedState | null>): void {
    this.#ask(machine, 'fetch', 1, (deps) => readDesiredState(deps, this.#actor(machine)), ears);
  }

  readonly #actor = (machine: Machine): AgentActor => ({
    kind: 'agent',
    id: machine.id,
    name: machine.name,
    siteId: machine.siteId,
  });

  #ask<T>(
    machine: Machine,
    what: string,
    times: number,
    work: (deps: Deps) => Promise<T>,
    ears: Ears<T>,
  ): void {
    const { world } = this;
    let open = true;
    const close = (end: () => void) => {
      if (!open) return;
      open = false;
      end();
    };
    world.clock.after(givenUpAfterMs, () => close(ears.failed));
    if (!machine.online) return;
    for (let time = 0; time < times; time += 1) {
      if (world.befalls(0.04)) {
        world.count('report_lost');
        continue;
      }
      const isLate = world.befalls(0.03);
      if (isLate) world.count('report_late');
      const controller = this.anyController();
      const arrive = (): void | Promise<void> => {
        if (controller === undefined || !controller.alive) return;
        // A frozen process reads its messages when it resumes.
        if (controller.isFrozen()) return world.clock.at(controller.frozenUntil, arrive);
        return controller.act(`${what} of ${machine.name}`, work, (outcome) => {
          if (!machine.online || world.befalls(0.04)) return world.count('reply_lost');
          world.clock.after(world.chance.between(2, 150), () =>
            close(() => ('value' in outcome ? ears.answer(outcome.value) : ears.failed())),
          );
        });
      };
      world.clock.after(
        isLate ? world.chance.between(5_000, 60_000) : world.chance.between(2, 300),
        arrive,
      );
    }
  }
}
