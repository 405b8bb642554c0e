/** Creates the first administrator. The password is read from standard input. */
import { text } from 'node:stream/consumers';
import { Account } from '@preau/contract/account.ts';
import { Compile } from 'typebox/compile';
import { insertAccounts } from '#src/accounts/store.ts';
import { openCity } from '#src/open-city.ts';
import { systemClock } from '#src/platform/clock.ts';
import { createPasswords } from '#src/platform/passwords.ts';
import { type Command, refuse } from './command.ts';

export const createAdministrator: Command = {
  args: 'LOGIN "Name"',
  does: 'Creates an administrator, whose password is read from standard input.',
  run: async (config, [login = '', displayName = login]) => {
    if (
      !Compile(Account.properties.login).Check(login) ||
      !Compile(Account.properties.displayName).Check(displayName)
    )
      return refuse(
        'Usage: create-administrator LOGIN "Name" (login: lower-case letters, digits, . _ -), ' +
          'password on standard input',
      );
    const password = (await text(process.stdin)).replace(/\r?\n$/, '');
    if (password.length < 12) return refuse('The password must have at least 12 characters.');
    const { database } = await openCity(config, 'command');
    await insertAccounts(
      database,
      [
        {
          login,
          displayName,
          role: 'administrator',
          siteId: null,
          passwordHash: await createPasswords().hash(password),
        },
      ],
      systemClock.now(),
    );
    await database.destroy();
    console.log(`Administrator ${login} created.`);
    return 0;
  },
};
