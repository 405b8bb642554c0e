/** SQLite under Kysely with two connections: writers take turns on one; the other reads committed
 * data without waiting. With a single connection, a server that reads its desired state would wait
 * behind a thousand reports. */
import { statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteDialect,
} from 'kysely';
import { budget } from './budget.ts';

type Prepare = (text: string) => SqliteDatabase.Statement;

/** How long SQLite itself may wait for a lock. It waits on the thread that serves everybody, so only
 * opening may take a moment; afterwards `whenFree` waits instead. */
const busyWhileOpeningMs = 1000;
/** How often the file is compared with the one that was opened. */
const checkEveryMs = 20;
/** How often a file that failed is opened again. */
const reopenEveryMs = 200;

export function openSqlite(target: string): SqliteFile {
  const file = new OpenedFile(target);
  // Opened now, so that a file that cannot be opened prevents the start.
  return new TwoConnections({ database: file.now().writer }, file);
}

/** Copies a database as it is at one moment, while others use it. On this thread: only for a process
 * of its own, or while nobody is served. */
export async function copySqlite(path: string, copy: string): Promise<void> {
  const source = new SqliteDatabase(path, { readonly: true, fileMustExist: true });
  try {
    // In one step: with several, each write of others would make it begin again.
    await source.backup(copy, { progress: () => 0x7fff_ffff });
  } finally {
    source.close();
  }
}

interface Opened {
  writer: SqliteDatabase.Database;
  reader: SqliteDatabase.Database | null;
  prepareToWrite: Prepare;
  prepareToRead: Prepare | null;
  /** The file's number in its file system; null in memory. */
  inode: number | null;
}

/** The two connections to a file. They are opened again when the file has been replaced or could
 * not be read, so that a repaired file serves without a restart. */
class OpenedFile {
  readonly #target: string;
  #opened: Opened;
  #suspect = false;
  #checkedAt = 0;
  #openedAt = performance.now();
  constructor(target: string) {
    this.#target = target;
    this.#opened = open(target);
  }

  /** Throws what opening throws, and an Error of the code SQLITE_CANTOPEN when the file is gone. */
  now(): Opened {
    const { inode, writer } = this.#opened;
    if (inode === null || writer.inTransaction) return this.#opened;
    const at = performance.now();
    if (at - this.#checkedAt < checkEveryMs) return this.#opened;
    // Without this check, commits would go to a deleted file, and be lost.
    const found = inodeOf(this.#target);
    if (found === null)
      throw Object.assign(new Error('the database file is gone'), { code: 'SQLITE_CANTOPEN' });
    const isSame = found === inode && (!this.#suspect || at - this.#openedAt < reopenEveryMs);
    if (!isSame) this.#openAgain(at);
    this.#checkedAt = at;
    return this.#opened;
  }

  #openAgain(at: number): void {
    const fresh = open(this.#target);
    this.close();
    this.#opened = fresh;
    this.#openedAt = at;
    this.#suspect = false;
  }

  /** Null in memory. */
  get path(): string | null {
    return this.#opened.inode === null ? null : this.#target;
  }

  isInTransaction(): boolean {
    return this.#opened.writer.inTransaction;
  }

  /** After these errors the connection may keep pages that are no longer those of the file. */
  noteFailure(error: unknown): void {
    if (/^SQLITE_(IOERR|CORRUPT|NOTADB|CANTOPEN|READONLY)/.test(sqliteCodeOf(error)))
      this.#suspect = true;
  }

  close(): void {
    this.#opened.reader?.close();
    this.#opened.writer.close();
  }
}

const inodeOf = (path: string): number | null =>
  statSync(path, { throwIfNoEntry: false })?.ino ?? null;

function open(target: string): Opened {
  const writer = new SqliteDatabase(target, { timeout: busyWhileOpeningMs });
  try {
    // WAL with synchronous=FULL: acknowledged commits survive kill -9 and a power cut.
    writer.pragma('journal_mode = WAL');
    writer.pragma('synchronous = FULL');
    // Checkpoint every 32 MiB instead of every 4, because during a burst of a thousand reports each
    // checkpoint delayed every caller.
    writer.pragma('wal_autocheckpoint = 8192');
    // What is deleted is overwritten: an erased person's name must not stay in free pages.
    writer.pragma('secure_delete = ON');
    writer.pragma('foreign_keys = ON');
    writer.pragma('busy_timeout = 0');
    // An in-memory database is visible only to its own connection.
    const isMemory = target === ':memory:';
    const reader = isMemory ? null : new SqliteDatabase(target, { readonly: true, timeout: 0 });
    return {
      writer,
      reader,
      prepareToWrite: preparedOnce(writer),
      prepareToRead: reader === null ? null : preparedOnce(reader),
      inode: isMemory ? null : inodeOf(target),
    };
  } catch (error) {
    writer.close();
    throw error;
  }
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
  readonly #file: OpenedFile;
  readonly #turns = createTurns();
  constructor(config: ConstructorParameters<typeof SqliteDialect>[0], file: OpenedFile) {
    super(config);
    this.#file = file;
  }
  get path(): string | null {
    return this.#file.path;
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
      this.#file.now().writer.pragma('wal_checkpoint(TRUNCATE)');
    });
  }
  override createDriver(): Driver {
    const file = this.#file;
    const turns = this.#turns;
    const send = (connection: DatabaseConnection, word: string) =>
      connection.executeQuery(CompiledQuery.raw(word));
    const over = (connection: DatabaseConnection) => {
      (connection as Connection).inTransaction = false;
      turns.give();
    };
    return {
      init: async () => undefined,
      acquireConnection: async () => new Connection(turns, file),
      beginTransaction: async (connection) => {
        const asked = performance.now();
        await turns.take();
        try {
          // `immediate`: a transaction that first reads and then writes is refused at once when
          // another process has written in between, however long it would wait.
          await whenFree(file, asked, ({ writer }) => writer.exec('begin immediate'));
          (connection as Connection).inTransaction = true;
        } catch (error) {
          turns.give();
          throw error;
        }
      },
      // A transaction that fails to commit is rolled back; waiting callers continue only after
      // that.
      commitTransaction: async (connection) => {
        await send(connection, 'commit');
        over(connection);
      },
      rollbackTransaction: async (connection) => {
        try {
          // SQLite rolls back by itself when the disk is full, for example; a second rollback would
          // fail and hide the reason.
          if (file.isInTransaction()) await send(connection, 'rollback');
        } finally {
          over(connection);
        }
      },
      releaseConnection: async () => undefined,
      destroy: async () => file.close(),
    };
  }
  override createAdapter(): SqliteAdapter {
    return new OwnTurns();
  }
}

/** Does the work as soon as no other process holds the database, trying again off the event loop:
 * others are served meanwhile. Whoever has waited in line behind a locked database since `asked`
 * does not wait for the whole time once more. Throws SQLITE_BUSY when it stays locked. */
async function whenFree<T>(
  file: OpenedFile,
  asked: number,
  work: (opened: Opened) => T,
): Promise<T> {
  const until = asked + budget.database.lockWaitMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    try {
      return work(file.now());
    } catch (error) {
      file.noteFailure(error);
      if (!/^SQLITE_(BUSY|LOCKED)/.test(sqliteCodeOf(error)) || performance.now() > until)
        throw error;
    }
    await pause(pauseMs);
  }
}

const sqliteCodeOf = (error: unknown): string =>
  error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? '') : '';

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
  readonly #file: OpenedFile;
  constructor(turns: Turns, file: OpenedFile) {
    this.#turns = turns;
    this.#file = file;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    if (this.inTransaction) return this.#within<R>(sql, parameters);
    const asked = performance.now();
    // Only statements that may be read-only are prepared on the reader, because it notices schema
    // changes when it executes and not when it prepares.
    if (mayRead.test(sql)) {
      const read = await whenFree(this.#file, asked, ({ prepareToRead }) => {
        const statement = prepareToRead?.(sql);
        return statement?.readonly === true ? run<R>(statement, parameters) : null;
      });
      if (read !== null) return read;
    }
    await this.#turns.take();
    try {
      return await whenFree(this.#file, asked, ({ prepareToWrite }) =>
        run<R>(prepareToWrite(sql), parameters),
      );
    } finally {
      this.#turns.give();
    }
  }

  #within<R>(sql: string, parameters: readonly unknown[]): QueryResult<R> {
    // SQLite ends a transaction by itself when the disk is full, for example: what follows would be
    // written alone.
    if (!this.#file.isInTransaction()) throw new Error('SQLite has ended the transaction');
    try {
      return run<R>(this.#file.now().prepareToWrite(sql), parameters);
    } catch (error) {
      this.#file.noteFailure(error);
      throw error;
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
