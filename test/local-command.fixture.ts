/** Runs `preau …` as somebody at the city's machine does. Agents of the test run on meanwhile. */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { root } from '../dev/services.ts';

export interface Said {
  code: number;
  out: string;
  err: string;
}

/** `env`: the settings; nothing of this process but the path. */
export const preau = (
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Said> =>
  new Promise((resolve) => {
    execFile(
      join(root, 'packaging/preau'),
      args,
      {
        encoding: 'utf8',
        timeout: 120_000,
        env: {
          PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
          NODE_NO_WARNINGS: '1',
          ...env,
        },
      },
      (error, out, err) =>
        resolve({
          code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1,
          out,
          err,
        }),
    );
  });

/** The public key of a new pair, whose private key is in the file. */
export async function newBackupKey(file: string): Promise<string> {
  const { out, err } = await preau(['backup', '--new-key', file], {});
  const key = /^PREAU_BACKUP_KEY=(age1\S+)$/m.exec(out)?.[1];
  if (key === undefined) throw new Error(`no key: ${out}${err}`);
  return key;
}
