/** Makes a machine a server, step by step: connect, upload the installer and an enrolment code, run
 * it as root, wait for the first report. */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError, type ErrorCode, errors } from '@preau/contract/errors.ts';
import type { AdditionRequest } from '@preau/contract/fleet.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import { failureOf } from '#src/platform/failures.ts';
import type { Platform } from '#src/platform/platform.ts';
import { openSsh, type SshLink } from '#src/platform/ssh.ts';
import { createEnrolmentCode } from '../enrolment/enrol.ts';
import { end, type Outcome } from './end.ts';
import { openProgress, type Progress } from './progress.ts';
import {
  asRoot,
  folderOf,
  makeFolder,
  removeFolder,
  runInstaller,
  trySudo,
  writeFile,
} from './shell.ts';
import { selectAddition } from './store.ts';

export type AdditionDeps = Platform & { publicUrl: () => string };

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
/** Time limit for short commands: they send a script or a code, never a package. */
const shortMs = 60_000;
const tidyMs = 20_000;

export interface AdditionWork {
  id: string;
  actor: AccountActor;
  /** Contains the technician's password or key. */
  input: AdditionRequest;
  times: AdditionTimes;
  abort: AbortController;
}

/** Never rejects: its outcome is in the row. */
export async function runAddition(deps: AdditionDeps, work: AdditionWork): Promise<void> {
  const { id, input, abort } = work;
  const progress = openProgress(deps, {
    id,
    beatMs: work.times.beatMs,
    abort,
    secrets: [input.password, input.sudoPassword, input.passphrase].filter(
      (secret) => secret !== undefined,
    ),
  });
  const outcome = await outcomeOf(deps, work, progress);
  await progress.close();
  const addition = await selectAddition(deps.database, id).catch(() => undefined);
  if (addition === undefined) return;
  // If it was cancelled, the row has already ended, and this changes nothing.
  await end(deps, work.actor, addition, { ...outcome, log: progress.log() }).catch(
    (error: unknown) =>
      deps.log.error({ err: error, addition: id }, 'the end of an addition was not saved'),
  );
}

async function outcomeOf(
  deps: AdditionDeps,
  work: AdditionWork,
  progress: Progress,
): Promise<Outcome> {
  try {
    await install(deps, work, progress);
    await awaitReport(deps, work, progress);
    return { state: 'done', code: null };
  } catch (error) {
    if (work.abort.signal.aborted) return { state: 'failed', code: 'ADDITION_ABANDONED' };
    if (error instanceof AppError) {
      sayFailure(progress, error.code, error.details['why'] ?? error.details['hostKey']);
      return { state: 'failed', code: error.code };
    }
    // The error message may contain secrets that were sent, so only the name of the error is
    // logged.
    deps.log.error(
      { addition: work.id, reason: error instanceof Error ? error.name : 'unknown' },
      'adding a server broke',
    );
    const code = failureOf(error)?.code ?? 'INTERNAL';
    sayFailure(progress, code);
    return { state: 'failed', code };
  }
}

const sayFailure = (progress: Progress, code: ErrorCode, why?: unknown): void =>
  progress.say(`✗ ${errors[code].fr}${why === undefined ? '' : ` (${String(why)})`}\n`);

/** Refuses with the codes of `openSsh`, and with SUDO_REFUSED and INSTALL_FAILED. */
async function install(deps: AdditionDeps, work: AdditionWork, progress: Progress): Promise<void> {
  const { input, times, abort } = work;
  progress.say(`→ ${input.login}@${input.host}:${input.port}\n`);
  const link = await openSsh(input, input, input.hostKey, times.connectMs, abort.signal);
  let folder: string | null = null;
  try {
    const { code, controllerKey } = await createEnrolmentCode(deps, work.actor, {
      siteId: input.siteId,
      serverName: input.serverName,
    });
    progress.expectEnrolment(code);
    await progress.reach('installing');
    folder = await createFolder(link);
    const script = await readFile(join(deps.config.PREAU_AGENT_FILES, 'install.sh'), 'utf8');
    await upload(link, progress, `${folder}/install.sh`, script);
    await upload(link, progress, `${folder}/code`, `${code}\n`);
    await runAsRoot(link, work, progress, {
      folder,
      controllerKey,
      controllerUrl: deps.publicUrl(),
    });
  } finally {
    if (folder !== null)
      await link.run(removeFolder(folder), { timeoutMs: tidyMs }).catch(() => undefined);
    link.close();
  }
}

async function createFolder(link: SshLink): Promise<string> {
  let output = '';
  const exit = await link.run(makeFolder, {
    timeoutMs: shortMs,
    onOutput: (text) => {
      output += text;
    },
  });
  const folder = exit === 0 ? folderOf(output) : null;
  if (folder === null) throw new AppError('INSTALL_FAILED', { why: 'no folder in /tmp' });
  return folder;
}

async function upload(
  link: SshLink,
  progress: Progress,
  path: string,
  text: string,
): Promise<void> {
  const exit = await link.run(writeFile(path), {
    stdin: text,
    timeoutMs: shortMs,
    onOutput: progress.say,
  });
  if (exit !== 0)
    throw new AppError('INSTALL_FAILED', { why: `${basename(path)} could not be written` });
}

async function runAsRoot(
  link: SshLink,
  { input, times }: AdditionWork,
  progress: Progress,
  installer: Parameters<typeof runInstaller>[0],
): Promise<void> {
  const isRoot = input.login === 'root';
  const password = input.sudoPassword ?? input.password;
  const stdin = isRoot || password === undefined ? '' : `${password}\n`;
  if (
    !isRoot &&
    (await link.run(trySudo, { stdin, timeoutMs: shortMs, onOutput: progress.say })) !== 0
  )
    throw new AppError('SUDO_REFUSED');
  const exit = await link.run(asRoot(input.login, runInstaller(installer)), {
    stdin,
    timeoutMs: times.installMs,
    onOutput: progress.say,
  });
  if (exit !== 0) throw new AppError('INSTALL_FAILED', { why: `exit code ${exit}` });
}

/** Refuses with SERVER_ENROLLED_ALREADY when the installer ran and no server enrolled, and with
 * SERVER_OFFLINE when its agent does not report in time. */
async function awaitReport(
  deps: AdditionDeps,
  { times, abort }: AdditionWork,
  progress: Progress,
): Promise<void> {
  await progress.reach('reporting');
  const until = performance.now() + times.reportMs;
  for (;;) {
    const enrolled = await progress.enrolled();
    if (enrolled === undefined) throw new AppError('SERVER_ENROLLED_ALREADY');
    if (enrolled.reported) return;
    if (performance.now() > until)
      throw new AppError('SERVER_OFFLINE', { why: 'no report of its agent' });
    abort.signal.throwIfAborted();
    await deps.wakeups.next('servers', times.beatMs);
  }
}
