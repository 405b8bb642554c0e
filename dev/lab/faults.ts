/** The faults a lab can have, by name, each with what undoes it: for the command line. Code calls
 * the parts directly. */
import type { Lab } from './lab.ts';
import { type SourceFault, sourceFaults } from './mirror.ts';
import type { LabServer, School } from './school.ts';

interface Fault {
  /** The arguments after the name. */
  words: string;
  says: string;
  undo: string;
  run: (lab: Lab, words: readonly string[]) => Promise<unknown> | unknown;
}

function schoolOf(lab: Lab, word: string | undefined): School {
  const found = lab.schools.find((school) => String(school.number) === word?.split('.')[0]);
  if (found === undefined) throw new Error(`no school ${word ?? ''}: 1 to ${lab.schools.length}`);
  return found;
}
/** `3` is the first server of school 3, `3.2` its second. */
function serverOf(lab: Lab, word: string | undefined): LabServer {
  const found = schoolOf(lab, word).servers[Number(word?.split('.')[1] ?? '1') - 1];
  if (found === undefined) throw new Error(`no server ${word ?? ''}`);
  return found;
}
function numberOf(word: string | undefined, min: number, max: number): number {
  const number = Number(word);
  if (!(number >= min && number <= max))
    throw new Error(`${word ?? 'nothing'}: expected a number from ${min} to ${max}`);
  return number;
}
const isSourceFault = (word: string | undefined): word is SourceFault =>
  sourceFaults.some((fault) => fault === word);

export const faults: Record<string, Fault> = {
  cut: {
    words: 'SCHOOL',
    says: 'nothing crosses its uplink, in silence',
    undo: 'mend',
    run: (lab, [where]) => schoolOf(lab, where).cut(),
  },
  lose: {
    words: 'SCHOOL PERCENT',
    says: 'that share is lost, both ways',
    undo: 'mend',
    run: (lab, [where, share]) => schoolOf(lab, where).lose(numberOf(share, 1, 100)),
  },
  mend: {
    words: 'SCHOOL',
    says: 'everything crosses again',
    undo: '',
    run: (lab, [where]) => schoolOf(lab, where).mend(),
  },
  slow: {
    words: 'SCHOOL KBIT',
    says: 'its uplink carries so much a second',
    undo: 'quicken',
    run: (lab, [where, rate]) => schoolOf(lab, where).slow(numberOf(rate, 8, 10_000_000)),
  },
  quicken: {
    words: 'SCHOOL',
    says: 'no limit',
    undo: '',
    run: (lab, [where]) => schoolOf(lab, where).quicken(),
  },
  unplug: {
    words: 'SERVER',
    says: 'its own cable is out: it knows at once',
    undo: 'plug',
    run: (lab, [where]) => serverOf(lab, where).unplug(),
  },
  plug: {
    words: 'SERVER',
    says: 'the cable is in',
    undo: '',
    run: (lab, [where]) => serverOf(lab, where).plug(),
  },
  'kill-agent': {
    words: 'SERVER',
    says: 'kill -9',
    undo: 'start-agent',
    run: (lab, [where]) => serverOf(lab, where).agent.kill(),
  },
  'start-agent': {
    words: 'SERVER',
    says: 'starts it, after killing one that runs',
    undo: '',
    run: (lab, [where]) => serverOf(lab, where).agent.restart(),
  },
  'freeze-agent': {
    words: 'SERVER',
    says: 'SIGSTOP',
    undo: 'thaw-agent',
    run: (lab, [where]) => serverOf(lab, where).agent.freeze(),
  },
  'thaw-agent': {
    words: 'SERVER',
    says: 'SIGCONT',
    undo: '',
    run: (lab, [where]) => serverOf(lab, where).agent.thaw(),
  },
  'kill-sshd': {
    words: 'SERVER',
    says: 'kill -9',
    undo: 'start-sshd',
    run: (lab, [where]) => serverOf(lab, where).sshd.kill(),
  },
  'start-sshd': {
    words: 'SERVER',
    says: 'starts it',
    undo: '',
    run: (lab, [where]) => serverOf(lab, where).sshd.restart(),
  },
  'kill-installer': {
    words: 'SERVER',
    says: 'kill -9 of apt, dpkg and their children',
    undo: '',
    run: (lab, [where]) => serverOf(lab, where).killInstaller(),
  },
  fill: {
    words: 'SERVER',
    says: 'no byte is left on its disk (a lab with --disk)',
    undo: 'free',
    run: (lab, [where]) => serverOf(lab, where).fillDisk(),
  },
  free: {
    words: 'SERVER',
    says: 'what filled it is deleted',
    undo: '',
    run: (lab, [where]) => serverOf(lab, where).freeDisk(),
  },
  off: {
    words: 'SERVER',
    says: 'the power goes',
    undo: 'on',
    run: (lab, [where]) => serverOf(lab, where).powerOff(),
  },
  on: {
    words: 'SERVER',
    says: 'and comes back',
    undo: '',
    run: (lab, [where]) => serverOf(lab, where).powerOn(),
  },
  reimage: {
    words: 'SERVER',
    says: 'a new disk, a new enrolment',
    undo: '',
    run: (lab, [where]) => serverOf(lab, where).reimage(),
  },
  source: {
    words: `${sourceFaults.join('|')} [SCHOOL]`,
    says: 'the package source misbehaves, for one school or all',
    undo: 'source-well',
    run: (lab, [fault, where]) => {
      if (!isSourceFault(fault))
        throw new Error(`${fault ?? 'nothing'}: expected ${sourceFaults.join(', ')}`);
      lab.mirror.misbehave(
        fault,
        where === undefined ? {} : { addresses: schoolOf(lab, where).addresses },
      );
    },
  },
  'source-well': {
    words: '',
    says: 'all of that ends',
    undo: '',
    run: (lab) => lab.mirror.behave(),
  },
  'kill-controller': {
    words: '',
    says: 'kill -9',
    undo: 'start-controller',
    run: (lab) => lab.controller.kill(),
  },
  'start-controller': {
    words: '',
    says: 'starts it again',
    undo: '',
    run: (lab) => lab.controller.startAgain(),
  },
  'freeze-controller': {
    words: '',
    says: 'SIGSTOP',
    undo: 'thaw-controller',
    run: (lab) => lab.controller.freeze(),
  },
  'thaw-controller': { words: '', says: 'SIGCONT', undo: '', run: (lab) => lab.controller.thaw() },
  'kill-redis': { words: '', says: 'kill -9', undo: 'start-redis', run: (lab) => lab.redis.kill() },
  'start-redis': {
    words: '',
    says: 'starts it again',
    undo: '',
    run: (lab) => lab.redis.startAgain(),
  },
  'flush-redis': {
    words: '',
    says: 'all it held is gone',
    undo: '',
    run: (lab) => lab.redis.flush(),
  },
};
