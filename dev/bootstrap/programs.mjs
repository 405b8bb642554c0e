/** Starts programs and reports progress. A benchmark prints one JSON object and nothing else on
 * standard output, so all progress goes to standard error. */
import { spawn, spawnSync } from 'node:child_process';

const say = (text) => process.stderr.write(`${text}\n`);

export function refuse(text) {
  say(text);
  process.exit(1);
}

/** Does `work` unless `isDone` returns true, and reports how long it took. */
export async function step(title, isDone, work) {
  if (isDone()) return;
  const started = Date.now();
  process.stderr.write(`• ${title} … `);
  await work();
  say(`${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/** Standard output of a program that must succeed; on failure this process exits. */
export function must(file, args, options = {}) {
  const done = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 64e6, ...options });
  if (done.status === 0) return done.stdout ?? '';
  const said = `${done.stdout ?? ''}${done.stderr ?? ''}`.trim().slice(-3000);
  return refuse(
    `\n\n${file} ${args.join(' ')}\nended with ${done.status ?? done.signal ?? done.error?.message}:\n${said}`,
  );
}

/** Standard output of a program, whether it succeeds or not. */
export const ask = (file, args, options = {}) =>
  spawnSync(file, args, { encoding: 'utf8', ...options }).stdout ?? '';

/** Runs a program in place of this process: it gets our terminal and signals, and we exit with its
 * code. `afterSuccess` runs when that code is 0. */
export function handOver(file, args, options, afterSuccess = () => undefined) {
  const child = spawn(file, args, { stdio: 'inherit', ...options });
  // A terminal sends Ctrl-C to the child as well; a supervisor sends it only to us.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(name, () => child.kill(name === 'SIGHUP' ? 'SIGTERM' : name));
  child.on('exit', (code) => {
    if (code === 0) afterSuccess();
    process.exit(code ?? 1);
  });
}
