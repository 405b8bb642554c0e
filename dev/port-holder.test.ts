/** Somebody whose port is taken is told by whom. */
import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { mustHold, refuseTakenPort } from './port-holder.ts';

let server: Server | null = null;
afterEach(() => new Promise<void>((resolve) => server?.close(() => resolve()) ?? resolve()));

const listen = () =>
  new Promise<number>((resolve) => {
    const listening = createServer();
    server = listening;
    listening.listen(0, '127.0.0.1', () => {
      const address = listening.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });

test.runIf(process.platform === 'linux')(
  'a port somebody listens on is refused, with their name',
  async () => {
    const port = await listen();
    await expect(refuseTakenPort(port)).rejects.toThrow(
      new RegExp(`^Port ${port} is held by process ${process.pid} \\(.*node.*\\)`),
    );
  },
);

test.runIf(process.platform === 'linux')('a free one is not', async () => {
  const port = await listen();
  await new Promise((resolve) => server?.close(resolve));
  server = null;
  await refuseTakenPort(port);
});

test.runIf(process.platform === 'linux')(
  'an answer on the port counts only when it comes from the process that was started',
  async () => {
    const port = await listen();
    mustHold(port, process.pid);
    expect(() => mustHold(port, 1)).toThrow(
      new RegExp(
        `^Port ${port} is answered by process ${process.pid} \\(.*PORT=${port + 1} npm start`,
      ),
    );
  },
);
