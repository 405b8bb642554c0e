/** Pages count by the city's time: whoever reads the device's clock says why here. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const source = fileURLToPath(new URL('..', import.meta.url));
const own = [
  // Measures how long its own message takes.
  'session/tunnel.ts',
  // Waits between two of its own calls.
  'schools/Fleet.svelte',
];

test('no page reads the clock of the device', () => {
  const readers = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (name) =>
      /(?<!\.test)\.(ts|svelte)$/.test(name) &&
      readFileSync(`${source}/${name}`, 'utf8').includes('Date.now()'),
  );
  expect(readers.sort()).toEqual(own.sort());
});
