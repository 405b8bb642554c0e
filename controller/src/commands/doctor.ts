/** Says what is wrong with this installation and what to do. Changes nothing. */

import { runDoctor } from '#src/doctor/run.ts';
import { systemClock } from '#src/platform/clock.ts';
import { version } from '#src/version.ts';
import type { Command } from './command.ts';

export const doctor: Command = {
  args: '[--json] [--bundle FILE [--log FILE]]',
  does:
    'Says what is wrong and what to do; --bundle writes a file for whoever helps, without any ' +
    'name, and --log adds the last lines of a log to it (- is standard input).',
  toleratesFaults: true,
  run: (_config, args) =>
    runDoctor(args, { version, now: systemClock.now(), say: (text) => console.log(text) }),
};
