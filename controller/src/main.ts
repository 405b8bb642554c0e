/** `node controller/src/main.ts`: runs the controller of a city. `node controller/src/main.ts
 * create-administrator LOGIN "Name"`: creates the first administrator, on the server itself only;
 * the password is read from standard input. `node controller/src/main.ts reset-second-factor
 * LOGIN`: for a technician who has lost telephone, recovery codes and keys. */

import { text } from 'node:stream/consumers';
import { Account } from '@preau/contract/account.ts';
import { Compile } from 'typebox/compile';
import { insertAccounts } from './accounts/store.ts';
import { ConfigError, type Environment, readConfig } from './config.ts';
import { openCity, startController } from './controller.ts';
import { selectAccountIdByLogin } from './identity/admission/store.ts';
import { resetSecondFactor } from './identity/second-factor/second-factor.ts';
import { IdentityFaults, readIdentity } from './identity/settings.ts';
import { systemClock } from './platform/clock.ts';
import { createPasswords } from './platform/passwords.ts';
import { startRefusal } from './start-refusal.ts';

function configOrExit(): Environment {
  try {
    const config = readConfig();
    readIdentity(config.PREAU_IDENTITY);
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof IdentityFaults)) throw error;
    console.error(error.message);
    process.exit(2);
  }
}

/** Asks for no password, because anyone who may run this on the server can also read the
 * database. */
async function forgetSecondFactor(config: Environment, login: string): Promise<void> {
  const { database } = await openCity(config);
  const id = await selectAccountIdByLogin(database, login);
  const done =
    id !== undefined &&
    (await database
      .transaction()
      .execute((rows) => resetSecondFactor({ clock: systemClock }, rows, id)));
  await database.destroy();
  if (!done) {
    console.error(`There is no account ${JSON.stringify(login)}. Usage: reset-second-factor LOGIN`);
    process.exit(2);
  }
  console.log(
    `The second factors of ${login} are forgotten: the password alone signs in until new ones are made.`,
  );
}

async function createAdministrator(
  config: Environment,
  login: string,
  displayName: string,
): Promise<void> {
  if (
    !Compile(Account.properties.login).Check(login) ||
    !Compile(Account.properties.displayName).Check(displayName)
  ) {
    console.error(
      'Usage: create-administrator LOGIN "Name" (login: lower-case letters, digits, . _ -), password on standard input',
    );
    process.exit(2);
  }
  const password = (await text(process.stdin)).replace(/\r?\n$/, '');
  if (password.length < 12) {
    console.error('The password must have at least 12 characters.');
    process.exit(2);
  }
  const { database } = await openCity(config);
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
    Date.now(),
  );
  await database.destroy();
  console.log(`Administrator ${login} created.`);
}

const config = configOrExit();
const [command, login = '', displayName = login] = process.argv.slice(2);
if (command === 'create-administrator') await createAdministrator(config, login, displayName);
else if (command === 'reset-second-factor') await forgetSecondFactor(config, login);
else if (command !== undefined) {
  console.error(`Unknown command ${command}. Known: create-administrator, reset-second-factor.`);
  process.exit(2);
} else {
  const controller = await startController(config).catch((error: unknown) => {
    const refusal = startRefusal(error);
    if (refusal === null) throw error;
    console.error(refusal);
    // Whatever has been opened so far ends with the process.
    process.exit(1);
  });
  // npm, a terminal and a container engine may each send a signal: the first one counts.
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      // What hangs is left behind, and has been logged: the next start tidies up after it.
      controller.close().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });
  }
}
