/** SQLite under Kysely with two connections: writers take turns on one; the other reads committed
 * data without waiting. With a single connection, a server that reads its desired state would wait
 * behind a thousand reports. */
import SqliteDatabase from 'better-sqlite3';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteDialect,
} from 'kysely';

type Prepare = (text: string) => SqliteDatabase.Statement;

export function openSqlite(target: string): SqliteFile {
  const writer = new SqliteDatabase(target);
  // WAL with synchronous=FULL: acknowledged commits survive kill -9 and a power cut.
  writer.pragma('journal_mode = WAL');
  writer.pragma('synchronous = FULL');
  // Checkpoint every 32 MiB instead of every 4, because during a burst of a thousand reports each
  // checkpoint delayed every caller.
  writer.pragma('wal_autocheckpoint = 8192');
  // What is deleted is overwritten: an erased person's name must not stay in free pages.
  writer.pragma('secure_delete = ON');
  writer.pragma('foreign_keys = ON');
  writer.pragma('busy_timeout = 5000');
  // An in-memory database is visible only to its own connection.
  const reader = target === ':memory:' ? null : new SqliteDatabase(target, { readonly: true });
  reader?.pragma('busy_timeout = 5000');
  return new TwoConnections({ database: writer }, writer, reader);
}

/** The file, for what is about more than rows. */
export interface SqliteFile extends SqliteDialect {
  /** Null in memory. */
  path: string | null;
  /** Runs work that needs the file's write lock on a connection of its own; writers wait for their
   * turn meanwhile, readers do not. */
  whileNobodyWrites: <T>(work: () => Promise<T>) => Promise<T>;
  /** Moves the log of changes into the file and empties it, so that nothing of what was deleted
   * stays there. */
  emptyLog: () => Promise<void>;
}

class TwoConnections extends SqliteDialect implements SqliteFile {
  readonly #writer: SqliteDatabase.Database;
  readonly #reader: SqliteDatabase.Database | null;
  readonly #turns = createTurns();
  constructor(
    config: ConstructorParameters<typeof SqliteDialect>[0],
    writer: SqliteDatabase.Database,
    reader: SqliteDatabase.Database | null,
  ) {
    super(config);
    this.#writer = writer;
    this.#reader = reader;
  }
  get path(): string | null {
    return this.#reader === null ? null : this.#writer.name;
  }
  async whileNobodyWrites<T>(work: () => Promise<T>): Promise<T> {
    await this.#turns.take();
    try {
      return await work();
    } finally {
      this.#turns.give();
    }
  }
  emptyLog(): Promise<void> {
    return this.whileNobodyWrites(async () => {
      this.#writer.pragma('wal_checkpoint(TRUNCATE)');
    });
  }
  override createDriver(): Driver {
    const [writer, reader] = [this.#writer, this.#reader];
    const turns = this.#turns;
    const prepareToWrite = preparedOnce(writer);
    const prepareToRead = reader === null ? null : preparedOnce(reader);
    const send = (connection: DatabaseConnection, word: string) =>
      connection.executeQuery(CompiledQuery.raw(word));
    const over = (connection: DatabaseConnection) => {
      (connection as Connection).inTransaction = false;
      turns.give();
    };
    return {
      init: async () => undefined,
      acquireConnection: async () => new Connection(turns, prepareToWrite, prepareToRead),
      beginTransaction: async (connection) => {
        await turns.take();
        (connection as Connection).inTransaction = true;
        await send(connection, 'begin').catch((error: unknown) => {
          over(connection);
          throw error;
        });
      },
      // A transaction that fails to commit is rolled back; waiting callers continue only after
      // that.
      commitTransaction: async (connection) => {
        await send(connection, 'commit');
        over(connection);
      },
      rollbackTransaction: (connection) =>
        send(connection, 'rollback')
          .then(() => undefined)
          .finally(() => over(connection)),
      releaseConnection: async () => undefined,
      destroy: async () => {
        reader?.close();
        writer.close();
      },
    };
  }
  override createAdapter(): SqliteAdapter {
    return new OwnTurns();
  }
}
/** Replaces Kysely's own lock, which wakes every waiting caller each time it is released: behind a
 * thousand reports, each caller is woken a thousand times. */
class OwnTurns extends SqliteAdapter {
  /** An interrupted migration leaves nothing behind. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

const mayRead = /^\s*(select|with)\b/i;

class Connection implements DatabaseConnection {
  inTransaction = false;
  readonly #turns: Turns;
  readonly #prepareToWrite: Prepare;
  readonly #prepareToRead: Prepare | null;
  constructor(turns: Turns, prepareToWrite: Prepare, prepareToRead: Prepare | null) {
    this.#turns = turns;
    this.#prepareToWrite = prepareToWrite;
    this.#prepareToRead = prepareToRead;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    if (this.inTransaction) return run<R>(this.#prepareToWrite(sql), parameters);
    // Only statements that may be read-only are prepared on the reader, because it notices schema
    // changes when it executes and not when it prepares.
    const statement = mayRead.test(sql) ? this.#prepareToRead?.(sql) : undefined;
    if (statement?.readonly === true) return run<R>(statement, parameters);
    await this.#turns.take();
    try {
      return run<R>(this.#prepareToWrite(sql), parameters);
    } finally {
      this.#turns.give();
    }
  }

  // biome-ignore lint/correctness/useYield: nothing here reads row by row.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('SQLite is not read row by row');
  }
}

function run<R>(
  statement: SqliteDatabase.Statement,
  parameters: readonly unknown[],
): QueryResult<R> {
  if (statement.reader) return { rows: statement.all(parameters) as R[] };
  const { changes, lastInsertRowid } = statement.run(parameters);
  return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
}

interface Turns {
  take: () => Promise<void>;
  give: () => void;
}
function createTurns(): Turns {
  const waiting: (() => void)[] = [];
  let taken = false;
  return {
    take: async () => {
      if (taken) await new Promise<void>((resolve) => waiting.push(resolve));
      taken = true;
    },
    give: () => {
      // The turn passes directly to the next caller, so that nobody can jump the queue.
      const next = waiting.shift();
      if (next === undefined) taken = false;
      else next();
    },
  };
}

/** Caches prepared statements by text, because preparing costs as much as executing. Nothing
 * iterates over a statement here, so a cached one is never busy; SQLite prepares it again by itself
 * after a schema change. */
function preparedOnce(sqlite: SqliteDatabase.Database): Prepare {
  const prepared = new Map<string, SqliteDatabase.Statement>();
  return (text) => {
    const known = prepared.get(text);
    if (known !== undefined) return known;
    const statement = sqlite.prepare(text);
    // Lists of different lengths give different texts, so the cache is bounded: the oldest entry is
    // dropped.
    if (prepared.size >= 500) prepared.delete(prepared.keys().next().value ?? '');
    prepared.set(text, statement);
    return statement;
  };
}
