/** The only code of the controller that starts programs: age, tar, PostgreSQL's own tools, and the
 * commands that the town has set. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '@preau/contract/errors.ts';
import { environmentWith } from '#src/config.ts';

export interface Program {
  name: string;
  args: readonly string[];
  /** Added to the environment: the only way to hand over a password. */
  env?: Readonly<Record<string, string>>;
}

/** A program of a chain ended badly: what it said last. */
export class ProgramFailed extends Error {
  override name = 'ProgramFailed';
  readonly said: string;
  constructor(program: string, said: string) {
    super(`${program}: ${said}`);
    this.said = said;
  }
}

const kept = 2000;

/** Pipes `from` through the programs, one after the other, to `to`. An open file at either end is
 * used by the program itself. Null: the first program reads nothing, or what the last one prints is
 * not read. Throws ProgramFailed or DISK_FULL when any of them fails, after all have ended. */
export async function through(
  from: Readable | FileHandle | null,
  programs: readonly Program[],
  to: Writable | FileHandle | null,
): Promise<void> {
  const last = programs.length - 1;
  const children = programs.map((program, at) => ({
    program,
    ...begin(program, at === 0 ? endOf(from) : 'pipe', at === last ? endOf(to) : 'pipe'),
  }));
  const pipes: Promise<void>[] = [];
  let source = isFile(from) ? null : from;
  for (const { child } of children) {
    if (source !== null && child.stdin !== null) pipes.push(pipeline(source, child.stdin));
    source = child.stdout;
  }
  if (source !== null && to !== null && !isFile(to)) pipes.push(pipeline(source, to));
  const piped = await Promise.allSettled(pipes);
  const pipeFaults = piped.flatMap((each): unknown[] =>
    each.status === 'rejected' ? [each.reason] : [],
  );
  const pipeFault = pipeFaults.find(isFull) ?? pipeFaults[0];
  // A full disk at the end is the reason; the programs before it only see their pipe close.
  if (isFull(pipeFault)) for (const { child } of children) child.kill();
  const ends = await Promise.all(children.map(({ ended }) => ended));
  if (isFull(pipeFault)) throw new AppError('DISK_FULL', {}, { cause: pipeFault });
  const faults = ends.filter((fault) => fault !== null);
  const full = faults.find(({ said }) => /no space left/i.test(said));
  if (full !== undefined) throw new AppError('DISK_FULL', {}, { cause: full });
  // The first that has a reason of its own: others died because nobody read on, or got nothing.
  const fault = faults.find(({ said }) => !/^signal|roken pipe/.test(said)) ?? faults[0];
  if (fault !== undefined) throw fault;
  // A program that ended well had read all it wanted.
  const lost = pipeFaults.find((each) => !isClosedPipe(each));
  if (lost !== undefined) throw lost;
}

const codeOf = (error: unknown): string =>
  error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? '') : '';
const isClosedPipe = (error: unknown) =>
  /^(EPIPE|ECONNRESET|ERR_STREAM_PREMATURE_CLOSE)$/.test(codeOf(error));
const isFull = (error: unknown) => /^(ENOSPC|EDQUOT)$/.test(codeOf(error));

type End = 'pipe' | 'ignore' | number;
const isFile = (end: Readable | Writable | FileHandle | null): end is FileHandle =>
  end !== null && 'fd' in end;
const endOf = (end: Readable | Writable | FileHandle | null): End =>
  end === null ? 'ignore' : isFile(end) ? end.fd : 'pipe';

function begin(
  { name, args, env = {} }: Program,
  stdin: End,
  stdout: End,
): { child: ChildProcess; ended: Promise<ProgramFailed | null> } {
  const child = spawn(name, args, {
    stdio: [stdin, stdout, 'pipe'],
    env: environmentWith(env),
  });
  let said = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(-kept);
  });
  const ended = new Promise<ProgramFailed | null>((resolve) => {
    child.once('error', (error) => resolve(new ProgramFailed(name, error.message)));
    child.once('close', (code, signal) => {
      const why = said.trim() || (signal === null ? `exit code ${code}` : `signal ${signal}`);
      resolve(code === 0 ? null : new ProgramFailed(name, why));
    });
  });
  return { child, ended };
}

export const shell = (command: string, name: string): Program => ({
  name: '/bin/sh',
  args: ['-c', command],
  env: { NAME: name },
});

export const encrypt = (recipient: string): Program => ({
  name: 'age',
  args: ['--encrypt', '--recipient', recipient],
});
export const decrypt = (keyFile: string): Program => ({
  name: 'age',
  args: ['--decrypt', '--identity', keyFile],
});
export const pack = (folder: string): Program => ({
  name: 'tar',
  args: ['--create', '--directory', folder, '.'],
});
/** Names that lead out of the folder are refused by tar itself. It reads to the very end, so that
 * what comes before it in the chain has seen, and judged, every byte. */
export const unpack = (folder: string): Program => ({
  name: 'tar',
  args: ['--extract', '--ignore-zeros', '--no-same-owner', '--directory', folder],
});
/** Has the kernel forget what it keeps of a file in memory, so that it is next read from the disk. */
export const forget = (path: string): Program => ({
  name: 'dd',
  args: [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none'],
});
