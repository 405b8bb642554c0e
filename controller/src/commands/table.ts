/** The commands of the controller's own machine, by name. `packaging/preau` must know the same
 * names; its test compares. */
import { acceptSecretCommand } from './accept-secret.ts';
import { backup } from './backup.ts';
import type { Command } from './command.ts';
import { createAdministrator } from './create-administrator.ts';
import { doctor } from './doctor.ts';
import { moveCommand } from './move.ts';
import { resetSecondFactor } from './reset-second-factor.ts';
import { restore } from './restore.ts';
import { upgradeCommand } from './upgrade.ts';

export const commands: Readonly<Record<string, Command>> = {
  backup,
  restore,
  'accept-secret': acceptSecretCommand,
  'create-administrator': createAdministrator,
  move: moveCommand,
  doctor,
  'reset-second-factor': resetSecondFactor,
  upgrade: upgradeCommand,
};

export const usage = (): string =>
  [
    'Commands of the city’s own machine:',
    ...Object.entries(commands).flatMap(([name, { args, does }]) => [
      `  preau ${name} ${args}`.trimEnd(),
      `      ${does}`,
    ]),
  ].join('\n');
