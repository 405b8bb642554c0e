/** For a city whose secret is lost for good. */
import { openDatabaseOf } from '#src/open-city.ts';
import { acceptSecret as accept } from '#src/platform/own-secret/own-secret.ts';
import type { Command } from './command.ts';

export const acceptSecretCommand: Command = {
  args: '',
  does: 'Takes the secret that is there, or a new one, for this database: the earlier one is lost.',
  run: async (config) => {
    const { database } = await openDatabaseOf(config, 'command');
    await accept(config, database);
    await database.destroy();
    console.log('The database now belongs to this secret.');
    console.log('Every server must be enrolled anew: its agent obeys only the earlier secret.');
    console.log(
      'Whoever signs in with a code from a telephone needs: preau reset-second-factor LOGIN',
    );
    return 0;
  },
};
