/** Puts a city that has been unpacked and checked where it belongs, all at once: once the plan is
 * written, whoever is interrupted goes on with it at the next start. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

interface Plan {
  /** Folders inside the data folder. */
  staged: string;
  aside: string;
  /** Names inside the data folder that are taken away first. */
  away: string[];
  /** Names inside the staged folder that come in. */
  come: string[];
}

const planName = 'restore-plan.json';

function flush(path: string): void {
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}

export function putInPlace(folder: string, plan: Plan): void {
  const part = join(folder, `${planName}.part`);
  writeFileSync(part, JSON.stringify(plan), { mode: 0o600 });
  flush(part);
  renameSync(part, join(folder, planName));
  flush(folder);
  finishPutting(folder);
}

/** Does what is left of a plan; nothing without one. True when there was something to do. */
export function finishPutting(folder: string): boolean {
  const path = join(folder, planName);
  if (!existsSync(path)) return false;
  const plan = JSON.parse(readFileSync(path, 'utf8')) as Plan;
  const aside = join(folder, plan.aside);
  mkdirSync(aside, { recursive: true, mode: 0o700 });
  for (const name of plan.away) {
    // Once it has gone aside, what stands here is the new one.
    if (existsSync(join(aside, name)) || !existsSync(join(folder, name))) continue;
    mkdirSync(dirname(join(aside, name)), { recursive: true, mode: 0o700 });
    renameSync(join(folder, name), join(aside, name));
  }
  flush(aside);
  for (const name of plan.come) {
    const from = join(folder, plan.staged, name);
    if (!existsSync(from)) continue;
    mkdirSync(dirname(join(folder, name)), { recursive: true, mode: 0o700 });
    renameSync(from, join(folder, name));
  }
  flush(folder);
  rmSync(path);
  flush(folder);
  rmSync(join(folder, plan.staged), { recursive: true, force: true });
  return true;
}
