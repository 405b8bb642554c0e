/** State shared by a simulated city: randomness, time, tables, faults and the log of recent
 * events. */
import type { IdKind } from '@preau/contract/ids.ts';
import type { Chance } from './chance.ts';
import type { Clockwork } from './clockwork.ts';
import type { Tables } from './tables.ts';

export const faultNames = [
  'controller_crash_between_read_and_write',
  'controller_crash_between_transactions',
  'controller_crash_in_a_transaction',
  'controller_frozen',
  'controller_fenced_out',
  'change_made_in_between',
  'wake_lost',
  'redis_lost',
  'report_lost',
  'reply_lost',
  'report_duplicated',
  'report_late',
  'reports_reordered',
  'agent_crash_before_journal',
  'agent_crash_after_journal',
  'agent_crash_while_downloading',
  'agent_crash_while_installing',
  'agent_crash_before_report',
  'order_poisoned',
  'agent_stopped',
  'journal_damaged',
  'installer_killed',
  'server_offline',
  'all_servers_offline',
  'server_reimaged',
  'package_fails',
  'package_installs_nothing',
  'package_never_ends',
  'download_fails',
  'clock_skewed',
  'taken_for_a_twin',
] as const;
export type FaultName = (typeof faultNames)[number];

/** Guards that keep a fault from doing harm. Each is removed in turn to prove that it is needed:
 * the simulation's tables, disks and machines then behave as if it did not exist; the product's
 * code is the same. */
export const guardNames = [
  'fencing',
  'compare_and_set',
  'journal',
  'order_id',
  'detection',
  'serial',
] as const;
export type GuardName = (typeof guardNames)[number];

export interface Broken {
  invariant: string;
  detail: string;
  atMs: number;
}

export class World {
  readonly chance: Chance;
  readonly clock: Clockwork;
  readonly tables: Tables;
  readonly without: GuardName | null;
  readonly faults = new Map<FaultName, number>();
  /** Random faults happen only while this is true. */
  troubled = true;
  broken: Broken | null = null;
  events = 0;
  /** Servers whose reports are refused because late ones looked like those of a second machine with
   * the same identity. */
  readonly twins = new Set<string>();
  /** Called while a controller is frozen between reading and writing, with the duration. */
  whileOneStandsStill: (ms: number) => void = () => undefined;
  readonly #kept: number;
  /** A slow database and a lossy Redis: much time passes between reading and writing, and most
   * wake-ups of controllers are lost. */
  readonly isSlow: boolean;
  readonly #trail: string[] = [];
  #ids = 0;

  constructor(
    chance: Chance,
    clock: Clockwork,
    tables: Tables,
    without: GuardName | null,
    kept: number,
  ) {
    this.chance = chance;
    this.clock = clock;
    this.tables = tables;
    this.without = without;
    this.#kept = kept;
    this.isSlow = chance.under(0.2);
  }

  /** Counts only faults that really happened. */
  count(fault: FaultName): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
  }

  /** Whether the fault happens now. */
  befalls(share: number): boolean {
    return this.troubled && this.chance.under(share);
  }

  note(text: string): void {
    this.#trail.push(
      `${((this.clock.now - this.clock.begin) / 1000).toFixed(3).padStart(10)}  ${text}`,
    );
    if (this.#trail.length > this.#kept) this.#trail.shift();
  }

  /** Records only the first violation. */
  violate(invariant: string, detail: string): void {
    if (this.broken !== null) return;
    this.note(`BROKEN ${invariant}: ${detail}`);
    this.broken = { invariant, detail, atMs: this.clock.now - this.clock.begin };
  }

  trail(): string[] {
    return [...this.#trail];
  }

  newId(kind: IdKind): string {
    this.#ids += 1;
    return `${kind}_${String(this.#ids).padStart(22, '0')}`;
  }
}
