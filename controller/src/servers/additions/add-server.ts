/** Makes a machine a server of a school over SSH: connect, check the host's key, bring the
 * installer and a one-use code, run it as root, wait for the first report.
 *
 *  The technician's password or key lives in this process's memory for as long as that takes, and
 * nowhere else: no row, no job, no log. So a controller that dies cannot go on; it leaves
 * `alive_until` behind and the sweep says what happened. The row is the truth: whoever ends it
 * (done, failed, cancelled from any process) ends it once, and the work stops. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, type ErrorCode, errors } from '@preau/contract/errors.ts';
import type { Addition, AdditionRequest } from '@preau/contract/fleet.ts';
import { mustReach } from '#src/accounts/reach.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor, Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { newId, sha256 } from '#src/platform/secrets.ts';
import { openSsh, readHostKey } from '#src/platform/ssh.ts';
import { selectSite } from '#src/sites/store.ts';
import { createEnrolmentCode } from '../enrolment/enrol.ts';
import { append, cleanOutput } from './log.ts';
import {
  endAddition,
  insertAddition,
  saveProgress,
  selectAbandoned,
  selectAddition,
  selectEnrolledWith,
} from './store.ts';

type Deps = Platform & { publicUrl: () => string };

export interface AdditionTimes {
  connectMs: number;
  installMs: number;
  /** From the end of the installer to the first report. */
  reportMs: number;
  beatMs: number;
}
export const additionTimes: AdditionTimes = {
  connectMs: 15_000,
  installMs: 1_800_000,
  reportMs: 180_000,
  beatMs: 1000,
};
/** Many beats: a busy database is no death. */
const aliveForMs = 60_000;
/** An uploaded script or code, not a package. */
const uploadMs = 60_000;
const atOnce = 20;

export interface Additions {
  hostKey: (
    actor: AccountActor,
    input: { siteId: string; host: string; port: number },
  ) => Promise<string>;
  add: (actor: AccountActor, input: AdditionRequest) => Promise<Addition>;
  cancel: (actor: AccountActor, id: string) => Promise<Addition>;
  /** Ends what runs here, and waits for it. */
  close: () => Promise<void>;
}

export function createAdditions(deps: Deps, times: AdditionTimes = additionTimes): Additions {
  const running = new Map<string, { abort: AbortController; over: Promise<void> }>();
  return {
    hostKey: async (actor, input) => {
      mustReach(actor, input.siteId);
      if ((await selectSite(deps.database, input.siteId)) === undefined)
        throw new AppError('NOT_FOUND', { site: input.siteId });
      return readHostKey(input, times.connectMs);
    },
    add: async (actor, input) => {
      mustReach(actor, input.siteId);
      if (input.password === undefined && input.privateKey === undefined)
        throw new AppError('VALIDATION_FAILED', {
          issues: [{ field: 'body/password', problem: 'a password or a private key' }],
        });
      if (deps.config.PREAU_AGENT_FILES === '')
        throw new AppError('NOT_FOUND', { setting: 'PREAU_AGENT_FILES' });
      if (running.size >= atOnce) throw new AppError('BUSY');
      const site = await selectSite(deps.database, input.siteId);
      if (site === undefined) throw new AppError('NOT_FOUND', { site: input.siteId });
      const id = newId('add');
      await deps.database.transaction().execute(async (rows) => {
        const now = deps.clock.now();
        await insertAddition(rows, {
          id,
          siteId: site.id,
          serverName: input.serverName,
          host: input.host,
          port: input.port,
          login: input.login,
          hostKey: input.hostKey,
          createdBy: actor.id,
          now,
          aliveUntil: now + aliveForMs,
        });
        await recordEffect(deps, rows, actor, {
          action: 'server.addition_started',
          subjectId: id,
          subjectName: `${input.serverName}, ${site.name}`,
          siteId: site.id,
          details: {
            host: input.host,
            port: input.port,
            login: input.login,
            hostKey: input.hostKey,
          },
        });
      });
      deps.wakeups.wake(['audit', 'servers', `addition:${id}`]);
      const abort = new AbortController();
      const over = carryOut(deps, times, actor, id, input, abort).finally(() => running.delete(id));
      running.set(id, { abort, over });
      return mustRead(deps, id);
    },
    cancel: async (actor, id) => {
      const addition = await mustRead(deps, id);
      mustReach(actor, addition.siteId);
      if (!(await end(deps, actor, addition, { state: 'cancelled', code: null })))
        throw new AppError('STATE_FORBIDS', { state: addition.state });
      running.get(id)?.abort.abort();
      return mustRead(deps, id);
    },
    close: async () => {
      for (const { abort } of running.values()) abort.abort();
      await Promise.all([...running.values()].map(({ over }) => over));
    },
  };
}

async function mustRead(deps: Pick<Platform, 'database'>, id: string): Promise<Addition> {
  const addition = await selectAddition(deps.database, id);
  if (addition === undefined) throw new AppError('NOT_FOUND', { addition: id });
  return addition;
}

async function end(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: Actor,
  addition: Pick<Addition, 'id' | 'serverName' | 'siteName' | 'siteId'>,
  outcome: { state: 'done' | 'failed' | 'cancelled'; code: ErrorCode | null; log?: string },
): Promise<boolean> {
  const ended = await deps.database.transaction().execute(async (rows) => {
    if (
      !(await endAddition(rows, addition.id, {
        state: outcome.state,
        failureCode: outcome.code,
        now: deps.clock.now(),
        ...(outcome.log === undefined ? {} : { log: outcome.log }),
      }))
    )
      return false;
    await recordEffect(deps, rows, actor, {
      action: `server.addition_${outcome.state}`,
      subjectId: addition.id,
      subjectName: `${addition.serverName}, ${addition.siteName}`,
      siteId: addition.siteId,
      ...(outcome.code === null ? {} : { details: { code: outcome.code } }),
    });
    return true;
  });
  deps.wakeups.wake([`addition:${addition.id}`, 'audit', 'servers']);
  return ended;
}

/** For the sweep: what a controller that died was doing is over. */
export async function endAbandonedAdditions(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: Actor,
): Promise<void> {
  for (const id of await selectAbandoned(deps.database, deps.clock.now()))
    await end(deps, actor, await mustRead(deps, id), {
      state: 'failed',
      code: 'ADDITION_ABANDONED',
    });
}

/** Never rejects: its outcome is in the row. */
async function carryOut(
  deps: Deps,
  times: AdditionTimes,
  actor: AccountActor,
  id: string,
  input: AdditionRequest,
  abort: AbortController,
): Promise<void> {
  const secrets = [input.password, input.sudoPassword, input.passphrase].filter(
    (secret) => secret !== undefined,
  );
  let log = '';
  let saved = '';
  let codeHash: string | null = null;
  let serverId: string | null = null;
  let state: Addition['state'] = 'connecting';
  const say = (text: string) => {
    log = append(log, cleanOutput(text, secrets));
  };
  const failure = (code: ErrorCode, why?: unknown) =>
    say(`✗ ${errors[code].fr}${why === undefined ? '' : ` (${String(why)})`}\n`);

  // One beat after the other, from here to the end: life sign, log, who has enrolled, whether
  // somebody cancelled.
  const save = async (next?: Addition['state']): Promise<void> => {
    if (next !== undefined) state = next;
    const enrolled =
      codeHash === null || serverId !== null
        ? undefined
        : await selectEnrolledWith(deps.database, codeHash);
    if (enrolled !== undefined) {
      serverId = enrolled.serverId;
      state = state === 'installing' ? 'enrolled' : state;
    }
    const told = log !== saved || next !== undefined || enrolled !== undefined;
    saved = log;
    const open = await saveProgress(deps.database, id, {
      state,
      log,
      aliveUntil: deps.clock.now() + aliveForMs,
      ...(codeHash === null ? {} : { codeHash }),
      ...(serverId === null ? {} : { serverId }),
    });
    if (told) deps.wakeups.wake([`addition:${id}`]);
    if (!open) abort.abort();
  };
  let beating = Promise.resolve();
  const beat = (next?: Addition['state']): Promise<void> => {
    beating = beating
      .then(() => save(next))
      .catch((error: unknown) =>
        deps.log.warn({ err: error, addition: id }, 'progress was not saved'),
      );
    return beating;
  };
  const timer = setInterval(() => void beat(), times.beatMs);

  let outcome: { state: 'done' | 'failed'; code: ErrorCode | null };
  try {
    say(`→ ${input.login}@${input.host}:${input.port}\n`);
    const link = await openSsh(input, input, input.hostKey, times.connectMs, abort.signal);
    let folder = '';
    try {
      const { code, controllerKey } = await createEnrolmentCode(deps, actor, {
        siteId: input.siteId,
        serverName: input.serverName,
      });
      secrets.push(code);
      codeHash = sha256(code);
      await beat('installing');
      const upload = async (name: string, text: string) => {
        if (
          (await link.run(`umask 077 && cat > '${folder}/${name}'`, {
            stdin: text,
            timeoutMs: uploadMs,
            onOutput: say,
          })) !== 0
        )
          throw new AppError('INSTALL_FAILED', { why: `${name} could not be written` });
      };
      if (
        (await link.run('umask 077 && mktemp -d /tmp/preau-install.XXXXXXXXXX', {
          timeoutMs: uploadMs,
          onOutput: (text) => (folder += text),
        })) !== 0 ||
        !/^\/tmp\/preau-install\.[A-Za-z0-9]{10}\n$/.test(folder)
      ) {
        folder = '';
        throw new AppError('INSTALL_FAILED', { why: 'no folder in /tmp' });
      }
      folder = folder.trim();
      await upload(
        'install.sh',
        await readFile(join(deps.config.PREAU_AGENT_FILES, 'install.sh'), 'utf8'),
      );
      await upload('code', `${code}\n`);
      const url = deps.publicUrl();
      // Nothing secret is an argument: arguments are read by anyone on that machine. A public
      // address has no quotes in it. A line that breaks does not stop what runs there: it then
      // tidies up by itself.
      const install = `trap "rm -rf ${folder}" EXIT; sh ${folder}/install.sh --controller ${url} --key ${controllerKey} --code-file ${folder}/code </dev/null`;
      const asRoot = input.login === 'root' ? install : `sudo -k -S -p '' -- sh -c '${install}'`;
      const sudoPassword = input.sudoPassword ?? input.password;
      if (
        input.login !== 'root' &&
        (await link.run("sudo -k -S -p '' -- true", {
          stdin: sudoPassword === undefined ? '' : `${sudoPassword}\n`,
          timeoutMs: uploadMs,
          onOutput: say,
        })) !== 0
      )
        throw new AppError('SUDO_REFUSED');
      const exit = await link.run(asRoot, {
        stdin: input.login === 'root' || sudoPassword === undefined ? '' : `${sudoPassword}\n`,
        timeoutMs: times.installMs,
        onOutput: say,
      });
      if (exit !== 0) throw new AppError('INSTALL_FAILED', { why: `exit code ${exit}` });
    } finally {
      if (folder !== '')
        await link.run(`rm -rf '${folder}'`, { timeoutMs: 20_000 }).catch(() => undefined);
      link.close();
    }
    await beat('reporting');
    if (serverId === null) throw new AppError('SERVER_ENROLLED_ALREADY');
    const until = performance.now() + times.reportMs;
    while (!((await selectEnrolledWith(deps.database, codeHash ?? ''))?.reported ?? false)) {
      if (performance.now() > until)
        throw new AppError('SERVER_OFFLINE', { why: 'no report of its agent' });
      abort.signal.throwIfAborted();
      await deps.wakeups.next('servers', times.beatMs);
    }
    outcome = { state: 'done', code: null };
  } catch (error) {
    const known = error instanceof AppError ? error : null;
    // The cause may hold what was sent: only our own words are kept.
    if (known === null && !abort.signal.aborted)
      deps.log.error(
        { addition: id, reason: error instanceof Error ? error.name : 'unknown' },
        'adding a server broke',
      );
    outcome = { state: 'failed', code: known?.code ?? 'INTERNAL' };
    if (!abort.signal.aborted)
      failure(known?.code ?? 'INTERNAL', known?.details['why'] ?? known?.details['hostKey']);
  }
  clearInterval(timer);
  await beating;
  const addition = await selectAddition(deps.database, id).catch(() => undefined);
  // Cancelled: the row was ended by whoever did so.
  if (addition !== undefined)
    await end(deps, actor, addition, {
      ...(abort.signal.aborted && outcome.state === 'failed'
        ? { state: 'failed' as const, code: 'ADDITION_ABANDONED' as const }
        : outcome),
      log,
    }).catch((error: unknown) =>
      deps.log.error({ err: error, addition: id }, 'the end of an addition was not saved'),
    );
}
