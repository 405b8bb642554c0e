/** What tests build once and keep between runs, and the trees of Debian among it. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { cache } from '../bare-root.ts';
import { must, signal } from '../lab/host.ts';
import { startPackageRelay } from './packages.ts';

/** `ingredients`: another list makes another one. `days`: how long it stays without use; a checkout
 * beside this one may use another list of packages. */
interface Kept {
  name: string;
  ingredients: readonly unknown[];
  days: number;
}

/** Returns its path. `build` is called when it is not there; it returns a folder below the one it is
 * given, which is then kept. */
export async function keep(
  { name, ingredients, days }: Kept,
  build: (work: string) => Promise<string>,
): Promise<string> {
  const key = createHash('sha256').update(JSON.stringify(ingredients)).digest('hex').slice(0, 12);
  const kept = join(cache, `${name}-${key}`);
  if (existsSync(kept)) {
    utimesSync(kept, new Date(), new Date());
    return kept;
  }
  sweep(name, days);
  const work = join(cache, `new-${name}-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    const made = await build(work);
    // Another test may have built the same one meanwhile.
    if (!existsSync(kept)) renameSync(made, kept);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return kept;
}

/** Removes what builds that were killed have left behind, and what nobody has used for long. */
function sweep(kind: string, days: number): void {
  const old = Date.now() - days * 86_400_000;
  for (const name of existsSync(cache) ? readdirSync(cache) : []) {
    const path = join(cache, name);
    const builder = /^new-.*-(\d+)$/.exec(name)?.[1];
    const isDead = builder !== undefined && !signal(Number(builder), 0);
    if (isDead || (name.startsWith(`${kind}-`) && statSync(path).mtimeMs < old))
      rmSync(path, { recursive: true, force: true });
  }
}

interface Tree {
  suite: string;
  packages: readonly string[];
  /** Shell commands; the tree is `$1`. */
  hook: string;
}

/** A small Debian in a folder below `work`, in one to three minutes. Returns its path. */
export async function buildTree(work: string, { suite, packages, hook }: Tree): Promise<string> {
  const relay = await startPackageRelay('127.0.0.1');
  try {
    writeFileSync(join(work, 'sources'), relay.sourcesList(suite));
    await must(
      [
        // In a mount namespace of its own, so that its mounts vanish if it is killed.
        ...['unshare', '--mount', 'mmdebstrap', '--mode=root', '--variant=minbase'],
        ...['--format=directory', `--include=${packages.join(',')}`],
        ...['--aptopt=Acquire::Languages "none"', '--aptopt=APT::Install-Recommends "false"'],
        ...['--dpkgopt=force-unsafe-io', `--customize-hook=${hook}`],
        ...[suite, join(work, 'root'), join(work, 'sources')],
      ],
      { env: { TMPDIR: work } },
    );
    return join(work, 'root');
  } finally {
    await relay.close();
  }
}
