/** `node controller/src/main.ts`: the controller of a city.
 *  `node controller/src/main.ts create-administrator LOGIN "Name"`: the first administrator, on the server itself only;
 *  the password is read from standard input. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Account } from '@preau/contract/account.ts';
import { Compile } from 'typebox/compile';
import { insertAccounts } from './accounts/store.ts';
import { ConfigError, type Environment, readConfig } from './config.ts';
import { startController } from './controller.ts';
import { migrate, openDatabase } from './platform/database.ts';
import { createPasswords } from './platform/passwords.ts';

function configOrExit(): Environment {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(2);
  }
}

async function createAdministrator(config: Environment, login: string, displayName: string): Promise<void> {
  if (!Compile(Account.properties.login).Check(login) || !Compile(Account.properties.displayName).Check(displayName)) {
    console.error('Usage: create-administrator LOGIN "Name" (login: lower-case letters, digits, . _ -), password on standard input');
    process.exit(2);
  }
  const password = (await text(process.stdin)).replace(/\r?\n$/, '');
  if (password.length < 12) {
    console.error('The password must have at least 12 characters.');
    process.exit(2);
  }
  mkdirSync(config.PREAU_DATA, { recursive: true, mode: 0o700 });
  const postgres = config.PREAU_DATABASE_URL !== '';
  const database = openDatabase(postgres ? config.PREAU_DATABASE_URL : join(config.PREAU_DATA, 'preau.sqlite'));
  await migrate(database, postgres);
  await insertAccounts(database, [{ login, displayName, role: 'administrator', siteId: null, passwordHash: await createPasswords().hash(password) }], Date.now());
  await database.destroy();
  console.log(`Administrator ${login} created.`);
}

const config = configOrExit();
const [command, login = '', displayName = login] = process.argv.slice(2);
if (command === 'create-administrator') await createAdministrator(config, login, displayName);
else if (command !== undefined) {
  console.error(`Unknown command ${command}. Known: create-administrator.`);
  process.exit(2);
} else {
  const controller = await startController(config);
  // npm, a terminal and a container engine may each send a signal: the first one counts.
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      controller.close().then(() => process.exit(0), () => process.exit(1));
    });
  }
}
