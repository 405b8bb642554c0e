/** `npm start`: the demo city, until Ctrl-C. */
import { join } from 'node:path';
import { defaultTerms } from '@preau/contract/rule.ts';
import { type RunningCity, startCity } from './city.ts';
import { endLeftovers, root } from './services.ts';
import { demoLogins } from './world.ts';

const port = Number(process.env['PORT'] ?? 8080);
const started = Date.now();
const folder = join(root, '.data/demo');
let city: RunningCity | null = null;
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    console.error('Ending sessions, displays and services …');
    // Still starting: what runs already is ended by its number.
    Promise.resolve(city === null ? endLeftovers(folder) : city.stop()).then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
console.error('Préau: the demo city of Valmont-sur-Orne');
city = await startCity({
  folder,
  port,
  applications: ['galculator', 'mousepad', 'tuxpaint'],
  people: { teachers: 300, pupils: 10_000 },
  teacherTerms: { ...defaultTerms, clipboard: 'both', files: 'both', printing: true },
  keepAlive: true,
  tell: (step, seconds) => console.error(`• ${step} … ${seconds.toFixed(1)} s`),
}).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  console.error('The logs are in .data/demo/*.log');
  process.exit(1);
});

console.log(`
  Préau is ready in ${((Date.now() - started) / 1000).toFixed(1)} s:  ${city.url}

    teacher      ${demoLogins.teacher.padEnd(16)} ${city.password}
    pupil        ${demoLogins.pupil.padEnd(16)} ${city.password}
    administrator ${demoLogins.administrator.padEnd(15)} ${city.password}    (${city.url}/admin)
    technician   ${demoLogins.technician.padEnd(16)} ${city.password}    (${city.url}/admin)

  Ctrl-C ends everything; the data stays in .data/demo.
`);

setInterval(() => undefined, 60_000);
