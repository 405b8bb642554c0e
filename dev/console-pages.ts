/** The built console: what a browser fetches for the first page of the portal and of
 * administration. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { root } from './services.ts';

type Built = Extract<Awaited<ReturnType<typeof build>>, { output: unknown }>['output'];

/** In kB of 1,000 bytes, compressed as by the controller. */
export interface PageSizes {
  /** From an empty cache to a child's icons: the sign-in form, the icons, the hub's library. */
  portal: number;
  /** From an empty cache to a technician's dashboard. */
  admin: number;
  /** Each file counted in either, the largest first. */
  files: { name: string; kB: number }[];
}
export const limits = { portal: 95, admin: 150 } as const;

/** Builds into `folder`, or without writing, and measures. Takes seconds. */
export async function buildConsole(folder: string | null): Promise<PageSizes> {
  if (folder !== null) rmSync(folder, { recursive: true, force: true });
  const built = await build({
    root: join(root, 'console'),
    logLevel: 'error',
    build: folder === null ? { write: false } : { outDir: folder, emptyOutDir: true },
  });
  if (Array.isArray(built) || !('output' in built)) throw new Error('the console built oddly');
  return sizesOf(built.output);
}

function sizesOf(output: Built): PageSizes {
  const kB = (name: string): number => {
    const file = output.find(({ fileName }) => fileName === name);
    if (file === undefined) throw new Error(`${name} was not built`);
    return gzipSync(file.type === 'chunk' ? file.code : file.source).length / 1000;
  };
  const chunks = output.filter((file) => file.type === 'chunk');
  const entry = chunks.find((chunk) => chunk.isEntry);
  const lazy = (ending: string) => {
    const found = chunks.find((chunk) => chunk.facadeModuleId?.endsWith(ending) === true);
    if (found === undefined) throw new Error(`${ending} is in no chunk of its own`);
    return found;
  };
  if (entry === undefined) throw new Error('the console has no entry');
  /** The chunks with everything they import, and their styles. */
  const withImports = (first: typeof chunks): string[] => {
    const wanted = new Set<string>(['index.html']);
    const waiting = [...first];
    for (let chunk = waiting.pop(); chunk !== undefined; chunk = waiting.pop()) {
      wanted.add(chunk.fileName);
      for (const style of chunk.viteMetadata?.importedCss ?? []) wanted.add(style);
      waiting.push(
        ...chunks.filter(
          ({ fileName }) => chunk.imports.includes(fileName) && !wanted.has(fileName),
        ),
      );
    }
    return [...wanted];
  };
  const hub = lazy('/socket.io-client/build/esm/index.js');
  const portal = withImports([entry, hub, lazy('/portal/Home.svelte')]);
  const admin = withImports([
    entry,
    hub,
    lazy('/shell/Admin.svelte'),
    lazy('/rollouts/Dashboard.svelte'),
  ]);
  const sum = (names: readonly string[]) => names.reduce((total, name) => total + kB(name), 0);
  return {
    portal: sum(portal),
    admin: sum(admin),
    files: [...new Set([...portal, ...admin])]
      .map((name) => ({ name, kB: kB(name) }))
      .sort((a, b) => b.kB - a.kB),
  };
}
