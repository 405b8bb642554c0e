/** Every kind of recipe on a real server: planned, installed, found, launched, upgraded, taken back,
 * removed, and failing in five ways on purpose. After each step the whole server is compared with
 * what it was. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultDraft } from '@preau/contract/rollout-draft.ts';
import { isFinal } from '@preau/contract/rollout-states.ts';
import { plainText } from '@preau/contract/schema.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answered } from '../../dev/answered.ts';
import type { Suite } from '../../dev/bare-root.ts';
import { signal } from '../../dev/lab/host.ts';
import { openSchoolServer, type SchoolServer } from '../../dev/machines/school-server.ts';
import { until } from '../../dev/services.ts';
import type { RecipeStep } from '../counterparts.ts';
import { metRecipe } from '../met.ts';
import {
  type Fault,
  type KindOfRecipe,
  openSources,
  type Sources,
} from './recipes-kinds.fixture.ts';
import { type Look, look, lookWhenSettled } from './recipes-look.fixture.ts';

const steps = ['plan', 'install', 'detect', 'launch', 'upgrade', 'roll back', 'remove'] as const;
const faults = ['wrong_hash', 'no_disk', 'killed', 'asks', 'never_ends'] as const;
type Column = (typeof steps)[number] | Fault;

/** What the technician reads for each fault: the code, and words of the detail. */
const told: Record<Fault, { code: RegExp; detail: RegExp }> = {
  wrong_hash: { code: /^HASH_MISMATCH$/, detail: /announced|hash/i },
  no_disk: { code: /^DISK_FULL$/, detail: /bytes to fetch, \d+ free/ },
  killed: { code: /^INSTALL_FAILED$/, detail: /killed|signal/i },
  asks: { code: /^INSTALL_ASKS$/, detail: /Continue\?/ },
  never_ends: { code: /^INSTALL_TIMED_OUT$/, detail: /did not end in time/ },
};

/** An installer that has not ended by then is stopped; longer than any step takes under load. */
const installSeconds = 25;
const staging = '/var/lib/preau-agent/staged';

export function describeRecipes(suite: Suite, on: string): void {
  let school: SchoolServer;
  let sources: Sources;
  const cells = new Map<string, Map<Column, string>>();

  const write = (row: string, column: Column, text: string) =>
    cells.set(row, (cells.get(row) ?? new Map<Column, string>()).set(column, text));
  /** Runs one step; its cell is ✓ only when everything in it held. */
  const cell = async (row: string, column: Column, work: () => Promise<void>) => {
    const started = Date.now();
    write(row, column, '✗');
    await work();
    write(row, column, `✓ ${((Date.now() - started) / 1000).toFixed(0)}`);
  };

  const rollOut = async (applicationId: string, want: 'present' | 'absent') => {
    const { id, plan } = await answered(
      school.technician,
      await school.technician.call('createRollout', {
        body: {
          ...defaultDraft,
          name: `${want} ${applicationId}`,
          items: [{ applicationId, want }],
          where: {
            ...{ all: false, siteIds: [], groupIds: [], labels: [] },
            serverIds: [school.serverId()],
          },
        },
      }),
    );
    const start = async () => {
      await school.technician.call('startRollout', {
        params: { id },
        body: { planHash: plan.hash, force: true },
      });
    };
    return { id, plan, start };
  };
  const target = (id: string) =>
    school.technician.call('readTarget', { params: { id, serverId: school.serverId() } });
  const settled = async (id: string) => {
    await until('the rollout', async () => isFinal((await target(id)).state), 150_000);
    return target(id);
  };
  const succeeds = async (id: string) => {
    const { state, code, message, log } = await settled(id);
    if (state !== 'succeeded')
      throw new Error(
        `${state} ${code} ${message}\n${log}\n${(await school.agentLog()).slice(-1500)}`,
      );
    expect(code).toBeNull();
  };
  const nameOf = (kind: KindOfRecipe, more: string) =>
    `table-${kind.name.replace(/^archive: /, '').toLowerCase()}${more}`;

  beforeAll(async () => {
    school = await openSchoolServer(suite);
    const { machine } = school;
    await machine.must(
      `mkdir -p /etc/preau && echo PREAU_AGENT_INSTALL_SECONDS=${installSeconds} >> ` +
        '/etc/preau/agent.env && systemctl restart preau-agent',
    );
    sources = await openSources(school);
    await machine.must(
      'apt-get update -q && apt-get install -y -q --no-install-recommends x11-apps',
      {
        timeoutMs: 300_000,
        env: { DEBIAN_FRONTEND: 'noninteractive' },
      },
    );
    await school.ready();
  }, 600_000);
  afterAll(async () => {
    console.log(tableOf(on, cells));
    sources?.close();
    await school?.close();
  }, 120_000);

  const ways = async (kind: KindOfRecipe) => {
    const { machine } = school;
    const slug = nameOf(kind, '');
    const row = kind.name;
    const expected = kind.expected(slug);
    const before = await look(machine);
    const applicationId = await school.offer(slug, await kind.make({ slug, version: '1.0' }), {
      version: '1.0',
    });
    const first = await rollOut(applicationId, 'present');
    await cell(row, 'plan', async () => {
      expect(first.plan.applications.map((each) => each.slug)).toEqual([slug]);
      await lookWhenSettled(machine, before);
    });
    let installed: Look = before;
    await cell(row, 'install', async () => {
      await first.start();
      await succeeds(first.id);
      installed = await lookWhenSettled(machine, before, expected);
      expect(installed.files.size).toBeGreaterThan(before.files.size);
    });
    await cell(row, 'detect', async () => {
      expect(await school.state(slug)).toMatchObject({ state: 'installed', version: '1.0' });
      await lookWhenSettled(machine, installed);
    });
    await cell(row, 'launch', async () => {
      const session = await school.open(slug);
      await session.end();
      await lookWhenSettled(machine, installed);
    });
    await school.offer(slug, await kind.make({ slug, version: '2.0' }), { version: '2.0' });
    const second = await rollOut(applicationId, 'present');
    await cell(row, 'upgrade', async () => {
      await second.start();
      await succeeds(second.id);
      expect(await school.state(slug)).toMatchObject({ state: 'installed', version: '2.0' });
      await lookWhenSettled(machine, installed, expected);
    });
    await cell(row, 'roll back', async () => {
      await school.technician.call('rollBackRollout', {
        params: { id: second.id },
        body: { wave: null },
      });
      await until(
        'the way back',
        async () => (await target(second.id)).state === 'rolled_back',
        120_000,
      );
      await until('1.0', async () => (await school.state(slug))?.version === '1.0', 30_000);
      await lookWhenSettled(machine, installed, expected);
    });
    await cell(row, 'remove', async () => {
      const third = await rollOut(applicationId, 'absent');
      await third.start();
      await succeeds(third.id);
      await lookWhenSettled(machine, before);
    });
    for (const step of ['install', 'detect', 'launch', 'upgrade', 'remove'] satisfies RecipeStep[])
      metRecipe(kind.kind, step, on);
  };

  const fails = async (kind: KindOfRecipe, fault: Fault) => {
    const { machine } = school;
    const why = kind.impossible[fault];
    if (why !== undefined) return write(kind.name, fault, `— ${why}`);
    const slug = nameOf(kind, `-${fault.replace('_', '-')}`);
    const recipe = await kind.make({ slug, version: '1.0', fault });
    const id = await school.offer(slug, recipe, { version: '1.0' });
    const before = await look(machine);
    await cell(kind.name, fault, async () => {
      const outcome = await attempt(id, fault, slug, async () => {
        if (fault === 'killed') await kill(kind.installer(slug));
      });
      if (outcome === 'succeeded') return finished(kind, id, slug, before);
      await lookWhenSettled(machine, before);
      expect((await machine.must('dpkg --audit')).trim()).toBe('');
    });
  };

  /** Rolls it out while something is wrong; what the technician reads must name it. */
  const attempt = async (
    id: string,
    fault: Fault,
    slug: string,
    during: () => Promise<void> = async () => undefined,
  ) => {
    const undo = await prepare(fault, slug);
    try {
      const rollout = await rollOut(id, 'present');
      await rollout.start();
      await during();
      const { state, code, message } = await settled(rollout.id);
      if (fault === 'killed' && state === 'succeeded') return state;
      expect(state).toBe('failed');
      expect(code).toMatch(told[fault].code);
      expect(message).toMatch(told[fault].detail);
      await school.technician
        .call('cancelRollout', { params: { id: rollout.id }, body: { kind: 'finish' } })
        .catch(() => undefined);
      return state;
    } finally {
      await undo();
    }
  };

  /** dpkg could finish what was killed: then the program is there and whole, and goes away again. */
  const finished = async (kind: KindOfRecipe, id: string, slug: string, before: Look) => {
    await lookWhenSettled(school.machine, before, kind.expected(slug));
    const removal = await rollOut(id, 'absent');
    await removal.start();
    await succeeds(removal.id);
  };

  const prepare = async (fault: Fault, slug: string): Promise<() => Promise<void>> => {
    const { machine } = school;
    if (fault === 'wrong_hash') {
      const end = sources.mirror.misbehave('changed', { files: new RegExp(`^${slug}_`) });
      return async () => end();
    }
    if (fault !== 'no_disk') return async () => undefined;
    await machine.must(`mkdir -p ${staging} && mount -t tmpfs -o size=64m none ${staging}`);
    return async () => {
      await machine.must(`umount ${staging}`);
    };
  };

  const kill = async (command: RegExp) => {
    const found = () =>
      school.machine.processes().filter(({ args }) => command.test(args.join(' ')));
    // In the middle: its own script is running.
    await until(
      'the installer at work',
      () =>
        found().length > 0 &&
        school.machine.processes().some(({ args }) => args.join(' ') === 'sleep 21'),
      60_000,
    );
    for (const { pid } of found()) signal(pid, 'SIGKILL');
  };

  describe(`recipes on ${on}`, () => {
    for (const name of [
      ...['apt', 'deb', 'archive: AppImage', 'archive: zip', 'archive: tar', 'script'],
    ]) {
      const kind = () => {
        const found = sources.kinds.find((each) => each.name === name);
        if (found === undefined) throw new Error(name);
        return found;
      };
      it(`${name}: there and back`, () => ways(kind()), 400_000);
      for (const fault of faults)
        it(`${name}: ${fault.replace('_', ' ')}`, () => fails(kind(), fault), 200_000);
    }

    it('updates: what is pending is installed, once', async () => {
      const { machine } = school;
      const row = 'updates';
      const name = 'table-pending';
      await sources.publish({ name, version: '1.0', files: { [`usr/games/${name}`]: 'one\n' } });
      await machine.must(`apt-get update -q && apt-get install -y -q ${name}`, {
        timeoutMs: 120_000,
      });
      await sources.publish({ name, version: '2.0', files: { [`usr/games/${name}`]: 'two\n' } });
      await machine.must('apt-get update -q', { timeoutMs: 120_000 });
      const id = await school.offer('table-updates', {
        kind: 'updates',
        scope: 'all',
        detect: { kind: 'updates' },
      });
      const before = await look(machine);
      const rollout = await rollOut(id, 'present');
      await cell(row, 'plan', async () => {
        await lookWhenSettled(machine, before);
      });
      await cell(row, 'install', async () => {
        await rollout.start();
        await succeeds(rollout.id);
        const after = await lookWhenSettled(machine, before, { packages: /^[~+] /, files: /./ });
        expect(after.packages.get(name)).toBe('2.0 installed');
        const gone = [...before.packages.keys()].filter((each) => !after.packages.has(each));
        expect(gone).toEqual([]);
      });
      await cell(row, 'detect', async () => {
        const again = await rollOut(id, 'present');
        await again.start();
        expect((await settled(again.id)).state).toBe('already_installed');
      });
      for (const step of ['install', 'detect'] satisfies RecipeStep[])
        metRecipe('updates', step, on);
      const none = 'updates are installed once: nothing is opened, taken back or removed';
      for (const step of ['launch', 'upgrade', 'roll back', 'remove'] as const)
        write(row, step, `— ${none}`);
      for (const [version, fault] of [
        ['3.0', 'wrong_hash'],
        ['4.0', 'no_disk'],
      ] as const) {
        const files = { [`usr/games/${name}`]: `${version}\n` };
        await sources.publish({ name, version, files });
        await machine.must('apt-get update -q', { timeoutMs: 120_000 });
        const settledBefore = await look(machine);
        await cell(row, fault, async () => {
          await attempt(id, fault, name);
          await lookWhenSettled(machine, settledBefore);
        });
      }
      for (const fault of ['killed', 'asks', 'never_ends'] as const)
        write(
          row,
          fault,
          '— as apt; a package that was here before stays as dpkg left it, and told',
        );
    }, 300_000);

    it('agent: to the next version and back, during a session that lives on', async () => {
      const row = 'agent';
      const { machine, centre } = school;
      const bundle = join(machine.ground.folder, 'agent-files/preau-agent.mjs');
      const program = nameOf(sources.kinds[0] as KindOfRecipe, '-guest');
      const [apt] = sources.kinds;
      if (apt === undefined) throw new Error('no apt');
      await school.offer(program, await apt.make({ slug: program, version: '1.0' }));
      await school.install(program);
      const running = () => machine.must('cat /var/lib/preau-agent/agent/current || echo shipped');
      const agentId = await school.applicationId('preau-agent');
      // What is installed and offered now is the version that the next one follows.
      const now = await rollOut(agentId, 'present');
      await now.start();
      expect((await settled(now.id)).state).toMatch(/^(succeeded|already_installed)$/);
      const session = await school.open(program);
      const livesOn = async () => {
        expect((await session.read()).state).toMatch(/^(active|disconnected)$/);
        const args = machine.processes().map((each) => each.args.join(' '));
        expect(args).toContainEqual(expect.stringContaining(`xclock -name ${program}`));
      };
      /** A controller makes the bundle that it was built with the newest one. */
      const offerBundle = async (text: string) => {
        writeFileSync(bundle, text);
        await centre.services.controller.kill();
        centre.services.controller.restart();
        await until('the controller', async () =>
          school
            .server()
            .then(({ health }) => health === 'online')
            .catch(() => false),
        );
        return rollOut(agentId, 'present');
      };
      const before = await running();
      const text = readFileSync(bundle, 'utf8');
      const rollout = await offerBundle(`${text}\n// The next version.\n`);
      await cell(row, 'plan', async () => {
        expect(await running()).toBe(before);
      });
      const hashOf = (content: string) => createHash('sha256').update(content).digest('hex');
      await cell(row, 'install', async () => {
        await rollout.start();
        await succeeds(rollout.id);
        await livesOn();
      });
      await cell(row, 'detect', async () => {
        await until('the launcher', async () =>
          (await running()).startsWith(hashOf(`${text}\n// The next version.\n`)),
        );
      });
      write(row, 'upgrade', '— the installation is one');
      await cell(row, 'roll back', async () => {
        const back = await offerBundle(text);
        await back.start();
        await succeeds(back.id);
        await until('the launcher', async () => (await running()).startsWith(hashOf(text)));
        await livesOn();
      });
      await session.end();
      for (const step of ['install', 'detect', 'upgrade'] satisfies RecipeStep[])
        metRecipe('agent', step, on);
      write(row, 'launch', '— it has no window');
      write(row, 'remove', '— a server without an agent would hear of nothing any more');
      write(row, 'wrong_hash', '— the city serves the bundle whose hash it names');
      write(row, 'no_disk', '— as archive: the same fetching');
      for (const fault of ['killed', 'asks', 'never_ends'] as const)
        write(row, fault, '— nothing is run to install it: the launcher tries the next bundle');
    }, 300_000);
  });
}

function tableOf(on: string, cells: ReadonlyMap<string, ReadonlyMap<Column, string>>): string {
  const columns: readonly Column[] = [...steps, ...faults];
  const reasons: string[] = [];
  const short = (text: string | undefined) => {
    if (text === undefined) return '·';
    if (!text.startsWith('— ')) return text;
    const why = text.slice(2);
    if (!reasons.includes(why)) reasons.push(why);
    return `— ${reasons.indexOf(why) + 1}`;
  };
  const rows = [...cells].map(([row, of]) => [
    row,
    ...columns.map((column) => short(of.get(column))),
  ]);
  const all = [[on, ...columns.map((column) => column.replace('_', ' '))], ...rows];
  const widths = (all[0] ?? []).map((_, at) =>
    Math.max(...all.map((row) => (row[at] ?? '').length)),
  );
  const lines = all.map((row) => row.map((text, at) => text.padEnd(widths[at] ?? 0)).join('  '));
  return plainText(
    [
      ...lines,
      ...reasons.map((why, at) => `  — ${at + 1}: ${why}`),
      '  ✓: seconds; ·: not reached',
    ].join('\n'),
  );
}
