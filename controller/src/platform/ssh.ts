/** SSH to a machine that is to become a server: the only code that uses the library, and the only
 * connection that the controller opens to a school. The host's key is verified before any secret is
 * sent. */
import { createHash } from 'node:crypto';
import { AppError } from '@preau/contract/errors.ts';
import { NodeSSH } from 'node-ssh';

export interface SshSecrets {
  password?: string | undefined;
  privateKey?: string | undefined;
  passphrase?: string | undefined;
}

export interface SshLink {
  /** Resolves with the exit code. `onOutput` receives standard output and standard error. Rejects
   * when the connection breaks, on abort, and after `timeoutMs`. */
  run: (
    command: string,
    options: { stdin?: string; timeoutMs: number; onOutput?: (text: string) => void },
  ) => Promise<number>;
  close: () => void;
}

/** Far more than an installation prints; beyond it the connection is closed. */
const maxOutput = 16_000_000;

const fingerprintOf = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** Connects only until the host's key is known, then disconnects. Refuses with SSH_FAILED. */
export async function readHostKey(
  target: { host: string; port: number },
  timeoutMs: number,
): Promise<string> {
  let seen: string | null = null;
  const ssh = new NodeSSH();
  try {
    await connect(ssh, { ...target, login: 'preau' }, {}, timeoutMs, (key) => {
      seen = fingerprintOf(key);
      return false;
    });
  } catch (cause) {
    if (seen !== null) return seen;
    throw new AppError(
      'SSH_FAILED',
      { host: target.host, port: target.port, why: reasonOf(cause) },
      { cause },
    );
  } finally {
    ssh.dispose();
  }
  throw new AppError('SSH_FAILED', { host: target.host, port: target.port });
}

/** Refuses with HOST_KEY_CHANGED, SSH_SIGN_IN_REFUSED and SSH_FAILED. */
export async function openSsh(
  target: { host: string; port: number; login: string },
  secrets: SshSecrets,
  hostKey: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<SshLink> {
  let foreign: string | null = null;
  const ssh = new NodeSSH();
  const leave = () => ssh.dispose();
  signal.addEventListener('abort', leave);
  const close = () => {
    signal.removeEventListener('abort', leave);
    ssh.dispose();
  };
  try {
    signal.throwIfAborted();
    await connect(ssh, target, secrets, timeoutMs, (key) => {
      const seen = fingerprintOf(key);
      if (seen !== hostKey) foreign = seen;
      return seen === hostKey;
    });
    signal.throwIfAborted();
  } catch (cause) {
    close();
    if (foreign !== null) throw new AppError('HOST_KEY_CHANGED', { hostKey: foreign }, { cause });
    const level = (cause as { level?: unknown }).level;
    const unreadable = cause instanceof Error && /parse privateKey|passphrase/i.test(cause.message);
    throw new AppError(
      level === 'client-authentication' || unreadable ? 'SSH_SIGN_IN_REFUSED' : 'SSH_FAILED',
      { why: reasonOf(cause) },
      { cause },
    );
  }
  const { connection } = ssh;
  if (connection === null) throw new AppError('SSH_FAILED');
  // `close` reports a broken connection; an error without a listener would end the process.
  connection.on('error', () => undefined);
  return {
    run: (command, { stdin = '', timeoutMs: within, onOutput }) =>
      new Promise((resolve, reject) => {
        const settle = (outcome: number | AppError) => {
          clearTimeout(timer);
          signal.removeEventListener('abort', aborted);
          connection.off('close', broken);
          if (typeof outcome === 'number') resolve(outcome);
          else reject(outcome);
        };
        const fail = (why: string, code: 'SSH_FAILED' | 'INSTALL_TIMED_OUT' = 'SSH_FAILED') =>
          settle(new AppError(code, { why }));
        const timer = setTimeout(
          () => fail(`more than ${Math.round(within / 1000)} s`, 'INSTALL_TIMED_OUT'),
          within,
        );
        const aborted = () => fail('cancelled');
        const broken = () => fail('the connection was lost');
        signal.addEventListener('abort', aborted);
        connection.on('close', broken);
        if (signal.aborted) return aborted();
        // Not node-ssh's own `execCommand`, which keeps all output in memory.
        connection.exec(command, (error, channel) => {
          if (error !== undefined) return fail(reasonOf(error));
          let said = 0;
          const hear = (text: string) => {
            said += text.length;
            if (said > maxOutput) {
              channel.close();
              fail('the machine does not stop talking');
            } else onOutput?.(text);
          };
          channel.setEncoding('utf8').on('data', hear);
          channel.stderr.setEncoding('utf8').on('data', hear);
          channel.on('error', (broke: unknown) => fail(reasonOf(broke)));
          channel.stdin.on('error', () => undefined);
          let code: number | null = null;
          channel.on('exit', (exit: number | null) => {
            code = exit;
          });
          channel.on('close', () =>
            code === null ? fail('the connection was lost') : settle(code),
          );
          channel.end(stdin);
        });
      }),
    close,
  };
}

async function connect(
  ssh: NodeSSH,
  target: { host: string; port: number; login: string },
  secrets: SshSecrets,
  timeoutMs: number,
  hostVerifier: (key: Buffer) => boolean,
): Promise<void> {
  const { password, privateKey, passphrase } = secrets;
  // `readyTimeout` counts from the first byte of the protocol, so a separate timeout covers a host
  // that accepts the connection and sends nothing.
  let late: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error('timeout')), timeoutMs);
  });
  try {
    const connected = ssh.connect({
      host: target.host,
      port: target.port,
      username: target.login,
      readyTimeout: timeoutMs,
      timeout: timeoutMs,
      keepaliveInterval: 10_000,
      keepaliveCountMax: 3,
      hostVerifier,
      ...(privateKey === undefined
        ? {}
        : { privateKey, ...(passphrase === undefined ? {} : { passphrase }) }),
      // Debian's sshd asks for passwords by either method.
      ...(password === undefined || privateKey !== undefined
        ? {}
        : {
            password,
            tryKeyboard: true,
            onKeyboardInteractive: (
              _name: string,
              _text: string,
              _language: string,
              prompts: readonly unknown[],
              finish: (answers: string[]) => void,
            ) => finish(prompts.map(() => password)),
          }),
    });
    connected.catch(() => undefined);
    await Promise.race([connected, tooLate]);
  } finally {
    clearTimeout(late);
  }
}

/** One short line about the library's error; it never contains what was sent. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return String(typeof code === 'string' && /^E[A-Z]+$/.test(code) ? code : message)
    .replace(/[^\x20-\x7e]/g, ' ')
    .slice(0, 200);
}
