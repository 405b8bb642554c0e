/** Controller processes: they share the tables, and each may die or stand still between any two of
 * its transactions. */
import { AppError } from '@preau/contract/errors.ts';
import type { Platform } from '../../controller/src/platform/platform.ts';
import { Connection, type Moment } from './tables.ts';
import type { World } from './world.ts';

export type Deps = Platform;

class Died extends Error {}

export class Controller {
  readonly world: World;
  readonly name: string;
  alive = true;
  frozenUntil = 0;
  readonly #wake: (topics: readonly string[]) => void;
  #run = 0;
  /** Deaths and freezes do not spare a technician's click, but nobody retries it. */
  constructor(world: World, name: string, wake: (topics: readonly string[]) => void) {
    this.world = world;
    this.name = name;
    this.#wake = wake;
  }

  isFrozen(): boolean {
    return this.frozenUntil > this.world.clock.now;
  }

  /** Works until it is done, dies or stands still; then goes on by itself. `over` hears what came
   * of it: nothing when it died. */
  async act<T>(
    what: string,
    work: (deps: Deps) => Promise<T>,
    over: (outcome: { value: T } | { refused: AppError }) => void = () => undefined,
  ): Promise<void> {
    const { world } = this;
    const run = this.#run;
    const isDead = () => this.#run !== run;
    let standsStill: () => void = () => undefined;
    const nextStop = () =>
      new Promise<void>((resolve) => {
        standsStill = resolve;
      });
    let wrote = false;
    // Between reading and deciding, and carrying it out.
    const isLooking = what.startsWith('looking') || what === 'sweeping';
    const die = (
      fault:
        | 'controller_crash_between_read_and_write'
        | 'controller_crash_between_transactions'
        | 'controller_crash_in_a_transaction',
    ) => {
      world.count(fault);
      this.die(`${fault.replace('controller_crash_', '').replaceAll('_', ' ')}, ${what}`);
      throw new Died();
    };
    const pass = async (moment: Moment): Promise<void> => {
      if (isDead()) throw new Died();
      if (moment === 'after a transaction') wrote = true;
      if (world.befalls(0.002))
        die(
          moment === 'before a transaction' && !wrote
            ? 'controller_crash_between_read_and_write'
            : 'controller_crash_between_transactions',
        );
      const freezes = moment === 'before a transaction' && world.befalls(0.004);
      if (
        !freezes &&
        !world.befalls(
          moment === 'before a transaction' && isLooking ? (world.isSlow ? 0.6 : 0.15) : 0.03,
        )
      )
        return;
      const ms = freezes
        ? world.chance.between(2_000, 90_000)
        : world.chance.between(1, world.isSlow && isLooking ? 15_000 : 400);
      if (freezes) {
        world.count('controller_frozen');
        world.note(`${this.name} stands still for ${Math.round(ms / 1000)} s, ${what}`);
        this.frozenUntil = world.clock.now + ms;
      }
      connection.stoodStill = true;
      if (isLooking && moment === 'before a transaction') world.whileOneStandsStill(ms);
      await new Promise<void>((goOn) => {
        world.clock.after(ms, () => {
          const stop = nextStop();
          goOn();
          return Promise.race([done, stop]);
        });
        standsStill();
      });
      if (isDead()) throw new Died();
    };
    const connection = new Connection(world, pass, () => {
      if (isDead()) throw new Died();
      if (world.befalls(0.0004)) die('controller_crash_in_a_transaction');
    });
    const deps = {
      config: { PREAU_STANDBY_DISPLAYS: 0 },
      database: connection.asDatabase(),
      clock: { now: () => world.clock.now },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      secrets: {
        controllerKey: '',
        sign: () => 'signed',
        seal: (text: string) => text,
        unseal: (text: string) => text,
      },
      wakeups: {
        wake: (topics: readonly string[]) => (isDead() ? undefined : this.#wake(topics)),
        listen: () => () => undefined,
        next: () => Promise.resolve(),
      },
    } as unknown as Deps;
    const stop = nextStop();
    const done: Promise<void> = work(deps).then(
      (value) => {
        if (!isDead()) over({ value });
      },
      (error: unknown) => {
        if (error instanceof Died || isDead()) return;
        if (error instanceof AppError) over({ refused: error });
        else
          world.violate(
            'nothing breaks',
            `${what}: ${error instanceof Error ? error.stack : String(error)}`,
          );
      },
    );
    await Promise.race([done, stop]);
  }

  die(why: string): void {
    const { world } = this;
    this.alive = false;
    this.#run += 1;
    this.frozenUntil = 0;
    world.note(`${this.name} dies ${why}`);
    world.clock.after(world.chance.between(500, 20_000), () => {
      this.alive = true;
      world.note(`${this.name} is back`);
    });
  }
}
