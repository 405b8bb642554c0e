/** MeshCentral as a comparison: its own server and its own agents on this machine, each agent in
 * its own folder; one call tells all of them to run a command that leaves a mark when done. It
 * keeps neither orders for absent machines nor results, so it does less than what is measured of
 * ours. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { run } from '../../agent/src/command.ts';
import { freePort, root, type Service, startService, until } from '../services.ts';
import { quantile, round } from './figures.ts';

const version = '1.1.55';
const home = join(root, '.data/tools/meshcentral');
const program = join(home, 'node_modules/meshcentral/meshcentral.js');
const rounds = 5;
const login = { name: 'mesure', password: 'Une-phrase-2026' };

export type Peer = { median_s: number; rounds_s: number[] } | string;

interface Answer {
  action?: string;
  nodes?: Record<string, { _id: string; conn?: number }[]>;
  meshid?: string;
  responseid?: string;
}

function read(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // Its certificate is self-signed.
    request(url, { rejectUnauthorized: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
      });
      response.on('end', () =>
        response.statusCode === 200
          ? resolve(text)
          : reject(new Error(`${response.statusCode} of ${url}`)),
      );
    })
      .on('error', reject)
      .end();
  });
}

async function openControl(port: number): Promise<{
  ask: (
    question: Record<string, unknown>,
    isAnswer: (answer: Answer) => boolean,
  ) => Promise<Answer>;
  send: (message: Record<string, unknown>) => void;
  close: () => void;
}> {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const socket = new WebSocket(`wss://127.0.0.1:${port}/control.ashx`, {
    rejectUnauthorized: false,
    headers: { 'x-meshauth': `${base64(login.name)},${base64(login.password)}` },
  });
  const heard = new Set<(answer: Answer) => void>();
  socket.on('message', (data: Buffer) => {
    const answer = JSON.parse(data.toString('utf8')) as Answer;
    for (const listener of heard) listener(answer);
  });
  const next = (isAnswer: (answer: Answer) => boolean) =>
    new Promise<Answer>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('MeshCentral does not answer')), 20_000);
      const listener = (answer: Answer) => {
        if (!isAnswer(answer)) return;
        clearTimeout(late);
        heard.delete(listener);
        resolve(answer);
      };
      heard.add(listener);
    });
  const ready = next((answer) => answer.action === 'userinfo');
  socket.on('error', () => undefined);
  await ready;
  const send = (message: Record<string, unknown>) => socket.send(JSON.stringify(message));
  return {
    send,
    close: () => socket.close(),
    ask: (question, isAnswer) => {
      const answer = next(isAnswer);
      send(question);
      return answer;
    },
  };
}

async function measured(folder: string, size: number): Promise<Peer> {
  rmSync(folder, { recursive: true, force: true });
  const [data, files, marks] = [join(folder, 'data'), join(folder, 'files'), join(folder, 'marks')];
  for (const path of [data, files, marks]) mkdirSync(path, { recursive: true, mode: 0o700 });
  const port = await freePort();
  writeFileSync(
    join(data, 'config.json'),
    JSON.stringify({
      settings: {
        port,
        redirPort: 0,
        mpsPort: 0,
        WANonly: true,
        cert: '127.0.0.1',
        selfUpdate: false,
      },
      domains: { '': {} },
    }),
  );
  // The server runs in a child process, which ends with its parent.
  const args = [program, '--datapath', data, '--filespath', files];
  for (const more of [
    ['--createaccount', login.name, '--pass', login.password, '--email', 'a@b.fr'],
    ['--adminaccount', login.name],
  ])
    await run(process.execPath, [...args, ...more], {
      timeoutMs: 60_000,
      env: { PATH: '/usr/bin:/bin', HOME: folder },
    });
  const services: Service[] = [];
  try {
    services.push(
      startService({
        name: 'meshcentral',
        file: process.execPath,
        args,
        env: { HOME: folder },
        logPath: join(folder, 'server.log'),
      }),
    );
    await until(
      'MeshCentral',
      async () => (await read(`https://127.0.0.1:${port}/`)) !== '',
      90_000,
    );
    const control = await openControl(port);
    const { meshid = '' } = await control.ask(
      { action: 'createmesh', meshname: 'fleet', meshtype: 2, responseid: 'made' },
      (answer) => answer.responseid === 'made',
    );
    const settings = await read(
      `https://127.0.0.1:${port}/meshsettings?id=${encodeURIComponent(meshid.split('/').at(-1) ?? '')}`,
    );
    for (let index = 0; index < size; index += 1) {
      const at = join(folder, `agent-${index}`);
      mkdirSync(at, { mode: 0o700 });
      // An agent reads the files beside its own program.
      copyFileSync(
        join(home, 'node_modules/meshcentral/agents/meshagent_x86-64'),
        join(at, 'meshagent'),
      );
      await run('/usr/bin/chmod', ['755', join(at, 'meshagent')], { timeoutMs: 5000 });
      writeFileSync(join(at, 'meshagent.msh'), settings);
      services.push(
        startService({
          name: 'meshagent',
          file: join(at, 'meshagent'),
          args: ['connect'],
          env: { HOME: at },
          logPath: join(at, 'log'),
        }),
      );
    }
    let nodeids: string[] = [];
    await until(
      'its agents',
      async () => {
        const { nodes = {} } = await control.ask(
          { action: 'nodes' },
          (answer) => answer.action === 'nodes',
        );
        nodeids = Object.values(nodes)
          .flat()
          .filter((node) => node.conn === 1)
          .map((node) => node._id);
        await new Promise((resolve) => setTimeout(resolve, 500));
        return nodeids.length === size;
      },
      90_000,
    );
    const took: number[] = [];
    // The first round is not counted: each agent fetches something at its first command.
    for (let turn = 0; turn <= rounds; turn += 1) {
      const startedAt = performance.now();
      control.send({
        action: 'runcommands',
        nodeids,
        type: 3,
        runAsUser: 0,
        cmds: `sleep 0.2; touch ${marks}/${turn}-$PPID-$$`,
      });
      await until(
        'every mark',
        () => readdirSync(marks).filter((name) => name.startsWith(`${turn}-`)).length === size,
        45_000,
      );
      if (turn > 0) took.push(round((performance.now() - startedAt) / 1000, 3));
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    control.close();
    return { median_s: quantile(took, 0.5), rounds_s: took };
  } finally {
    await Promise.all(services.map((service) => service.kill()));
  }
}

/** MeshCentral is installed by hand for this benchmark alone: it is large, and we ship none of
 * it. */
export async function measureMesh(size: number): Promise<Peer> {
  if (!existsSync(program))
    return (
      'left out: not installed; npm install --ignore-scripts --prefix .data/tools/meshcentral ' +
      `meshcentral@${version}`
    );
  const folder = join(root, '.data/bench-fleet-mesh');
  try {
    const peer = await measured(folder, size);
    rmSync(folder, { recursive: true, force: true });
    return peer;
  } catch (error) {
    return `left out: ${error instanceof Error ? error.message : String(error)}`;
  }
}
