/** A server as its agents find it: a disk, installed applications, installers that outlive the
 * agent that started them. */

import type { SignedState } from '@preau/contract/desired-state.ts';
import type { Applied, Installable } from '../../agent/src/drivers/driver.ts';
import type { OrderJournal } from '../../agent/src/reconcile/order-journal.ts';
import { pinOf, recipeMark } from '../../agent/src/reconcile/wanted.ts';
import type { World } from './world.ts';

export interface Disk {
  desired: SignedState | null;
  journals: Map<string, OrderJournal>;
  /** Journals that can no longer be read. */
  damaged: Set<string>;
  marks: Record<string, string>;
}
const emptyDisk = (): Disk => ({
  desired: null,
  journals: new Map(),
  damaged: new Set(),
  marks: {},
});

interface Installer {
  key: string;
  left: Installable[];
  results: Applied[];
  killed: boolean;
  /** Callbacks of live agents that wait for it. */
  ended: ((results: readonly Applied[]) => void)[];
  begins: (applicationId: string, state: 'installing' | 'failed') => void;
}

export type Manner = 'good' | 'fails' | 'installs_nothing' | 'never_ends';

export class Machine {
  readonly world: World;
  readonly id: string;
  readonly siteId: string;
  readonly name: string;
  disk = emptyDisk();
  online = true;
  isLeftToTechnician = false;
  /** Its clock minus the controller's. */
  skewMs = 0;
  /** Versions that always fail on this machine. */
  readonly broken = new Set<string>();
  readonly installed = new Map<string, { versionId: string; version: string }>();
  readonly #installers = new Map<string, Installer>();
  readonly #begun = new Map<string, number>();
  readonly #brought = new Map<string, number>();
  #newestObeyed = 0;

  constructor(world: World, id: string, siteId: string, name: string) {
    this.world = world;
    this.id = id;
    this.siteId = siteId;
    this.name = name;
  }

  /** The installed version, by the detection rule alone. */
  version(applicationId: string): string | null {
    return this.installed.get(applicationId)?.version ?? null;
  }

  isInstalling(): boolean {
    return this.#installers.size > 0;
  }

  /** Registers a callback; false when no installer of that key runs. */
  onEnd(key: string, ended: (results: readonly Applied[]) => void): boolean {
    const installer = this.#installers.get(key);
    installer?.ended.push(ended);
    return installer !== undefined;
  }

  install(
    key: string,
    applications: readonly Installable[],
    timeoutMs: number,
    tell: Pick<Installer, 'begins'> & { ended: (results: readonly Applied[]) => void },
  ): void {
    const other = [...this.#installers.keys()].find(
      (name) => name.startsWith('ord_') && key.startsWith('ord_'),
    );
    if (other !== undefined)
      this.world.violate('one installer at a time', `${this.name}: ${key} beside ${other}`);
    const installer: Installer = {
      key,
      left: [...applications],
      results: [],
      killed: false,
      ended: [tell.ended],
      begins: tell.begins,
    };
    this.#installers.set(key, installer);
    this.#next(installer, this.world.clock.now + timeoutMs);
  }

  kill(key?: string): void {
    for (const installer of [...this.#installers.values()]) {
      if (key !== undefined && installer.key !== key) continue;
      installer.killed = true;
      for (const { applicationId } of installer.left.splice(0))
        installer.results.push({ applicationId, code: 'INSTALL_FAILED', message: 'killed', ms: 0 });
      this.#finish(installer);
    }
  }

  /** Replaces the disk by an empty one. */
  reimage(): void {
    for (const installer of this.#installers.values()) installer.killed = true;
    this.#installers.clear();
    this.installed.clear();
    this.#brought.clear();
    this.#begun.clear();
    this.#newestObeyed = 0;
    this.disk = emptyDisk();
  }

  obeys(generation: number): void {
    if (generation < this.#newestObeyed)
      this.world.violate(
        'a generation never goes back',
        `${this.name}: ${generation} after ${this.#newestObeyed}`,
      );
    this.#newestObeyed = generation;
  }

  #next(installer: Installer, until: number): void {
    const application = installer.left[0];
    if (application === undefined) {
      this.#finish(installer);
      return;
    }
    const { world } = this;
    const { applicationId, versionId, want } = application;
    this.#mayBegin(installer.key, application);
    installer.begins(applicationId, 'installing');
    const manner = this.#manner(application);
    const ms =
      manner === 'never_ends' ? Number.POSITIVE_INFINITY : world.chance.between(4_000, 150_000);
    const inTime = world.clock.now + ms <= until;
    const end = inTime ? world.clock.now + ms : Math.max(until, world.clock.now);
    world.clock.at(end, () => {
      if (installer.killed || installer.left[0] !== application) return;
      installer.left.shift();
      if (!inTime) {
        world.note(`${this.name}: installing ${application.slug} took too long`);
        installer.results.push({
          applicationId,
          code: 'INSTALL_TIMED_OUT',
          message: 'stopped',
          ms: 0,
        });
      } else {
        if (manner === 'good') this.#takesEffect(installer.key, application);
        installer.results.push({
          applicationId,
          code: manner === 'fails' ? 'INSTALL_FAILED' : null,
          message: '',
          ms,
        });
        world.note(
          `${this.name}: ${want === 'absent' ? 'removing' : 'installing'} ${application.slug} ` +
            `${versionId.slice(-4)} ended: ${manner}`,
        );
      }
      this.#next(installer, until);
    });
  }

  #manner(application: Installable): Manner {
    const { world } = this;
    const { applicationId, versionId, version, want } = application;
    if (want === 'present' && this.broken.has(versionId)) {
      world.count('package_fails');
      return 'fails';
    }
    if (world.befalls(0.08)) {
      world.count('package_fails');
      return 'fails';
    }
    // With an older version that matches the same detection rule, the failure could not be
    // detected.
    const canBeTold =
      want === 'absent' ||
      !this.installed.has(applicationId) ||
      pinOf(application.recipes, version) !== null;
    if (canBeTold && world.befalls(0.05)) {
      world.count('package_installs_nothing');
      return 'installs_nothing';
    }
    if (world.befalls(0.03)) {
      world.count('package_never_ends');
      return 'never_ends';
    }
    return 'good';
  }

  #mayBegin(key: string, application: Installable): void {
    if (!key.startsWith('ord_')) return;
    const { applicationId, versionId, want, slug } = application;
    const name = `${key} ${applicationId} ${want}`;
    const times = (this.#begun.get(name) ?? 0) + 1;
    this.#begun.set(name, times);
    if (times > 1)
      this.world.violate(
        'one install per server, application, version and attempt',
        `${this.name}: ${slug} for the ${times}. time under ${key}`,
      );
    if (
      want === 'present' &&
      this.installed.get(applicationId)?.versionId === versionId &&
      this.disk.marks[applicationId] === recipeMark(application, 'linux')
    ) {
      this.world.violate(
        'what is there is not installed again',
        `${this.name}: ${slug} under ${key}`,
      );
    }
  }

  #takesEffect(key: string, { applicationId, versionId, version, want, slug }: Installable): void {
    if (want === 'absent') this.installed.delete(applicationId);
    else this.installed.set(applicationId, { versionId, version });
    const name = `${key} ${applicationId} ${want}`;
    const times = (this.#brought.get(name) ?? 0) + 1;
    this.#brought.set(name, times);
    if (key.startsWith('ord_') && times > 1)
      this.world.violate(
        'one effect per server, application and order',
        `${this.name}: ${slug} under ${key}`,
      );
  }

  #finish(installer: Installer): void {
    this.#installers.delete(installer.key);
    for (const ended of installer.ended) ended(installer.results);
  }
}
