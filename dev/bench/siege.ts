/** `npm run bench -- siege [--minutes 5] [--only pingers,slow]`: honest people sign in and open
 * programs while attackers with half a core attack the same city through the nginx that it ships.
 * First a quiet minute measures the same people alone. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTalking, type Talking } from '../services.ts';
import { type Figure, median, quantile, round } from './figures.ts';
import type { AttackQuestion } from './siege/attackers.ts';
import type { AttackCounts } from './siege/attacks.ts';
import { openBesiegedCity, password, people, slugs } from './siege/city.ts';
import { cpuSeconds, type Spent, settledMegabytes } from './siege/consumption.ts';
import { openHalfACore } from './siege/half-a-core.ts';
import type { Experience, HonestQuestion } from './siege/honest.ts';

const minuteMs = 60_000;
/** Connections come at two hundred a second; then everything runs. */
const gatherMs = 15_000;
const settleMs = 12_000;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A minute of honest people. */
interface Minute {
  signIns: Experience;
  launches: Experience;
  sameAddress: Experience;
}
interface Honest {
  elsewhere: Talking;
  sameAddress: Talking;
}

/** 300 sign in over the whole minute at the attackers' address; elsewhere 23 a second for ten
 * seconds, then a class of 25 opens a program within two. */
async function honestMinute({ elsewhere, sameAddress }: Honest): Promise<Minute> {
  const began = Date.now();
  const ask = (who: Talking, question: HonestQuestion) => who.ask(question) as Promise<Experience>;
  const neighbours = ask(sameAddress, {
    ...{ do: 'sign-in', logins: people.sameAddress, password, withinMs: minuteMs - 5000 },
  });
  await pause(8000);
  const signIns = await ask(elsewhere, {
    ...{ do: 'sign-in', logins: people.elsewhere, password, withinMs: 10_000 },
  });
  await pause(Math.max(0, 30_000 - (Date.now() - began)));
  const launches = await ask(elsewhere, {
    ...{ do: 'launch', logins: people.launching, password, slug: slugs.allowed, withinMs: 2000 },
  });
  const minute = { signIns, launches, sameAddress: await neighbours };
  await pause(Math.max(0, minuteMs - (Date.now() - began)));
  return minute;
}

const together = (experiences: readonly Experience[]): Experience => ({
  ms: experiences.flatMap(({ ms }) => ms),
  hidden: experiences.reduce((sum, { hidden }) => sum + hidden, 0),
  ready: experiences.reduce((sum, { ready }) => sum + ready, 0),
  errors: experiences.reduce<Record<string, number>>((all, { errors }) => {
    for (const [why, count] of Object.entries(errors)) all[why] = (all[why] ?? 0) + count;
    return all;
  }, {}),
});
const errorsOf = ({ errors }: Experience) =>
  Object.values(errors).reduce((sum, count) => sum + count, 0);
const told = (experience: Experience) => ({
  people: experience.ms.length,
  p50_ms: round(median(experience.ms), 0),
  p95_ms: round(quantile(experience.ms, 0.95), 0),
  max_ms: round(Math.max(...experience.ms), 0),
  refusals_hidden_by_the_page: experience.hidden,
  ...(errorsOf(experience) === 0 ? {} : { errors: experience.errors }),
});

function minutesOf(words: readonly string[]): number {
  const at = words.indexOf('--minutes');
  const minutes = at < 0 ? 5 : Number(words[at + 1]);
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > 600)
    throw new Error('--minutes takes a whole number from 1 to 600');
  return minutes;
}

/** Only these attack: to find out who hurts. */
function onlyOf(words: readonly string[]): string[] | null {
  const at = words.indexOf('--only');
  return at < 0 ? null : (words[at + 1] ?? '').split(',');
}

export async function measureSiege(
  tell: (text: string) => void,
  signal: AbortSignal,
  words: readonly string[],
): Promise<Figure[]> {
  const minutes = minutesOf(words);
  const only = onlyOf(words);
  const folder = join(tmpdir(), `preau-bench-siege-${process.pid}`);
  const besieged = await openBesiegedCity(folder);
  const half = openHalfACore(`preau-siege-${process.pid}`);
  const { front, inside } = besieged;
  const start = (file: string, where: readonly string[]) =>
    startTalking(`dev/bench/siege/${file}.ts`, join(folder, `${file}.log`), where);
  const honest: Honest = {
    elsewhere: start('honest', inside.elsewhere),
    sameAddress: start('honest', inside.sameAddress),
  };
  // The group first: inside a network namespace the control groups are out of sight.
  const attackers = start('attackers', [...half.inside, ...inside.sameAddress]);
  const attack = (question: AttackQuestion) =>
    attackers.ask(question) as Promise<Record<string, AttackCounts> | null>;
  try {
    for (const each of Object.values(honest)) await each.ask({ do: 'arrive', front });
    await attack({
      ...{ do: 'prepare', front, password, slugs },
      ...{ pupils: people.attackers, contact: people.contact, siteId: besieged.siteId },
    });
    // The first of everything is slower.
    await honestMinute(honest);
    signal.throwIfAborted();
    const quiet = await honestMinute(honest);
    tell(`quiet: ${JSON.stringify(each(quiet))}`);
    const { pid } = besieged.city.controller;
    const before = await settledMegabytes(pid(), besieged.debugPort);

    const atFirst = cpuSeconds(pid());
    await attack({ do: 'begin', only });
    await pause(gatherMs);
    const siege: Minute[] = [];
    for (let minute = 1; minute <= minutes; minute += 1) {
      signal.throwIfAborted();
      const one = await honestMinute(honest);
      siege.push(one);
      tell(`minute ${minute} of the siege: ${JSON.stringify(each(one))}`);
    }
    const counts = (await attack({ do: 'count' })) ?? {};
    const spent = cpuSeconds(pid());
    const inFront = besieged.frontErrors();
    const throttled = half.throttledSeconds();
    tell(`attackers: ${JSON.stringify(counts)}`);
    await attack({ do: 'stop' });
    await pause(settleMs);
    const after = await settledMegabytes(pid(), besieged.debugPort);

    await attack({ do: 'begin', only });
    await pause(gatherMs);
    const stopping = Date.now();
    await besieged.city.controller.stop();
    const stopS = (Date.now() - stopping) / 1000;
    return figuresOf({
      ...{ minutes, quiet, siege, counts, inFront, throttled, before, after, stopS },
      controller: {
        all: spent.all - atFirst.all,
        main: spent.main - atFirst.main,
        waited: spent.waited - atFirst.waited,
      },
    });
  } finally {
    for (const child of [attackers, ...Object.values(honest)]) await child.end();
    await besieged.stop();
    half.close();
  }
}

const each = ({ signIns, launches, sameAddress }: Minute) => ({
  sign_ins: told(signIns),
  launches: { ...told(launches), ready: launches.ready },
  same_address: told(sameAddress),
});

interface Measured {
  minutes: number;
  quiet: Minute;
  siege: readonly Minute[];
  counts: Record<string, AttackCounts>;
  /** What nginx complained of, by kind. */
  inFront: Record<string, number>;
  throttled: number;
  controller: Spent;
  before: number;
  after: number;
  stopS: number;
}

function figuresOf(measured: Measured): Figure[] {
  const { quiet, siege, counts, before, after, stopS } = measured;
  const [signIns, launches, sameAddress] = (['signIns', 'launches', 'sameAddress'] as const).map(
    (name) => together(siege.map((minute) => minute[name])),
  ) as [Experience, Experience, Experience];
  const p95 = ({ ms }: Experience) => quantile(ms, 0.95);
  const errors = errorsOf(signIns) + errorsOf(launches);
  const figure = (
    id: string,
    value: number,
    unit: Figure['unit'],
    most: number | null,
    detail: Record<string, unknown> = {},
  ): Figure => ({
    id: `siege.${id}`,
    value,
    unit,
    aim: most === null ? 'reported' : most === 0 ? '0' : `≤ ${most}`,
    holds: most === null || value <= most,
    detail,
  });
  const signInRatio = p95(signIns) / p95(quiet.signIns);
  const launchRatio = p95(launches) / p95(quiet.launches);
  return [
    figure('sign_in_vs_quiet', round(signInRatio, 2), 'ratio', 4, {
      ...{ minutes: measured.minutes, per_second: 23, attackers: counts },
      attackers_waited_for_their_half_core_s: round(measured.throttled, 1),
      controller_cpu_s: round(measured.controller.all, 1),
      controller_main_thread_cpu_s: round(measured.controller.main, 1),
      controller_main_thread_waited_for_a_core_s: round(measured.controller.waited, 1),
      ...{ quiet: told(quiet.signIns), siege: told(signIns) },
    }),
    figure('launch_vs_quiet', round(launchRatio, 2), 'ratio', 10, {
      ...{ quiet: told(quiet.launches), siege: told(launches) },
      ready: `${launches.ready} of ${launches.ms.length}`,
    }),
    figure('sign_in_ms_p95', round(p95(signIns), 0), 'ms', null),
    figure('launch_decision_ms_p95', round(p95(launches), 0), 'ms', null),
    figure('errors_for_honest', errors, 'count', 0, {
      ...{ ...signIns.errors, ...launches.errors, nginx: measured.inFront },
    }),
    figure('errors_for_honest_same_address', errorsOf(sameAddress), 'count', 0, {
      ...{ quiet: told(quiet.sameAddress), siege: told(sameAddress) },
    }),
    figure('memory_growth_mb', round(after - before, 0), 'MB', 100, {
      before_mb: round(before, 0),
      after_mb: round(after, 0),
    }),
    figure('stop_s', round(stopS, 1), 's', 10),
  ];
}
