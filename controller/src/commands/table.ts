/** The commands of the controller's own machine, by name. `packaging/preau` must know the same
 * names; its test compares. */
import type { Command } from './command.ts';

/** Loaded when called: a command waits for no module of another, nor of the controller that serves. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  backup: async () => (await import('./backup.ts')).backup,
  restore: async () => (await import('./restore.ts')).restore,
  'accept-secret': async () => (await import('./accept-secret.ts')).acceptSecretCommand,
  'create-administrator': async () =>
    (await import('./create-administrator.ts')).createAdministrator,
  move: async () => (await import('./move.ts')).moveCommand,
  doctor: async () => (await import('./doctor.ts')).doctor,
  'reset-second-factor': async () => (await import('./reset-second-factor.ts')).resetSecondFactor,
  upgrade: async () => (await import('./upgrade.ts')).upgradeCommand,
};

export async function usage(): Promise<string> {
  const lines = ['Commands of the city’s own machine:'];
  for (const [name, load] of Object.entries(commands)) {
    const { args, does } = await load();
    lines.push(`  preau ${name} ${args}`.trimEnd(), `      ${does}`);
  }
  return lines.join('\n');
}
