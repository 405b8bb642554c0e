/** People's home directories. One may be on a file server that does not answer, and a call to it
 * then waits for ever: each is made in a process of its own, with a deadline, so that the agent and
 * everybody else's sessions go on. */
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import { run } from '#src/command.ts';
import { asPerson } from './as-person.ts';

export interface Home {
  path: string;
  uid: number;
}

/** First user id of people to whom the city has given none. The owner of a home directory is then
 * the only record of a person's user id. */
const firstPersonUid = 700_000;
const lookWithinMs = 5000;
/** Giving a home to another user id may touch many files; what is not done in this time goes on at
 * the next launch. */
const moveWithinMs = 60_000;

interface WantedHome {
  /** Folder of all homes. */
  homes: string;
  accountId: string;
  /** The city's number for the person; absent: this server chooses one. */
  uid?: number;
  /** Whether another session of the person runs: its files keep their owner until it ends. */
  inUse: boolean;
}

/** Finds or makes a person's home. Throws AppError HOME_UNREACHABLE when it does not answer in
 * time. */
export const homeFor = (wanted: WantedHome): Promise<Home> =>
  inTurn(join(wanted.homes, wanted.accountId), () => findOrMake(wanted));

async function findOrMake({ homes, accountId, uid, inUse }: WantedHome): Promise<Home> {
  const path = join(homes, accountId);
  const owner = await ownerOf(path);
  if (owner === null)
    return {
      path,
      // Two new people at once must not be given the same number.
      uid: await (uid === undefined
        ? inTurn(homes, async () => make(homes, path, await nextUid(homes)))
        : make(homes, path, uid)),
    };
  if (uid === undefined || uid === owner || inUse) return { path, uid: owner };
  await move(path, owner, uid);
  return { path, uid };
}

/** Null when there is no such folder. */
async function ownerOf(path: string): Promise<number | null> {
  const seen = await inTime('/usr/bin/stat', ['--format=%u', '--', path], lookWithinMs);
  const owner = Number.parseInt(seen.stdout, 10);
  if (seen.code === 0 && Number.isInteger(owner)) return owner;
  if (/No such file/.test(seen.stderr)) return null;
  throw new AppError('HOME_UNREACHABLE', { why: seen.stderr.slice(0, 300) });
}

/** The last task of each key. */
const turns = new Map<string, Promise<unknown>>();
/** Runs tasks with the same key one after the other. */
function inTurn<T>(key: string, task: () => Promise<T>): Promise<T> {
  const next = (turns.get(key) ?? Promise.resolve()).then(task, task);
  const settled = next
    .catch(() => undefined)
    .then(() => {
      if (turns.get(key) === settled) turns.delete(key);
    });
  turns.set(key, settled);
  return next;
}

async function make(homes: string, path: string, uid: number): Promise<number> {
  const owner = `${uid}:${uid}`;
  const made = await inTime(
    '/bin/sh',
    [
      '-c',
      'mkdir -p -m 700 -- "$2" && mkdir -m 700 -- "$1" && chown -- "$0" "$1"',
      owner,
      path,
      homes,
    ],
    lookWithinMs,
  );
  if (made.code !== 0) throw new AppError('HOME_UNREACHABLE', { why: made.stderr.slice(0, 300) });
  return uid;
}

async function nextUid(homes: string): Promise<number> {
  const seen = await inTime(
    '/usr/bin/find',
    [homes, '-mindepth', '1', '-maxdepth', '1', '-printf', '%U\\n'],
    lookWithinMs,
  );
  const taken = seen.stdout.split('\n').map(Number);
  // Numbers of the city lie above: they are not continued here.
  return Math.max(firstPersonUid, ...taken.filter((uid) => uid < firstCityUid)) + 1;
}

/** The city numbers its people from here on, so that its numbers meet none that a server chose. */
const firstCityUid = 800_000;

/** The home itself changes hands last: as long as it has not, the next launch goes on. */
async function move(path: string, from: number, to: number): Promise<void> {
  const moved = await inTime(
    '/bin/sh',
    [
      '-c',
      'find "$2" -mindepth 1 -maxdepth 1 -exec chown -RhP --from="$0" -- "$1:$1" {} + &&' +
        ' chown -h -- "$1:$1" "$2"',
      String(from),
      String(to),
      path,
    ],
    moveWithinMs,
  );
  if (moved.code !== 0) throw new AppError('HOME_UNREACHABLE', { why: moved.stderr.slice(0, 300) });
}

/** What is not erased in this time goes on at the next attempt. */
const eraseWithinMs = 600_000;

/** On a file server that gives root no right to a home, nobody but its owner can empty it. */
const emptyScript = 'chmod -R u+rwX /own; find /own -xdev -mindepth 1 -delete';
/** A home that is a mounted file system of its own stays, empty. */
const eraseScript = `
rmdir -- "$0" 2>/dev/null && exit 0
rm -rf --one-file-system -- "$0" && exit 0
[ -d "$0" ] && [ -z "$(find "$0" -mindepth 1 -print -quit 2>&1)" ]
`;

/** Erases a person's home, however its folders are protected. Throws AppError HOME_UNREACHABLE when
 * something is left or nothing answers. */
export const eraseHome = (homes: string, accountId: string): Promise<void> =>
  inTurn(join(homes, accountId), async () => {
    const path = join(homes, accountId);
    const owner = await ownerOf(path);
    if (owner === null) return;
    // What this leaves, root erases.
    await inTime(
      '/usr/bin/bwrap',
      [...asPerson(owner, path), '/bin/sh', '-c', emptyScript],
      eraseWithinMs,
    );
    const done = await inTime('/bin/sh', ['-c', eraseScript, path], eraseWithinMs);
    if (done.code !== 0)
      throw new AppError('HOME_UNREACHABLE', {
        why: done.stderr.slice(0, 300) || 'something is left',
      });
  });

const remote = /^(nfs|nfs4|cifs|smb3|9p|ceph|afs|ncpfs|fuse.*|autofs)$/;

/** Whether a path is on a file server, by the table of mounts (/proc/self/mountinfo) alone: nothing
 * is asked of the path itself. Pure. */
export function isRemote(path: string, mounts: string): boolean {
  const above = mounts
    .split('\n')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const point = (before.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      );
      return { point, kind: after.split(' ')[0] ?? '' };
    })
    .filter(({ point }) => point === '/' || path === point || path.startsWith(`${point}/`));
  // Of two mounts in one place the later one covers the earlier one.
  const nearest = above.reduce(
    (best, mount) => (mount.point.length >= best.point.length ? mount : best),
    { point: '', kind: '' },
  );
  return remote.test(nearest.kind);
}

async function inTime(program: string, args: readonly string[], timeoutMs: number) {
  const done = await run(program, args, { timeoutMs, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } });
  if (done.timedOut)
    throw new AppError('HOME_UNREACHABLE', { why: `no answer within ${timeoutMs / 1000} s` });
  return done;
}
