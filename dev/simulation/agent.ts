/** Successive runs of an agent on one machine: the product's own decisions about orders and
 * applications, a journal on the machine's disk, and possible death between any two steps. */

import type {
  DesiredApplication,
  DesiredState,
  SignedState,
} from '@preau/contract/desired-state.ts';
import { PROTOCOL } from '@preau/contract/protocol.ts';
import type { Report, ReportedApplication } from '@preau/contract/report.ts';
import { defaultTerms } from '@preau/contract/rule.ts';
import { acceptState } from '../../agent/src/accept-state.ts';
import type { Installable } from '../../agent/src/drivers/driver.ts';
import {
  heldApplications,
  pass as passOrders,
  tellOrders,
} from '../../agent/src/reconcile/order-book.ts';
import type { OrderJournal } from '../../agent/src/reconcile/order-journal.ts';
import {
  type Effect,
  hasEnded,
  type OrderEvent,
  type Transition,
} from '../../agent/src/reconcile/order-transition.ts';
import { step } from '../../agent/src/reconcile/orders.ts';
import { type ActualApplication, plan } from '../../agent/src/reconcile/plan.ts';
import { type Found, isAsWanted, recipeMark } from '../../agent/src/reconcile/wanted.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { World } from './world.ts';

const reportEveryMs = 20_000;
const health = {
  cpu: 0,
  cores: 1,
  memoryUsedMiB: 0,
  memoryTotalMiB: 1,
  diskFreeMiB: 0,
  sessions: 0,
  displaysReady: 0,
  uptimeSeconds: 0,
};

interface Known extends ActualApplication {
  reported: ReportedApplication;
}

export class Agent {
  readonly world: World;
  readonly machine: Machine;
  readonly #network: Network;
  alive = false;
  /** Increases with each death: results awaited by an older run are ignored. */
  #run = 0;
  #runs = 0;
  #epoch = '';
  #seq = 0;
  #desired: DesiredState | null = null;
  #book = new Map<string, OrderJournal>();
  #untold = new Set<string>();
  readonly #working = new Map<string, { aborted: boolean; kind: Effect['kind'] }>();
  #applications = new Map<string, Known>();
  #changing = false;
  #talking = false;
  #wantsFetch = false;
  #wantsReport = false;
  #passAsked = false;
  #lastReportAt = 0;
  #skewKnown = false;

  constructor(world: World, machine: Machine, network: Network) {
    this.world = world;
    this.machine = machine;
    this.#network = network;
  }

  get #now(): number {
    // From its first answer on it goes by the city's time.
    const skewMs = this.#skewKnown ? 0 : this.machine.skewMs;
    return Math.max(0, this.world.clock.now + skewMs);
  }

  start(): void {
    const { world, machine } = this;
    this.alive = true;
    this.#runs += 1;
    this.#epoch = `${machine.id.slice(-8)}${String(this.#runs).padStart(14, '0')}`;
    this.#seq = 0;
    this.#skewKnown = false;
    world.note(`${machine.name}: agent begins, run ${this.#runs}`);
    if (machine.disk.desired !== null) this.#obey(machine.disk.desired, 0);
    this.#book = new Map(machine.disk.journals);
    for (const orderId of machine.disk.damaged) this.#book.delete(orderId);
    for (const orderId of [...this.#book.keys()]) this.#tell(orderId, { kind: 'restarted' });
    if (!this.alive) return;
    this.#beat(this.#run);
    this.again({ fetch: true, report: true });
  }

  /** A crash without notice. Installers go on, unless they die with it. */
  die(why: string): void {
    if (!this.alive) return;
    const { world, machine } = this;
    this.alive = false;
    this.#run += 1;
    world.note(`${machine.name}: agent dies (${why})`);
    for (const { kind } of this.#working.values()) {
      if (kind === 'stage') world.count('agent_crash_while_downloading');
      if (kind === 'apply' || kind === 'attach') world.count('agent_crash_while_installing');
    }
    if (
      [...this.#untold].some(
        (orderId) => machine.disk.journals.get(orderId)?.report.state === 'succeeded',
      )
    )
      world.count('agent_crash_before_report');
    if (machine.isInstalling() && world.befalls(0.25)) {
      world.count('installer_killed');
      machine.kill();
    }
    if (world.befalls(0.06)) {
      for (const [orderId, journal] of machine.disk.journals) {
        if (hasEnded(journal)) continue;
        world.count('journal_damaged');
        machine.disk.damaged.add(orderId);
      }
    }
    if (world.without === 'journal') machine.disk.journals.clear();
    this.#forget();
    world.clock.after(world.chance.between(500, 40_000), () => {
      if (!this.alive) this.start();
    });
  }

  /** An orderly stop, as for an update: its orders are notified first. */
  stop(): void {
    if (!this.alive) return;
    this.world.count('agent_stopped');
    for (const orderId of [...this.#book.keys()]) this.#tell(orderId, { kind: 'stopping' });
    this.die('stopped');
  }

  #forget(): void {
    this.#desired = null;
    this.#book = new Map();
    this.#untold = new Set();
    this.#working.clear();
    this.#applications = new Map();
    this.#changing = false;
    this.#talking = false;
    this.#passAsked = false;
  }

  /** Runs the task only if this run is still alive then. */
  #later(ms: number, task: () => void): void {
    const run = this.#run;
    this.world.clock.after(ms, () => {
      if (this.#run === run && this.alive) task();
    });
  }

  #beat(run: number): void {
    this.#later(reportEveryMs, () => {
      this.again({ report: true });
      this.#beat(run);
    });
  }

  again(ask: { fetch?: boolean; report?: boolean } = {}): void {
    this.#wantsFetch ||= ask.fetch === true;
    this.#wantsReport ||= ask.report === true;
    if (this.#passAsked || !this.alive) return;
    this.#passAsked = true;
    this.#later(this.world.chance.between(1, 40), () => {
      this.#passAsked = false;
      this.#pass();
    });
  }

  #pass(): void {
    if (this.#desired !== null) {
      const free = !this.#changing && this.#working.size === 0;
      const lost = this.machine.disk.damaged;
      const book =
        this.world.without === 'order_id'
          ? new Map([...this.#book].filter(([, journal]) => !hasEnded(journal)))
          : this.#book;
      const facts = {
        free,
        knowsTime: this.#skewKnown,
        refuses: () => null,
      };
      for (const next of passOrders(book, this.#desired.orders, lost, facts, this.#now)) {
        lost.delete(next.journal.report.orderId);
        this.#take(next);
        if (!this.alive) return;
      }
      const actual = {
        applications: this.#applications,
        sessions: new Map(),
        displays: { ready: 0, preparing: 0, retryAt: null },
        packagesBusy: this.#changing || this.#atWork(),
        held: heldApplications(this.#book, this.#desired.orders),
      };
      for (const next of plan(this.#desired, actual, this.#now, () => ({
        allowed: true,
        terms: defaultTerms,
      }))) {
        if (next.kind === 'install_application') this.#change(next.application, 'present');
        if (next.kind === 'remove_application') this.#change(next.application, 'absent');
      }
    }
    this.#talk();
  }

  #atWork(): boolean {
    return this.#working.size > 0 || [...this.#book.values()].some(({ doing }) => doing !== null);
  }

  // ---- orders -------------------------------------------------------------------------------

  #tell(orderId: string, event: OrderEvent): void {
    const next = step(this.#book.get(orderId) ?? null, event, this.#now);
    if (next !== null) this.#take(next);
  }

  #take({ journal, effects }: Transition): void {
    const { orderId, seq, state, code } = journal.report;
    const past = this.#book.get(orderId);
    this.#book.set(orderId, journal);
    if (past?.report.state !== state)
      this.world.note(
        `${this.machine.name}: order ${orderId.slice(4, 10)} ` +
          `${past?.report.state ?? 'arrives'} → ${state}${code === null ? '' : ` ${code}`}`,
      );
    if (hasEnded(journal)) {
      this.#untold.add(orderId);
      if (code === 'ORDER_POISONED') {
        this.world.count('order_poisoned');
        // What it left running or half done is for a technician to repair.
        this.machine.kill(orderId);
        this.machine.isLeftToTechnician = true;
      }
    }
    for (const effect of effects) {
      if (
        effect.kind === 'save' &&
        this.#diesHere('agent_crash_before_journal', 'before its journal')
      )
        return;
      this.#carryOut(orderId, effect);
      if (
        effect.kind === 'save' &&
        this.#diesHere('agent_crash_after_journal', 'after its journal')
      )
        return;
    }
    if (past?.report.seq !== seq) this.again({ report: true });
  }

  #diesHere(
    fault: 'agent_crash_before_journal' | 'agent_crash_after_journal',
    why: string,
  ): boolean {
    if (!this.world.befalls(0.015)) return false;
    this.world.count(fault);
    this.die(why);
    return true;
  }

  #carryOut(orderId: string, effect: Effect): void {
    const { machine, world } = this;
    switch (effect.kind) {
      case 'save': {
        const journal = this.#book.get(orderId);
        if (journal !== undefined) machine.disk.journals.set(orderId, journal);
        return;
      }
      case 'remember':
        this.#remember(effect.applications);
        return;
      case 'abort': {
        const work = this.#working.get(orderId);
        if (work === undefined) return;
        work.aborted = true;
        if (work.kind === 'apply') machine.kill(orderId);
        return;
      }
      case 'discard':
        return;
      case 'detect':
        this.#begin(orderId, 'detect');
        this.#later(world.chance.between(20, 700), () => {
          const found: Record<string, Found> = {};
          for (const application of effect.applications)
            found[application.applicationId] = this.#find(application, effect.purpose);
          this.#answer(orderId, { kind: 'looked', run: effect.run, found });
        });
        return;
      case 'stage':
        this.#stage(orderId, effect);
        return;
      case 'apply':
        this.#begin(orderId, 'apply');
        machine.install(orderId, effect.applications, effect.timeoutMs, {
          begins: this.#ifAlive((applicationId: string, state: 'installing' | 'failed') =>
            this.#tell(orderId, { kind: 'item', run: effect.run, applicationId, state }),
          ),
          ended: this.#ifAlive((results) =>
            this.#answer(orderId, { kind: 'applied', run: effect.run, results, log: '' }),
          ),
        });
        return;
      case 'attach': {
        this.#begin(orderId, 'attach');
        const gone = this.#ifAlive(() =>
          this.#answer(orderId, { kind: 'installer_gone', run: effect.run, log: '' }),
        );
        if (!machine.onEnd(orderId, gone)) this.#later(10, gone);
      }
    }
  }

  #ifAlive<A extends unknown[]>(task: (...args: A) => void): (...args: A) => void {
    const run = this.#run;
    return (...args) => {
      if (this.#run === run && this.alive) task(...args);
    };
  }

  #begin(orderId: string, kind: Effect['kind']): { aborted: boolean } {
    const work = { aborted: false, kind };
    this.#working.set(orderId, work);
    return work;
  }

  #answer(orderId: string, event: OrderEvent): void {
    this.#working.delete(orderId);
    this.#tell(orderId, event);
    this.again();
  }

  #stage(orderId: string, { run, applications }: Extract<Effect, { kind: 'stage' }>): void {
    const { world } = this;
    const work = this.#begin(orderId, 'stage');
    const parts = world.chance.between(1, 5);
    const fails = world.befalls(0.06);
    const slug = applications[0]?.slug ?? '';
    const fetch = (done: number) =>
      this.#later(world.chance.between(500, 9_000), () => {
        if (work.aborted || (fails && done === parts - 1)) {
          if (!work.aborted) world.count('download_fails');
          return this.#answer(orderId, {
            kind: 'stage_failed',
            run,
            slug,
            code: 'DOWNLOAD_FAILED',
            message: '',
          });
        }
        if (done === parts) return this.#answer(orderId, { kind: 'staged', run });
        this.#tell(orderId, {
          kind: 'progress',
          run,
          done: done * 1000,
          total: parts * 1000,
          wan: done * 1000,
        });
        fetch(done + 1);
      });
    fetch(0);
  }

  // ---- applications -------------------------------------------------------------------------

  #find(application: Installable, purpose: 'before' | 'after'): Found {
    const version = this.machine.version(application.applicationId);
    if (purpose === 'before' && this.world.without === 'detection')
      return { version: null, asWanted: application.want === 'absent' && version === null };
    return {
      version,
      asWanted: isAsWanted(
        application,
        version,
        'linux',
        purpose === 'before' ? this.machine.disk.marks[application.applicationId] : undefined,
      ),
    };
  }

  #remember(applications: readonly Installable[]): void {
    const { disk } = this.machine;
    disk.marks = { ...disk.marks };
    for (const application of applications) {
      if (application.want === 'present')
        disk.marks[application.applicationId] = recipeMark(application, 'linux');
      else delete disk.marks[application.applicationId];
      const known = this.#applications.get(application.applicationId);
      if (known !== undefined) known.state = 'unknown';
    }
  }

  /** Applications wanted on this server alone, as in agent/src/applications.ts. */
  #change(application: DesiredApplication, want: Installable['want']): void {
    const { machine, world } = this;
    const { applicationId, versionId, askedAt } = application;
    const installable: Installable = { ...application, want };
    const key = `want-${application.slug}`;
    const note = (
      state: ActualApplication['state'],
      reported: ReportedApplication['state'],
      version: string | null,
      retryAt: number | null,
    ) => {
      this.#applications.set(applicationId, {
        versionId,
        state,
        askedAt,
        retryAt,
        reported: {
          applicationId,
          state: reported,
          version,
          error: reported === 'failed' ? { code: 'NOT_DETECTED', message: '' } : null,
          iconHash: null,
        },
      });
      this.#changing = false;
      this.again({ report: true });
    };
    const conclude = (found: Found) => {
      if (!found.asWanted) return note('failed', 'failed', null, this.#now + 30_000);
      this.#remember([installable]);
      if (want === 'present') note('installed', 'installed', found.version, null);
      else note('absent', 'removed', null, null);
    };
    this.#changing = true;
    this.#later(world.chance.between(20, 500), () => {
      const found = this.#find(installable, 'before');
      if (found.asWanted) return conclude(found);
      const bring = this.#ifAlive(() =>
        machine.install(key, [installable], 30 * 60_000, {
          begins: () => undefined,
          ended: this.#ifAlive(([result]) =>
            result !== undefined && result.code !== null
              ? note('failed', 'failed', null, this.#now + 30_000)
              : conclude(this.#find(installable, 'after')),
          ),
        }),
      );
      if (!machine.onEnd(key, bring)) bring();
    });
  }

  // ---- the controller -----------------------------------------------------------------------

  #obey(signed: SignedState, newestGeneration: number): boolean {
    const verdict = acceptState(
      { serverId: this.machine.id, newestGeneration, verify: () => true, knownPolicy: null },
      signed,
    );
    if ('refused' in verdict) {
      if (verdict.refused !== 'STATE_OLDER')
        this.world.violate('a desired state is accepted', verdict.why);
      return false;
    }
    this.machine.obeys(verdict.accepted.generation);
    this.machine.disk.desired = signed;
    this.#desired = verdict.accepted;
    return true;
  }

  #talk(): void {
    if (this.#talking || !(this.#wantsFetch || this.#wantsReport)) return;
    this.#talking = true;
    const over = (again: { fetch?: boolean; report?: boolean }, inMs: number) => {
      this.#talking = false;
      this.#wantsFetch ||= again.fetch === true;
      this.#wantsReport ||= again.report === true;
      this.#later(inMs, () => this.again());
    };
    if (this.#wantsFetch) {
      this.#wantsFetch = false;
      this.#network.fetch(this.machine, {
        answer: this.#ifAlive((signed) => {
          this.#skewKnown = true;
          if (signed !== null) this.#obey(signed, this.#desired?.generation ?? 0);
          over({}, 0);
        }),
        failed: this.#ifAlive(() => over({}, 2_000)),
      });
      return;
    }
    this.#wantsReport = false;
    const report = this.#report();
    this.#network.report(this.machine, report, {
      answer: this.#ifAlive((reply) => {
        this.#skewKnown = true;
        this.#lastReportAt = this.world.clock.now;
        for (const { orderId, seq } of report.orders) {
          if (this.#book.get(orderId)?.report.seq === seq) this.#untold.delete(orderId);
        }
        over({ fetch: reply.generation > (this.#desired?.generation ?? 0) }, 0);
      }),
      failed: this.#ifAlive(() => over({ report: true }, 2_000)),
    });
  }

  #report(): Report {
    const desired = this.#desired;
    const idle = desired !== null && !this.#atWork() && !this.#changing;
    this.#seq += 1;
    return {
      protocol: PROTOCOL,
      epoch: this.#epoch,
      seq: this.#seq,
      generation: idle ? desired.generation : Math.max((desired?.generation ?? 1) - 1, 0),
      health,
      inventory: {
        hostname: this.machine.name,
        system: 'Debian',
        kernel: '6',
        agentVersion: '1',
        platform: 'linux',
        packages: 0,
        chosen: [],
        cache: null,
      },
      applications: [...this.#applications.values()].map(({ reported }) => reported),
      sessions: [],
      failedSteps: [],
      orders: tellOrders(this.#book, desired?.orders ?? [], this.#untold),
      transfers: [],
    };
  }

  /** Whether it has applied what it has received and nothing is in progress. */
  isSettled(): boolean {
    return this.alive && !this.#changing && !this.#atWork() && this.#untold.size === 0;
  }

  get generation(): number {
    return this.#desired?.generation ?? 0;
  }

  get silentSince(): number {
    return this.#lastReportAt;
  }
}
