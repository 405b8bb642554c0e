/** Answers in guacd's place where schools are simulated and no screen is ever shown: enough for the
 * controller to find its display service well. */
import { createServer } from 'node:net';

/** Resolves with what closes it. */
export function standInForGuacd(port: number): Promise<() => void> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.write('4.args,13.VERSION_1_1_0,8.hostname;'));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(() => server.close()));
  });
}
