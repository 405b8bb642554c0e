/** The database's part of an upgrade and of the way back. Stopping and starting the controller is the
 * part of packaging/linux/upgrade.sh and packaging/container/upgrade.sh, which call this. */
import {
  type Place,
  takeBackUpgrade,
  tryMigrations,
  upgradeDatabase,
} from '#src/platform/upgrading/upgrade.ts';
import { type Command, refuse } from './command.ts';

const usage =
  'Usage: upgrade --try | --migrate | --back (packaging/linux/upgrade.sh and ' +
  'packaging/container/upgrade.sh do all of it)';

const listed = (names: readonly string[]): string =>
  names.length === 0 ? 'none' : names.join(', ');

const steps: Readonly<Record<string, (place: Place) => Promise<number>>> = {
  '--try': async (place) => {
    console.log(`Migrations tried, and nothing changed: ${listed(await tryMigrations(place))}.`);
    return 0;
  },
  '--migrate': async (place) => {
    console.log(`Migrations done: ${listed(await upgradeDatabase(place))}.`);
    return 0;
  },
  '--back': async (place) => {
    const names = await takeBackUpgrade(place);
    if (names === null)
      return refuse('No upgrade is noted in the data folder: there is nothing to take back.', 1);
    console.log(`Migrations taken back, with the rows of today: ${listed(names)}.`);
    return 0;
  },
};

export const upgradeCommand: Command = {
  args: '--try | --migrate | --back',
  does: 'Tries the migrations of this version on a copy, does them, or takes them back.',
  run: async (config, [flag = '', ...more]) => {
    const step = Object.hasOwn(steps, flag) ? steps[flag] : undefined;
    if (step === undefined || more.length > 0) return refuse(usage);
    return step({ folder: config.PREAU_DATA, address: config.PREAU_DATABASE_URL });
  },
};
