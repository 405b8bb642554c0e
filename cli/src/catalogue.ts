/** `preau catalogue` and `preau package`. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ImportedItem, UploadedPackage } from '@preau/contract/catalogue.ts';
import { type Call, sendFile } from './call.ts';
import type { Connection } from './config.ts';
import { UsageError } from './outcome.ts';
import { wishesFrom } from './parse.ts';

/** The limits are 2000 items and 4 MB per import; this leaves some margin. */
const most = { items: 2000, bytes: 3_500_000 };

/** Reads drafts from a file (a draft, a list of drafts or an exported catalogue), or from a folder
 * of such files. */
export function readDrafts(path: string): unknown[] {
  const read = (file: string): unknown[] => {
    let value: unknown;
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (cause) {
      throw new UsageError('unreadable', { path: file }, { cause });
    }
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new UsageError('notJson', { path: file }, { cause });
    }
    const drafts: unknown[] =
      typeof value === 'object' &&
      value !== null &&
      'applications' in value &&
      Array.isArray(value.applications)
        ? value.applications
        : Array.isArray(value)
          ? value
          : [value];
    return drafts.map((draft) => withDrawing(draft, dirname(file)));
  };
  let isFolder = false;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (cause) {
    throw new UsageError('unreadable', { path }, { cause });
  }
  const drafts = isFolder
    ? readdirSync(path)
        .filter((name) => name.endsWith('.json'))
        .sort()
        .flatMap((name) => read(join(path, name)))
    : read(path);
  if (drafts.length === 0) throw new UsageError('nothingIn', { path });
  return drafts;
}

/** Replaces the path of an icon, `icons/NAME.svg` beside the file, by the image itself. */
function withDrawing(draft: unknown, folder: string): unknown {
  if (typeof draft !== 'object' || draft === null || !('icon' in draft)) return draft;
  const { icon } = draft;
  // Only there: a draft from somebody else must not read other folders.
  if (typeof icon !== 'string' || !/^icons\/[\w-]+\.svg$/.test(icon)) return draft;
  const path = join(folder, icon);
  try {
    return { ...draft, icon: readFileSync(path, 'utf8') };
  } catch (cause) {
    throw new UsageError('unreadable', { path }, { cause });
  }
}

/** Splits the list only where the import limits require it, so that applications stay together with
 * what they require. Pure. */
export function cut(drafts: readonly unknown[]): unknown[][] {
  const parts: unknown[][] = [[]];
  let bytes = 0;
  for (const draft of drafts) {
    const size = JSON.stringify(draft).length + 1;
    const last = parts.at(-1) ?? [];
    if (last.length > 0 && (last.length >= most.items || bytes + size > most.bytes)) {
      parts.push([draft]);
      bytes = size;
    } else {
      last.push(draft);
      bytes += size;
    }
  }
  return parts;
}

export async function apply(
  call: Call,
  drafts: readonly unknown[],
  dryRun: boolean,
): Promise<ImportedItem[]> {
  const items: ImportedItem[] = [];
  for (const part of cut(drafts)) {
    const first = items.length;
    const { items: some } = await call('importCatalogue', { body: { dryRun, applications: part } });
    items.push(...some.map((item) => ({ ...item, index: item.index + first })));
  }
  return items;
}

/** Files that recipes name without a URL, which the city must therefore have. Pure; accepts any
 * input. */
export function filesIn(
  drafts: readonly unknown[],
): { name: string; sha256: string; size: number }[] {
  const found = new Map<string, { name: string; sha256: string; size: number }>();
  const look: unknown[] = [...drafts];
  while (look.length > 0) {
    const value = look.pop();
    if (typeof value !== 'object' || value === null) continue;
    const { name, sha256, size, url } = value as Record<string, unknown>;
    if (
      typeof name === 'string' &&
      typeof sha256 === 'string' &&
      typeof size === 'number' &&
      url === undefined
    )
      found.set(sha256, { name, sha256, size });
    else look.push(...Object.values(value));
  }
  return [...found.values()];
}

async function hashFile(path: string): Promise<{ sha256: string; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of createReadStream(path)) {
      hash.update(chunk as Buffer);
      size += (chunk as Buffer).length;
    }
  } catch (cause) {
    throw new UsageError('unreadable', { path }, { cause });
  }
  return { sha256: hash.digest('hex'), size };
}

/** `before`: the city already had the file. */
export async function upload(
  connection: Connection,
  call: Call,
  path: string,
  name: string | undefined,
  progress: (share: number) => void,
): Promise<{ stored: UploadedPackage; before: boolean }> {
  const { sha256, size } = await hashFile(path);
  const known = (await call('listPackages', {})).items.find((one) => one.sha256 === sha256);
  if (known !== undefined) return { stored: known, before: true };
  return {
    stored: await sendFile(
      connection,
      path,
      { name: name ?? basename(path), sha256, size: String(size) },
      (bytes) => progress(bytes / size),
    ),
    before: false,
  };
}

/** Uploads from `folder` the files that the drafts name and the city does not have. Throws
 * UsageError for a file that is in neither place. */
export async function uploadMissing(
  connection: Connection,
  call: Call,
  drafts: readonly unknown[],
  folder: string,
  told: (stored: UploadedPackage) => void,
): Promise<void> {
  const there = new Set((await call('listPackages', {})).items.map(({ sha256 }) => sha256));
  for (const file of filesIn(drafts)) {
    if (there.has(file.sha256)) continue;
    // Only the base name: a draft from somebody else must not read other folders.
    const path = join(folder, basename(file.name));
    if (!existsSync(path) || (await hashFile(path)).sha256 !== file.sha256)
      throw new UsageError('missingFile', {
        name: file.name,
        sha256: file.sha256.slice(0, 12),
        folder,
      });
    told(
      await sendFile(
        connection,
        path,
        { name: file.name, sha256: file.sha256, size: String(file.size) },
        () => undefined,
      ),
    );
  }
}

/** Withdraws the named application (`jeu`: all versions; `jeu@2.0`: that version) from the
 * catalogue, or restores it (without a version, only for a withdrawn application: the last version
 * withdrawn). Throws UsageError when it is unknown or when several are named. */
export async function withdraw(
  call: Call,
  named: string,
  withdrawn: boolean,
): Promise<{ slug: string; versions: string[] }> {
  const [wish, more] = wishesFrom(named, 'present');
  if (wish === undefined || more !== undefined)
    throw new UsageError('unknownApplication', { slug: named });
  const { slug, version } = wish;
  const offered = (await call('listApplications', {})).items.find((one) => one.slug === slug);
  const application =
    offered ?? (await call('listWithdrawnApplications', {})).items.find((one) => one.slug === slug);
  if (application === undefined) throw new UsageError('unknownApplication', { slug });
  if (!withdrawn && version === null && offered !== undefined)
    throw new UsageError('nameVersion', { slug });
  const params = { id: application.id };
  const known = (await call('listVersions', { params })).items.filter(
    (one) =>
      (one.withdrawnAt === null) === withdrawn && (version === null || one.version === version),
  );
  const moved = withdrawn
    ? known
    : known.sort((a, b) => (b.withdrawnAt ?? 0) - (a.withdrawnAt ?? 0)).slice(0, 1);
  if (moved.length === 0)
    throw new UsageError(version === null ? 'unknownApplication' : 'unknownVersion', {
      slug,
      version: version ?? '',
    });
  await call('withdrawVersions', {
    params,
    body: { withdrawn, versionIds: moved.map(({ versionId }) => versionId) },
  });
  return { slug, versions: moved.map((one) => one.version) };
}
