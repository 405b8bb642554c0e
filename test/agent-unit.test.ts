/** What systemd does with the agent's service when something in it goes wrong. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const unit = readFileSync(
  join(import.meta.dirname, '../packaging/linux/preau-agent.service'),
  'utf8',
);
const settings = Object.fromEntries(
  [...unit.matchAll(/^([A-Za-z]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
);

test('one process that the kernel kills for want of memory ends nothing else', () => {
  expect(settings).toMatchObject({
    // The default ends every display of the school.
    OOMPolicy: 'continue',
    OOMScoreAdjust: '-500',
    TasksMax: 'infinity',
  });
});

test('sessions outlive the agent, and the agent comes back', () => {
  expect(settings).toMatchObject({ KillMode: 'process', Restart: 'always' });
  // With it, systemd 252 starts no killed agent again while sessions run in groups below its own.
  expect(settings).not.toHaveProperty('Delegate');
});
