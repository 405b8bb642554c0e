/** `npm start`: the demo city, until Ctrl-C. */

import { join } from 'node:path';
import { defaultTerms } from '@preau/contract/rule.ts';
import { startCity } from './city.ts';
import { openFirstProgram } from './first-program.ts';
import { root } from './services.ts';
import { demoLogins } from './world.ts';

const port = Number(process.env['PORT'] ?? 8080);
const started = Date.now();
const applications = ['galculator', 'mousepad', 'tuxpaint'];

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interruption.signal.aborted) return;
    console.error('Ending sessions, displays and services …');
    interruption.abort();
  });
}
const interrupted = new Promise<void>((resolve) => {
  interruption.signal.addEventListener('abort', () => resolve());
});
const tell = (step: string, seconds: number) =>
  console.error(`• ${step} … ${seconds.toFixed(1)} s`);

/** Exits with code 1, or with 0 if the person interrupted it. */
function fail(what: string, error: unknown): never {
  if (interruption.signal.aborted) process.exit(0);
  console.error(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  console.error('The logs are in .data/demo/*.log and .data/demo/agent/logs.');
  process.exit(1);
}

console.error('Préau: the demo city of Valmont-sur-Orne');
const city = await startCity({
  folder: join(root, '.data/demo'),
  port,
  applications,
  people: { teachers: 300, pupils: 10_000 },
  teacherTerms: { ...defaultTerms, clipboard: 'both', files: 'both', printing: true },
  keepAlive: true,
  tell,
  signal: interruption.signal,
}).catch((error: unknown) => fail('The demo city does not start', error));

const opening = Date.now();
await Promise.race([openFirstProgram(city, 'galculator'), interrupted]).catch(
  async (error: unknown) => {
    await city.stop();
    fail('No program opens', error);
  },
);

if (!interruption.signal.aborted) {
  tell('a program opened, up to its picture', (Date.now() - opening) / 1000);
  console.log(`
  Préau is ready in ${((Date.now() - started) / 1000).toFixed(1)} s:  ${city.url}

    teacher      ${demoLogins.teacher.padEnd(16)} ${city.password}
    pupil        ${demoLogins.pupil.padEnd(16)} ${city.password}
    administrator ${demoLogins.administrator.padEnd(15)} ${city.password}    (${city.url}/admin)
    technician   ${demoLogins.technician.padEnd(16)} ${city.password}    (${city.url}/admin)

  Ctrl-C ends everything; the data stays in .data/demo.
`);
}

const alive = setInterval(() => undefined, 60_000);
await interrupted;
clearInterval(alive);
await city.stop();
process.exit(0);
