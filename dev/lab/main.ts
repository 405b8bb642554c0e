/** `npm run lab -- up|down|status|fault …`. `up` leaves a process behind that holds the lab and
 * listens on a socket; `down` asks it to end and then removes what is left, even if that process
 * died long ago. */
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { dirname, join, resolve } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { root, until } from '../services.ts';
import { labFolder, prepareBase } from './base.ts';
import { faults } from './faults.ts';
import { signal, startApart } from './host.ts';
import { type Lab, startLab } from './lab.ts';
import { isAlive, leftoversOf, names, ownerOf, slots, sweep } from './network.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    sites: { type: 'string', default: '27' },
    servers: { type: 'string', default: '1' },
    disk: { type: 'string', default: '0' },
    folder: { type: 'string', default: join(labFolder, 'city') },
  },
});
const [command = '', ...words] = positionals;
const folder = resolve(root, values.folder);
const socketPath = `${folder}.sock`;
const logPath = `${folder}.log`;
const tell = (step: string, seconds: number) =>
  console.error(`• ${step} … ${seconds.toFixed(1)} s`);

const usage = `npm run lab -- up [--sites 27] [--servers 1] [--disk MiB] | down | status | fault NAME …
faults (undone by):
${Object.entries(faults)
  .map(
    ([name, { words, says, undo }]) =>
      `  ${`${name} ${words}`.padEnd(58)} ${says}${undo === '' ? '' : ` (${undo})`}`,
  )
  .join('\n')}`;

function ask(path: string, body: unknown): Promise<string> {
  return new Promise((done, reject) => {
    const call = request({ socketPath, path, method: 'POST' }, (response) => {
      text(response).then(
        (answer) => (response.statusCode === 200 ? done(answer) : reject(new Error(answer))),
        reject,
      );
    });
    call.on('error', reject);
    call.end(JSON.stringify(body));
  });
}

function describe(lab: Lab): string {
  const rows = lab.servers.map(
    (server) =>
      `${String(server.school).padStart(2)}.${server.number}  ${server.address.padEnd(12)} ` +
      `${
        server.agent.pid() === 0
          ? 'no agent '
          : `` + `${String(Math.round(server.residentKib() / 1024)).padStart(4)} MiB`
      } ` +
      `${String(lab.mirror.bytesOf([server.address])).padStart(12)} B  ` +
      `${lab.schools[server.school - 1]?.name ?? ''}`,
  );
  return (
    `${lab.url}  tech  ${lab.password}\nssh -i ${lab.ssh.keyPath} -o ` +
    `UserKnownHostsFile=${lab.ssh.knownHosts} root@${lab.servers[0]?.address}\nserver address   ` +
    `   agent    from the source\n${rows.join('\n')}`
  );
}

/** Keeps the lab running until asked to end. */
async function hold(): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true });
  rmSync(socketPath, { force: true });
  let lab: Lab | null = null;
  let ending = false;
  const end = () => {
    if (ending) return;
    ending = true;
    rmSync(socketPath, { force: true });
    // The lab may still be starting: `down` removes what exists.
    Promise.resolve(lab?.stop()).then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  const started = await startLab({
    sites: Number(values.sites),
    serversPerSite: Number(values.servers),
    diskMib: Number(values.disk),
    folder,
    tell,
  });
  lab = started;
  const answer = async (path: string, body: unknown): Promise<string> => {
    if (path === '/status') return describe(started);
    const [name = '', ...rest] = body as string[];
    const fault = faults[name];
    if (fault === undefined) throw new Error(`no fault ${name}\n${usage}`);
    const said = await fault.run(started, rest);
    return said === undefined ? 'done' : String(said);
  };
  createServer((incoming, response) => {
    json(incoming)
      .then((body) => answer(incoming.url ?? '', body))
      .then(
        (said) => response.end(said),
        (error: unknown) =>
          response.writeHead(400).end(error instanceof Error ? error.message : String(error)),
      );
  }).listen(socketPath);
}

async function up(): Promise<void> {
  if (slots.some((slot) => ownerOf(slot)?.folder === folder))
    throw new Error('this lab is up, or its remains are here: npm run lab -- down');
  await prepareBase(tell);
  mkdirSync(dirname(folder), { recursive: true });
  rmSync(logPath, { force: true });
  rmSync(socketPath, { force: true });
  const started = Date.now();
  startApart(
    [
      process.execPath,
      import.meta.filename,
      'hold',
      '--sites',
      values.sites,
      '--servers',
      values.servers,
      '--disk',
      values.disk,
      '--folder',
      folder,
    ],
    openSync(logPath, 'a', 0o600),
  );
  await until(
    'the lab',
    () => existsSync(socketPath) || /Error/.test(readFileSync(logPath, 'utf8')),
    600_000,
  );
  console.error(readFileSync(logPath, 'utf8').trim());
  if (!existsSync(socketPath)) throw new Error(`the lab did not start: ${logPath}`);
  console.log(await ask('/status', null));
  tell('up', (Date.now() - started) / 1000);
}

/** Ends this lab, and every lab whose holder is dead. */
async function down(): Promise<void> {
  const started = Date.now();
  for (const slot of slots) {
    const owner = ownerOf(slot);
    const there = leftoversOf(slot, owner?.folder ?? folder);
    if (owner !== null && owner.folder !== folder && isAlive(owner)) continue;
    if (owner !== null && isAlive(owner)) {
      signal(owner.pid, 'SIGTERM');
      await until('the end of its holder', () => !isAlive(owner), 60_000);
    } else if (there.links.length + there.namespaces.length === 0) continue;
    else
      console.error(
        `${names.bridge(slot)}: nobody holds this lab any more; ${there.namespaces.length} ` +
          `namespaces, ${there.links.length} links and ${there.processes.length} processes are ` +
          'taken away',
      );
    await sweep(slot, owner?.folder ?? folder);
    const left = leftoversOf(slot, owner?.folder ?? folder);
    if (Object.values(left).some((list: unknown[]) => list.length > 0))
      throw new Error(`still there: ${JSON.stringify(left)}`);
  }
  rmSync(socketPath, { force: true });
  rmSync(folder, { recursive: true, force: true });
  tell('down', (Date.now() - started) / 1000);
}

const commands: Record<string, () => Promise<void>> = {
  prepare: () => prepareBase(tell),
  hold,
  up,
  down,
  status: async () => {
    for (const slot of slots) {
      const owner = ownerOf(slot);
      if (owner !== null)
        console.log(
          `${names.bridge(slot)}: ${owner.folder}, held by ` +
            `${owner.pid}${isAlive(owner) ? '' : ', which is dead: npm run lab -- down'}`,
        );
    }
    console.log(existsSync(socketPath) ? await ask('/status', null) : 'no lab is up here');
  },
  fault: async () => console.log(await ask('/fault', words)),
};
const work = commands[command];
if (work === undefined) {
  console.error(usage);
  process.exit(2);
}
await work().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
