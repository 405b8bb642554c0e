/** The city that is besieged: three schools with simulated servers, the shipped nginx in front, and
 * two network namespaces with an address each, one of which the attackers share with a school. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { insertAccounts } from '../../../controller/src/accounts/store.ts';
import { createPasswords } from '../../../controller/src/platform/passwords.ts';
import { frontName, makeCertificate, startFront } from '../../front.ts';
import { cityAddress, claimSlot, layCables, names, sweep } from '../../lab/network.ts';
import { freePort, root } from '../../services.ts';
import { type FleetCity, startFleetCity } from '../fleet-city.ts';
import { offerEverywhere } from '../offer-everywhere.ts';
import type { Front } from './web.ts';

export const password = 'bonjour-la-classe';
export const slugs = { allowed: 'dessin', refused: 'interdit' };
const numbered = (word: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${word}${at}`);
/** Who signs in, and who attacks. `sameAddress` and the attackers are of the first school. */
export const people = {
  sameAddress: numbered('voisin', 300),
  elsewhere: numbered('ailleurs', 230),
  launching: numbered('classe', 25),
  attackers: numbered('pirate', 21),
  contact: 'referente',
};

export interface BesiegedCity {
  city: FleetCity;
  front: Front;
  /** Where the controller listens for a debugger, once it gets SIGUSR1. */
  debugPort: number;
  /** Words that start a program in the attackers' school, and in another one. */
  inside: { sameAddress: readonly string[]; elsewhere: readonly string[] };
  /** The attackers' school. */
  siteId: string;
  /** What nginx has complained of, by kind. */
  frontErrors: () => Record<string, number>;
  stop: () => Promise<void>;
}

export async function openBesiegedCity(folder: string): Promise<BesiegedCity> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const slot = await claimSlot(folder);
  const closing: (() => Promise<unknown> | unknown)[] = [() => sweep(slot, null)];
  const stop = async () => {
    for (const close of closing.toReversed()) await close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await layCables(slot, [
      { number: 1, servers: 1 },
      { number: 2, servers: 1 },
    ]);
    const [port, debugPort] = [await freePort(), await freePort()];
    const passwordHash = await createPasswords().hash(password);
    const city = await startFleetCity({
      folder: join(folder, 'city'),
      ...{ sites: 3, servers: 3, slugs: Object.values(slugs), processes: 1 },
      // Half of the tunnels end at somebody who does not read.
      isDeaf: (call) => call % 2 === 0,
      env: {
        PREAU_PUBLIC_URL: `https://${frontName}:${port}`,
        PREAU_TRUSTED_PROXIES: '127.0.0.1',
        PREAU_CONSOLE: join(root, 'console/build'),
        NODE_OPTIONS: `--inspect-port=127.0.0.1:${debugPort}`,
      },
      furnish: async (rows, [near = '', far = '']) => {
        const pupils = (logins: readonly string[], siteId: string) =>
          logins.map((login) => ({
            ...{ login, displayName: login, role: 'pupil' as const, siteId, passwordHash },
          }));
        const contact = { login: people.contact, displayName: 'Référente', siteId: near };
        await insertAccounts(
          rows,
          [
            ...pupils([...people.sameAddress, ...people.attackers], near),
            ...pupils([...people.elsewhere, ...people.launching], far),
            { ...contact, role: 'contact' as const, passwordHash },
          ],
          Date.now(),
        );
      },
    });
    closing.push(city.stop);
    const certificate = await makeCertificate(join(folder, 'certificate'));
    const nginx = await startFront({
      ...{ folder: join(folder, 'nginx'), address: cityAddress(slot), port, certificate },
      controllerPort: Number(new URL(city.url).port),
    });
    closing.push(nginx.stop);
    await offerEverywhere(city, [slugs.allowed]);
    const { authority } = certificate;
    const inside = (school: number) => ['ip', 'netns', 'exec', names.server(slot, school, 1)];
    return {
      ...{ city, debugPort, stop, siteId: city.siteIds[0] ?? '' },
      frontErrors: () => errorsIn(join(folder, 'nginx/logs/error.log')),
      front: { address: cityAddress(slot), port, name: frontName, authority },
      inside: { sameAddress: inside(1), elsewhere: inside(2) },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function errorsIn(path: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [, kind = ''] = /\*\d+ (.*?)(?: while | to |, client|$)/.exec(line) ?? [];
    const where = / while ([a-z ]+)/.exec(line)?.[1] ?? '';
    if (kind !== '')
      counts[`${kind} ${where}`.trim()] = (counts[`${kind} ${where}`.trim()] ?? 0) + 1;
  }
  return counts;
}
