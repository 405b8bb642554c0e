/** Ten real programs on every school of the lab: by a rollout, by plain `apt-get` in all of them at
 * once, and by Ansible with as many forks. The roots are recreated before each; package source and
 * run are the same. Then each runs again with nothing to do.
 *
 *  `--sites 6` is a shorter run. A school of two servers shows what crosses the school's line only
 * once. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultDraft, type RolloutDraft } from '@preau/contract/rollout-draft.ts';
import { answered } from '../answered.ts';
import { labFolder, tenPackages, tenPrograms } from '../lab/base.ts';
import { run } from '../lab/host.ts';
import { type Lab, startLab } from '../lab/lab.ts';
import type { LabServer } from '../lab/school.ts';
import { GivenUp, until } from '../services.ts';
import { type Figure, round } from './figures.ts';

const seconds = (from: number) => (performance.now() - from) / 1000;

export async function measureRollout(
  tell: (text: string) => void,
  signal: AbortSignal,
): Promise<Figure[]> {
  const asked = process.argv.indexOf('--sites');
  const sites = asked < 0 ? 27 : Number(process.argv[asked + 1]);
  if (!(sites >= 2 && sites <= 27)) throw new Error('--sites takes a number from 2 to 27');
  tell(`lab of ${sites} schools`);
  const lab = await startLab({
    sites,
    serversPerSite: { 1: 2 },
    folder: join(labFolder, 'bench'),
    tell: (step, took) => tell(`${step} … ${took.toFixed(1)} s`),
  });
  try {
    signal.throwIfAborted();
    // Warms the page cache: otherwise the first method would read the packages from the disk, and
    // the others from memory.
    await installPlainly(lab.servers.slice(0, 1));
    await renew(lab, tell);
    const plain = await measurePlain(lab, tell);
    await renew(lab, tell);
    signal.throwIfAborted();
    const ours = await measureOurs(lab, tell);
    await renew(lab, tell);
    signal.throwIfAborted();
    const ansible = await measureAnsible(lab, tell);
    await renew(lab, tell);
    signal.throwIfAborted();
    // Measured again at the end, because this machine's speed varies; the mean of both is compared.
    const again = await measurePlain(lab, tell);
    const aptS = (plain.wallS + again.wallS) / 2;
    const figure = (
      id: string,
      value: number,
      judged: Pick<Figure, 'unit' | 'aim' | 'holds'>,
      detail: Record<string, unknown>,
    ): Figure => ({ id: `rollout.${id}`, value: round(value, 3), ...judged, detail });
    const vsApt = ours.wallS / aptS;
    const vsAnsible = ours.wallS / ansible.wallS;
    const onSecond = ours.bytes.get(1) ?? Number.NaN;
    const wan = Math.max(...[...ours.bytes.values()].map((bytes) => bytes / plain.oneCopy));
    return [
      figure(
        'vs_apt_ratio',
        vsApt,
        { unit: 'ratio', aim: '≤ 1.05', holds: vsApt <= 1.05 },
        {
          ours_s: round(ours.wallS, 1),
          apt_s: [round(plain.wallS, 1), round(again.wallS, 1)],
          servers: lab.servers.length,
          programs: tenPrograms.length,
          first_accepted_s: round(ours.firstS, 2),
          last_stored_s: round(ours.wallS, 2),
          controller_cpu_s: round(ours.controllerCpuS, 2),
          operator_s: round(ours.operatorS, 2),
        },
      ),
      figure(
        'vs_ansible_ratio',
        vsAnsible,
        { unit: 'ratio', aim: '< 1', holds: vsAnsible < 1 },
        {
          ours_s: round(ours.wallS, 1),
          ansible_s: round(ansible.wallS, 1),
          forks: lab.servers.length,
        },
      ),
      figure(
        'noop_s',
        ours.noopS,
        { unit: 's', aim: '≤ 0.5', holds: ours.noopS <= 0.5 },
        {
          servers: lab.servers.length,
          installations: lab.servers.length * tenPrograms.length,
          ansible_noop_s: round(ansible.noopS, 1),
        },
      ),
      figure(
        'asking_s',
        ours.askingS,
        { unit: 's', aim: '≤ 20', holds: ours.askingS <= 20 },
        { schools: sites, programs: tenPrograms.length },
      ),
      figure(
        'wan_bytes_per_school_ratio',
        wan,
        { unit: 'ratio', aim: '≤ 1.1', holds: wan <= 1.1 },
        {
          one_copy_mb: round(plain.oneCopy / 1e6, 2),
          school_of_two_servers_mb: round(onSecond / 1e6, 2),
          plain_school_of_two_servers_mb: round(plain.ofTwo / 1e6, 2),
          worst_school_mb: round(Math.max(...ours.bytes.values()) / 1e6, 2),
        },
      ),
    ];
  } finally {
    await lab.stop();
  }
}

async function inPlaces<T>(
  servers: readonly LabServer[],
  atOnce: number,
  work: (server: LabServer) => Promise<T>,
): Promise<void> {
  const waiting = [...servers];
  const worker = async () => {
    for (let server = waiting.shift(); server !== undefined; server = waiting.shift())
      await work(server);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Recreates every root, so that nothing of one method helps the next. */
async function renew(lab: Lab, tell: (text: string) => void): Promise<void> {
  const started = performance.now();
  await inPlaces(lab.servers, 4, (server) => server.reimage());
  await until(
    'every server online',
    async () => {
      const online = new Set(
        (await lab.technician.call('listServers', { query: {} })).items
          .filter(({ health }) => health === 'online')
          .map(({ id }) => id),
      );
      return lab.servers.every((server) => online.has(server.serverId()));
    },
    120_000,
  );
  tell(`roots made anew … ${seconds(started).toFixed(1)} s`);
}

const mustBeThere = async (lab: Lab) => {
  for (const server of lab.servers)
    for (const name of tenPackages)
      if ((await server.installed(name)) === null)
        throw new Error(`${name} is not on ${server.name}`);
};

async function installPlainly(servers: readonly LabServer[]): Promise<void> {
  const script =
    'apt-get update -q && apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 ' +
    `${tenPackages.join(' ')}`;
  await Promise.all(
    servers.map(async (server) => {
      const done = await server.run(['sh', '-c', script], {
        env: { DEBIAN_FRONTEND: 'noninteractive' },
        timeoutMs: 1_800_000,
      });
      if (done.code !== 0) throw new Error(`${server.name}: ${done.stderr.slice(-500)}`);
    }),
  );
}

async function measurePlain(lab: Lab, tell: (text: string) => void) {
  lab.mirror.resetCounts();
  const started = performance.now();
  await installPlainly(lab.servers);
  const wallS = seconds(started);
  await mustBeThere(lab);
  const one = lab.schools.find((school) => school.servers.length === 1);
  const oneCopy = lab.mirror.bytesOf(one?.addresses ?? []);
  tell(
    `plain apt-get on ${lab.servers.length} servers at once … ${wallS.toFixed(1)} s, ` +
      `${(oneCopy / 1e6).toFixed(1)} MB each`,
  );
  return { wallS, oneCopy, ofTwo: lab.mirror.bytesOf(lab.schools[0]?.addresses ?? []) };
}

async function measureAnsible(lab: Lab, tell: (text: string) => void) {
  const inventory = join(lab.folder, 'inventory.ini');
  const playbook = join(lab.folder, 'playbook.yml');
  const options =
    `ansible_user=root ansible_ssh_private_key_file=${lab.ssh.keyPath} ` +
    `ansible_python_interpreter=/usr/bin/python3 ansible_ssh_common_args='-o ` +
    `StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR'`;
  writeFileSync(
    inventory,
    `[schools]\n${lab.servers
      .map((server) => `${server.name} ansible_host=${server.address} ` + `${options}`)
      .join('\n')}\n`,
  );
  const once = async (update: boolean) => {
    writeFileSync(
      playbook,
      '- hosts: schools\n  gather_facts: false\n  tasks:\n    - apt:\n        name: ' +
        `[${tenPackages.join(', ')}]\n        state: present\n        update_cache: ${update}\n ` +
        '       install_recommends: false\n',
    );
    const started = performance.now();
    const done = await run(
      ['ansible-playbook', '-i', inventory, '-f', String(lab.servers.length), playbook],
      {
        env: {
          ANSIBLE_LOCAL_TEMP: join(lab.folder, 'ansible'),
          ANSIBLE_HOST_KEY_CHECKING: 'False',
          HOME: lab.folder,
        },
        timeoutMs: 1_800_000,
      },
    );
    if (done.code !== 0) throw new Error(`Ansible: ${`${done.stdout}${done.stderr}`.slice(-1500)}`);
    return seconds(started);
  };
  const wallS = await once(true);
  await mustBeThere(lab);
  // The package lists are fresh: the second run need not read them again.
  const noopS = await once(false);
  tell(
    `Ansible with ${lab.servers.length} forks … ${wallS.toFixed(1)} s; with nothing to do … ${noopS.toFixed(1)} s`,
  );
  return { wallS, noopS };
}

/** User and system time of a process, in seconds. */
function cpuS(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function measureOurs(lab: Lab, tell: (text: string) => void) {
  const items: RolloutDraft['items'] = [];
  for (const slug of tenPrograms)
    items.push({ applicationId: await programId(lab, slug), want: 'present' });
  const draft = (name: string): RolloutDraft => ({
    ...defaultDraft,
    name,
    items,
    where: { all: true, siteIds: [], groupIds: [], serverIds: [], labels: [] },
    waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
    budget: { sitesAtOnce: null, serversPerSite: null, kibibytesPerSecond: null },
  });
  const begin = async (name: string) => {
    const operator = performance.now();
    const made = await lab.technician.call('createRollout', { body: draft(name) });
    const asked = performance.now();
    const planned = await answered(lab.technician, made);
    const askingS = seconds(asked);
    tell(`every school asked … ${askingS.toFixed(1)} s`);
    const started = Date.now();
    await lab.technician.call('startRollout', {
      params: { id: planned.id },
      body: { planHash: planned.plan.hash, force: true },
    });
    return { id: planned.id, started, askingS, operatorS: seconds(operator) - askingS };
  };
  /** Polls often until the first order is accepted, then seldom: polling must not slow down what is
   * measured, and the controller itself records the end. Returns the time of the end. */
  const finished = async (id: string, onAccepted: () => void, calmMs: number): Promise<number> => {
    let pauseMs = 20;
    let endedAt = Number.NaN;
    await until(
      'the rollout',
      async () => {
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        const rollout = await lab.technician.call('readRollout', { params: { id } });
        if (
          Object.keys(rollout.counts).some(
            (state) => state !== 'queued' && state !== 'blocked' && state !== 'offered',
          )
        ) {
          onAccepted();
          pauseMs = rollout.state === 'completed' ? 0 : calmMs;
        }
        if (rollout.state === 'paused' || rollout.state === 'completed_with_failures') {
          const bad = await lab.technician.call('listTargets', {
            params: { id },
            query: { state: 'failed,timed_out,rejected', limit: '3' },
          });
          throw new GivenUp(
            `${rollout.state}: ${rollout.note?.en ?? ''} ` +
              JSON.stringify(
                bad.items.map(({ serverName, code, message }) => [
                  serverName,
                  code,
                  message?.slice(0, 300),
                ]),
              ),
          );
        }
        endedAt = rollout.endedAt ?? Number.NaN;
        return rollout.state === 'completed';
      },
      1_800_000,
    );
    return endedAt;
  };
  lab.mirror.resetCounts();
  const before = cpuS(lab.controller.pid());
  const uplinks = new Map(
    lab.schools.map((school) => [school.number, school.uplinkBytes().fromCity]),
  );
  const { id, started, askingS, operatorS } = await begin('Dix programmes');
  let firstS = Number.NaN;
  const wallS =
    ((await finished(
      id,
      () => {
        if (Number.isNaN(firstS)) firstS = (Date.now() - started) / 1000;
      },
      2000,
    )) -
      started) /
    1000;
  const controllerCpuS = cpuS(lab.controller.pid()) - before;
  const bytes = new Map(
    lab.schools.map((school) => [school.number, lab.mirror.bytesOf(school.addresses)]),
  );
  tell(
    `rollout on ${lab.servers.length} servers … ${wallS.toFixed(1)} s, first order accepted ` +
      `after ${firstS.toFixed(2)} s, controller ${controllerCpuS.toFixed(1)} s of CPU, uplink ` +
      'of the first school ' +
      `${(((lab.schools[0]?.uplinkBytes().fromCity ?? 0) - (uplinks.get(1) ?? 0)) / 1e6).toFixed(1)} ` +
      'MB',
  );
  await mustBeThere(lab);
  const again = await begin('Rien à faire');
  const noopS = ((await finished(again.id, () => undefined, 20)) - again.started) / 1000;
  tell(`the same rollout with nothing to do … ${noopS.toFixed(2)} s`);
  return { wallS, firstS, controllerCpuS, askingS, operatorS, bytes, noopS };
}

/** An application of the catalogue, or a small program only for this measurement. */
async function programId(lab: Lab, name: string): Promise<string> {
  const known = (await lab.technician.call('listApplications', {})).items.find(
    (application) => application.slug === name,
  );
  if (known !== undefined) return known.id;
  const recipe = {
    kind: 'apt' as const,
    packages: [name],
    detect: { kind: 'package' as const, package: name },
    launch: { command: [name] },
  };
  return (
    await lab.technician.call('createApplication', {
      body: {
        slug: name,
        name: { fr: name, en: name },
        description: { fr: 'Petit programme.', en: 'A small program.' },
        category: 'tools',
        version: '1',
        recipes: { linux: recipe },
      },
    })
  ).id;
}
