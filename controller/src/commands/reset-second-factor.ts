/** For a technician who has lost telephone, recovery codes and keys. Asks for no password, because
 * anyone who may run this on the server can also read the database. */

import { selectAccountIdByLogin } from '#src/identity/admission/store.ts';
import { resetSecondFactor as forget } from '#src/identity/second-factor/second-factor.ts';
import { openCity } from '#src/open-city.ts';
import { systemClock } from '#src/platform/clock.ts';
import { type Command, refuse } from './command.ts';

export const resetSecondFactor: Command = {
  args: 'LOGIN',
  does: 'Forgets the second factors of a person: the password alone signs in until new ones are made.',
  run: async (config, [login = '']) => {
    const { database } = await openCity(config, 'command');
    const id = await selectAccountIdByLogin(database, login);
    const done =
      id !== undefined &&
      (await database.transaction().execute((rows) => forget({ clock: systemClock }, rows, id)));
    await database.destroy();
    if (!done)
      return refuse(
        `There is no account ${JSON.stringify(login)}. Usage: reset-second-factor LOGIN`,
      );
    console.log(
      `The second factors of ${login} are forgotten: the password alone signs in until new ones are made.`,
    );
    return 0;
  },
};
