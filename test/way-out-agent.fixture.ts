/** `node way-out-agent.fixture.ts IDENTITY_FOLDER MIRROR_URL FILE`: does once, as an enrolled agent,
 * each thing that an agent does over the network, and prints as JSON what came of it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { AppError } from '@preau/contract/errors.ts';
import { openLink } from '../agent/src/controller-link.ts';
import { createAptHelper } from '../agent/src/drivers/linux/apt-helper.ts';
import { loadIdentity } from '../agent/src/identity.ts';

const [folder = '', mirror = '', file = ''] = process.argv.slice(2);
const identity = loadIdentity(folder);
if (identity === undefined) throw new Error('not enrolled');
const link = openLink(identity);
const outcome = async (work: () => Promise<unknown>): Promise<unknown> => {
  try {
    return await work();
  } catch (error) {
    return error instanceof AppError ? error.code : String(error);
  }
};
const sha256 = 'a'.repeat(64);
const transferId = `trf_${'a'.repeat(22)}`;
const woken = new Promise<string>((resolve) => {
  link.onWake(() => resolve('connected'));
  setTimeout(() => resolve('not connected'), 20_000).unref();
});
const result = {
  state: await outcome(async () => typeof (await link.readDesiredState(null)).document),
  link: await woken,
  package: await outcome(() => link.readPackage(sha256, 0, AbortSignal.timeout(20_000))),
  received: await outcome(() => link.readTransfer(transferId, AbortSignal.timeout(20_000))),
  sent: await outcome(() =>
    link.sendTransfer(transferId, { sha256, size: 3 }, Readable.from([Buffer.from('abc')])),
  ),
  download: await outcome(() =>
    createAptHelper([]).download(mirror, file, {
      kibibytesPerSecond: null,
      sha256: createHash('sha256').update('a package').digest('hex'),
      signal: AbortSignal.timeout(20_000),
    }),
  ),
  content: await outcome(async () => readFileSync(file, 'utf8')),
};
link.close();
console.log(JSON.stringify(result));
process.exit(0);
