/** What follows runs with this person's rights, and can gain no others. */
export const withRightsOf = (uid: number): string[] => [
  '/usr/bin/setpriv',
  '--reuid',
  String(uid),
  '--regid',
  String(uid),
  '--clear-groups',
  '--no-new-privs',
  '--bounding-set=-all',
];

/** Arguments of bubblewrap that show the system's programs, and nothing else of it. */
export const systemPrograms = [
  '--ro-bind',
  '/usr',
  '/usr',
  ...['bin', 'lib', 'lib64', 'sbin'].flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]),
];

/** Arguments of bubblewrap for a program that works on one folder of a person with the person's own
 * rights: it sees that folder, as `/own`, and the system's programs. The program and its arguments
 * follow. Pure. */
export const asPerson = (uid: number, folder: string): string[] => [
  ...systemPrograms,
  '--proc',
  '/proc',
  '--dev',
  '/dev',
  '--tmpfs',
  '/tmp',
  '--bind',
  folder,
  '/own',
  '--chdir',
  '/',
  '--unshare-pid',
  '--unshare-net',
  '--unshare-ipc',
  '--unshare-uts',
  '--die-with-parent',
  ...withRightsOf(uid),
];
