/** The data folder: whose it is, who may look into it, what it stands on, how much room is left. */
import { lstat, readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { roomLeft } from '#src/platform/health/checks.ts';
import { examination, type Found } from './examination.ts';

export interface FolderFacts {
  path: string;
  /** Null: there is none. */
  mode: number | null;
  owner: number;
  /** Names of what belongs to somebody else. */
  others: string[];
  /** The magic number of its file system. */
  fileSystem: number;
  bytes: number;
  /** Null: the file system does not count them. */
  inodes: number | null;
  hasSqlite: boolean;
}

export const folder = examination({
  failure: 'FOLDER_UNUSABLE',
  gather: async ({ config }) => gatherFolder(config.PREAU_DATA, config.PREAU_DATABASE_URL === ''),
  judge: judgeFolder,
});

async function gatherFolder(path: string, hasSqlite: boolean): Promise<FolderFacts> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  const none = { path, hasSqlite, others: [], fileSystem: 0, bytes: 0, inodes: null, owner: 0 };
  if (found === null) return { ...none, mode: null };
  const { bavail, bsize, files, ffree, type } = await statfs(path);
  const inner = await Promise.all(
    (await readdir(path)).map(async (name) => ({
      name,
      uid: (await lstat(join(path, name)).catch(() => null))?.uid ?? found.uid,
    })),
  );
  return {
    path,
    hasSqlite,
    mode: found.mode & 0o777,
    owner: found.uid,
    others: inner.filter(({ uid }) => uid !== found.uid).map(({ name }) => name),
    fileSystem: type,
    bytes: bavail * bsize,
    inodes: files === 0 ? null : ffree,
  };
}

/** statfs(2). */
const inMemory: Readonly<Record<number, string>> = { 0x01021994: 'tmpfs', 0x858458f6: 'ramfs' };
const onNetwork: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x65735546: 'FUSE',
  0x00c36400: 'Ceph',
  0x01021997: '9p',
};

export function judgeFolder(facts: FolderFacts): Found[] {
  const { path, mode, others, fileSystem } = facts;
  if (mode === null) return [{ code: 'FOLDER_MISSING', why: path }];
  const found: Found[] = [];
  if ((mode & 0o077) !== 0)
    found.push({ code: 'FOLDER_OPEN', why: `${path} has the modes ${mode.toString(8)}` });
  if (others.length > 0)
    found.push({
      code: 'FOLDER_OWNERS',
      why: others.slice(0, 10).join(', '),
      counts: { files: others.length },
    });
  const memory = inMemory[fileSystem];
  if (memory !== undefined)
    found.push({ code: 'FOLDER_IN_MEMORY', why: `${path} is on ${memory}` });
  const network = onNetwork[fileSystem];
  if (network !== undefined && facts.hasSqlite)
    found.push({ code: 'FOLDER_ON_NETWORK', why: `${path} is on ${network}` });
  const room = roomLeft(facts);
  if (room.state !== 'ok')
    found.push({ code: room.state === 'down' ? 'DISK_FULL' : 'DISK_LOW', why: room.why });
  return found;
}
