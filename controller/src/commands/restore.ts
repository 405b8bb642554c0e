/** `preau restore`. */
import { restoreBackup } from '#src/backups/restore.ts';
import { systemClock } from '#src/platform/clock.ts';
import { type Command, refuse } from './command.ts';

const usage = 'Usage: preau restore [BACKUP] --key FILE [--replace]';

export const restore: Command = {
  args: '[BACKUP] --key FILE [--replace]',
  does: 'Puts a backup back, the newest by default; what is there is kept aside, and only with --replace.',
  run: async (config, args) => {
    const at = args.indexOf('--key');
    const keyFile = at < 0 ? '' : (args[at + 1] ?? '');
    const others = args.filter((_each, index) => at < 0 || (index !== at && index !== at + 1));
    const names = others.filter((each) => each !== '--replace');
    if (keyFile === '' || names.length > 1 || names[0]?.startsWith('--')) return refuse(usage);
    const restored = await restoreBackup({
      config,
      from: names[0] ?? '',
      keyFile,
      replace: others.includes('--replace'),
      now: systemClock.now(),
    });
    const made = new Date(restored.at).toISOString();
    console.log(`Restored ${restored.name}.`);
    console.log(
      `Lost: what was changed after ${made} (${ago(systemClock.now() - restored.at)} ago).`,
    );
    if (restored.lostServers === null)
      console.log('Servers enrolled since are named in the log when they call.');
    else if (restored.lostServers.length > 0)
      console.log(
        `Servers enrolled since, to be enrolled anew: ${restored.lostServers.join(', ')}.`,
      );
    console.log('Revoke again what was revoked since: tokens, badges, sign-ins.');
    if (restored.aside !== null) console.log(`What was there before is in ${restored.aside}.`);
    if (restored.settings !== null)
      console.log(`The settings of that machine are in ${restored.settings}.`);
    console.log('Start the controller: every server catches up by itself.');
    return 0;
  },
};

const ago = (ms: number): string => {
  const minutes = Math.max(Math.round(ms / 60_000), 0);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
};
