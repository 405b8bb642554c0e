/** The controller's tables in memory: atomic transactions that run one after the other, as on
 * SQLite. Rows are replaced, never changed in place. A process holds a `Connection`; between any
 * two of its transactions it may freeze or die. */
import type { PlanEntry } from '@preau/contract/rollout-plan.ts';
import type { Database, Rows } from '../../controller/src/platform/database.ts';
import type { StoredRollout } from '../../controller/src/rollouts/store.ts';
import type { StoredTarget } from '../../controller/src/rollouts/targets/store.ts';
import type { StoredWave } from '../../controller/src/rollouts/waves/store.ts';
import type { ServerRow } from '../../controller/src/servers/store.ts';
import type { World } from './world.ts';

export interface Shapes {
  rollouts: StoredRollout & { entries: PlanEntry[] };
  waves: StoredWave & { rolloutId: string };
  targets: StoredTarget & { code: string | null; badge: string | null; offeredAt: number | null };
  counts: { rolloutId: string; wave: number; state: string; n: number };
  servers: ServerRow & { retiredAt: number | null; appliedGeneration: number };
  wishes: {
    serverId: string;
    applicationId: string;
    versionId: string;
    wanted: boolean;
    state: string;
    version: string | null;
    error: string | null;
    askedAt: number;
  };
  desired: { serverId: string; generation: number; document: string; signature: string };
  city: { name: string; body: object };
}
export type TableName = keyof Shapes;
export interface RowChange<K extends TableName = TableName> {
  table: K;
  key: string;
  before: Shapes[K] | undefined;
  after: Shapes[K] | undefined;
}

export interface CatalogueVersion {
  applicationId: string;
  versionId: string;
  slug: string;
  version: string;
  recipes: object;
}

export class Tables {
  readonly of: { readonly [K in TableName]: Map<string, Shapes[K]> } = {
    rollouts: new Map(),
    waves: new Map(),
    targets: new Map(),
    counts: new Map(),
    servers: new Map(),
    wishes: new Map(),
    desired: new Map(),
    city: new Map(),
  };
  readonly sites: { id: string; name: string }[] = [];
  readonly versions: CatalogueVersion[] = [];
  #open: RowChange[] | null = null;
  /** Called after every commit. */
  committed: (changes: readonly RowChange[], by: Connection) => void = () => undefined;

  put<K extends TableName>(
    by: Connection,
    table: K,
    key: string,
    after: Shapes[K] | undefined,
  ): void {
    const before = this.of[table].get(key);
    this.#write({ table, key, before: undefined, after });
    const change = { table, key, before, after } as RowChange;
    if (this.#open === null) this.committed([change], by);
    else this.#open.push(change);
  }

  async whole<T>(by: Connection, work: () => Promise<T>): Promise<T> {
    if (this.#open !== null) throw new Error('two transactions at once');
    const changes: RowChange[] = [];
    this.#open = changes;
    try {
      const result = await work();
      this.#open = null;
      if (changes.length > 0) this.committed(changes, by);
      return result;
    } catch (error) {
      this.#open = null;
      for (const { table, key, before } of changes.reverse())
        this.#write({ table, key, before: undefined, after: before });
      throw error;
    }
  }

  #write({ table, key, after }: RowChange): void {
    const rows: Map<string, unknown> = this.of[table];
    if (after === undefined) rows.delete(key);
    else rows.set(key, after);
  }
}

export type Moment = 'before a transaction' | 'inside a transaction' | 'after a transaction';

/** The database connection of one task of a controller process. */
export class Connection {
  readonly world: World;
  readonly tables: Tables;
  /** The fence number of the evaluation in progress. */
  fence: number | null = null;
  stoodStill = false;
  readonly #pass: (moment: Moment) => Promise<void>;
  readonly #mayDie: () => void;

  constructor(world: World, pass: (moment: Moment) => Promise<void>, mayDie: () => void) {
    this.world = world;
    this.tables = world.tables;
    this.#pass = pass;
    this.#mayDie = mayDie;
  }

  transaction() {
    return {
      execute: async <T>(work: (rows: Rows) => Promise<T>): Promise<T> => {
        await this.#pass('before a transaction');
        const result = await this.tables.whole(this, () => work(this.asRows()));
        await this.#pass('after a transaction');
        return result;
      },
    };
  }

  /** Not SQLite: statements are not batched. */
  getExecutor() {
    return { adapter: {} };
  }

  put<K extends TableName>(table: K, key: string, row: Shapes[K] | undefined): void {
    this.#mayDie();
    this.tables.put(this, table, key, row);
  }

  asDatabase(): Database {
    return this as unknown as Database;
  }

  asRows(): Rows {
    return this as unknown as Rows;
  }
}

export const connectionOf = (rows: Rows): Connection => rows as unknown as Connection;
