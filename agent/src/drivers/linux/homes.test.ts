/** Which homes are on a file server, by the table of mounts alone. */
import { expect, test } from 'vitest';
import { isRemote } from './homes.ts';

const mounts = [
  '22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
  '30 22 0:30 / /home rw - xfs /dev/sdb1 rw',
  '31 22 0:31 / /srv/homes rw master:2 - nfs4 server:/homes rw',
  '32 31 0:32 / /srv/homes/lea rw - ext4 /dev/sdc1 rw',
  '33 22 0:33 / /srv/two\\040words rw - fuse.sshfs server: rw',
  '34 22 0:34 / /srv/covered rw - nfs server: rw',
  '35 22 0:35 / /srv/covered rw - tmpfs tmpfs rw',
].join('\n');

const paths: [path: string, remote: boolean][] = [
  ['/var/lib/preau-agent/homes/a', false],
  ['/home/a', false],
  ['/srv/homes', true],
  ['/srv/homes/tom/Mon appareil', true],
  ['/srv/homes-of-others', false],
  ['/srv/homes/lea/Mon appareil', false],
  ['/srv/two words/a', true],
  ['/srv/covered/a', false],
];
test.each(paths)('%s', (path, remote) => {
  expect(isRemote(path, mounts)).toBe(remote);
});
