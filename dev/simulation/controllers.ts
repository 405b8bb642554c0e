/** Controller processes: they share the tables, and each may die or freeze between any two of its
 * transactions. */
import { AppError } from '@preau/contract/errors.ts';
import type { Platform } from '../../controller/src/platform/platform.ts';
import { Connection, type Moment } from './tables.ts';
import type { World } from './world.ts';

export type Deps = Platform;

class Died extends Error {}

type Crash =
  | 'controller_crash_between_read_and_write'
  | 'controller_crash_between_transactions'
  | 'controller_crash_in_a_transaction';

export class Controller {
  readonly world: World;
  readonly name: string;
  alive = true;
  frozenUntil = 0;
  /** Increases when the process dies: work begun before is dead too. */
  life = 0;
  readonly wake: (topics: readonly string[]) => void;

  /** Deaths and freezes do not spare a technician's click, but nobody retries it. */
  constructor(world: World, name: string, wake: (topics: readonly string[]) => void) {
    this.world = world;
    this.name = name;
    this.wake = wake;
  }

  isFrozen(): boolean {
    return this.frozenUntil > this.world.clock.now;
  }

  /** Returns once the work is done, dies or freezes; frozen work resumes by itself. `over` is
   * called with the outcome, but not when the process died. */
  async act<T>(
    what: string,
    work: (deps: Deps) => Promise<T>,
    over: (outcome: { value: T } | { refused: AppError }) => void = () => undefined,
  ): Promise<void> {
    const run = new Run(this, what);
    await run.start((deps) =>
      work(deps).then(
        (value) => {
          if (!run.isDead()) over({ value });
        },
        (error: unknown) => {
          if (error instanceof Died || run.isDead()) return;
          if (error instanceof AppError) over({ refused: error });
          else
            this.world.violate(
              'nothing breaks',
              `${what}: ${error instanceof Error ? error.stack : String(error)}`,
            );
        },
      ),
    );
  }

  die(why: string): void {
    const { world } = this;
    this.alive = false;
    this.life += 1;
    this.frozenUntil = 0;
    world.note(`${this.name} dies ${why}`);
    world.clock.after(world.chance.between(500, 20_000), () => {
      this.alive = true;
      world.note(`${this.name} is back`);
    });
  }
}

/** One task of a controller. */
class Run {
  readonly #controller: Controller;
  readonly #what: string;
  readonly #life: number;
  /** Evaluations meet more faults between reading, deciding and writing. */
  readonly #isEvaluation: boolean;
  readonly #connection: Connection;
  #done: Promise<void> = Promise.resolve();
  #standsStill: () => void = () => undefined;
  #wrote = false;

  constructor(controller: Controller, what: string) {
    const { world } = controller;
    this.#controller = controller;
    this.#what = what;
    this.#life = controller.life;
    this.#isEvaluation = what.startsWith('evaluating') || what === 'sweeping';
    this.#connection = new Connection(
      world,
      (moment) => this.#pass(moment),
      () => {
        this.#mustLive();
        if (world.befalls(0.0004)) this.#die('controller_crash_in_a_transaction');
      },
    );
  }

  isDead(): boolean {
    return this.#controller.life !== this.#life;
  }

  /** Resolves when the work is done or frozen. */
  async start(work: (deps: Deps) => Promise<void>): Promise<void> {
    const stop = this.#nextStop();
    this.#done = work(this.#deps());
    await Promise.race([this.#done, stop]);
  }

  #mustLive(): void {
    if (this.isDead()) throw new Died();
  }

  #nextStop(): Promise<void> {
    return new Promise<void>((resolve) => {
      this.#standsStill = resolve;
    });
  }

  #die(fault: Crash): never {
    this.#controller.world.count(fault);
    this.#controller.die(
      `${fault.replace('controller_crash_', '').replaceAll('_', ' ')}, ${this.#what}`,
    );
    throw new Died();
  }

  async #pass(moment: Moment): Promise<void> {
    const { world } = this.#controller;
    const isBefore = moment === 'before a transaction';
    this.#mustLive();
    if (moment === 'after a transaction') this.#wrote = true;
    if (world.befalls(0.002))
      this.#die(
        isBefore && !this.#wrote
          ? 'controller_crash_between_read_and_write'
          : 'controller_crash_between_transactions',
      );
    const freezes = isBefore && world.befalls(0.004);
    if (!freezes && !world.befalls(this.#shareOfPauses(isBefore))) return;
    const ms = freezes
      ? world.chance.between(2_000, 90_000)
      : world.chance.between(1, world.isSlow && this.#isEvaluation ? 15_000 : 400);
    if (freezes) this.#freeze(ms);
    this.#connection.stoodStill = true;
    if (this.#isEvaluation && isBefore) world.whileOneStandsStill(ms);
    await this.#wait(ms);
    this.#mustLive();
  }

  #shareOfPauses(isBefore: boolean): number {
    if (!isBefore || !this.#isEvaluation) return 0.03;
    return this.#controller.world.isSlow ? 0.6 : 0.15;
  }

  #freeze(ms: number): void {
    const { world, name } = this.#controller;
    world.count('controller_frozen');
    world.note(`${name} stands still for ${Math.round(ms / 1000)} s, ${this.#what}`);
    this.#controller.frozenUntil = world.clock.now + ms;
  }

  /** Freezes this run: its caller goes on without it, and the clock resumes it. */
  #wait(ms: number): Promise<void> {
    return new Promise<void>((goOn) => {
      this.#controller.world.clock.after(ms, () => {
        const stop = this.#nextStop();
        goOn();
        return Promise.race([this.#done, stop]);
      });
      this.#standsStill();
    });
  }

  #deps(): Deps {
    const { world } = this.#controller;
    return {
      config: { PREAU_STANDBY_DISPLAYS: 0 },
      database: this.#connection.asDatabase(),
      clock: { now: () => world.clock.now },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      secrets: {
        controllerKey: '',
        sign: () => 'signed',
        seal: (text: string) => text,
        unseal: (text: string) => text,
      },
      wakeups: {
        wake: (topics: readonly string[]) =>
          this.isDead() ? undefined : this.#controller.wake(topics),
        listen: () => () => undefined,
        next: () => Promise.resolve(),
      },
    } as unknown as Deps;
  }
}
