/** SQLite under Kysely with two connections: one writes, whoever waits for it gets it in turn; the
 * other reads what is committed, and waits for nobody. With one for both, a school that asks what
 * it should be would wait behind a thousand reports. */
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

export function openSqlite(target: string): SqliteDialect {
  const writer = new SqliteDatabase(target);
  // WAL with synchronous=FULL: what was acknowledged survives kill -9 and a power cut.
  writer.pragma('journal_mode = WAL');
  writer.pragma('synchronous = FULL');
  // The log is copied into the database every 32 MiB, not every 4: in the rush of a thousand
  // reports each copy held everybody up.
  writer.pragma('wal_autocheckpoint = 8192');
  writer.pragma('foreign_keys = ON');
  writer.pragma('busy_timeout = 5000');
  // A database in memory belongs to its one connection.
  const reader = target === ':memory:' ? null : new SqliteDatabase(target, { readonly: true });
  reader?.pragma('busy_timeout = 5000');
  return new TwoConnections({ database: writer }, writer, reader);
}

class TwoConnections extends SqliteDialect {
  readonly #writer: SqliteDatabase.Database;
  readonly #reader: SqliteDatabase.Database | null;
  constructor(
    config: ConstructorParameters<typeof SqliteDialect>[0],
    writer: SqliteDatabase.Database,
    reader: SqliteDatabase.Database | null,
  ) {
    super(config);
    this.#writer = writer;
    this.#reader = reader;
  }
  override createDriver(): Driver {
    const [writer, reader] = [this.#writer, this.#reader];
    const turns = createTurns();
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
      // One that could not be committed is rolled back: whoever waits, waits until then.
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
/** Kysely's own lock wakes everyone who waits each time it is free: behind a thousand reports, each
 * of them is woken a thousand times. */
class OwnTurns extends SqliteAdapter {
  /** A migration that is broken off leaves nothing. */
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
    // Only what may be a question is prepared there: the reader learns of tables that changed when
    // it asks, not when it prepares.
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
      // Handed over, not let go: nobody comes in between.
      const next = waiting.shift();
      if (next === undefined) taken = false;
      else next();
    },
  };
}

/** Preparing costs as much as running: the same text is prepared once. Nothing here iterates over a
 * statement, so none is ever busy when it is asked for again; SQLite itself prepares anew after the
 * tables changed. */
function preparedOnce(sqlite: SqliteDatabase.Database): Prepare {
  const prepared = new Map<string, SqliteDatabase.Statement>();
  return (text) => {
    const known = prepared.get(text);
    if (known !== undefined) return known;
    const statement = sqlite.prepare(text);
    // Lists of different lengths are different texts: the oldest goes.
    if (prepared.size >= 500) prepared.delete(prepared.keys().next().value ?? '');
    prepared.set(text, statement);
    return statement;
  };
}
