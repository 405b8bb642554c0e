/** A stand-in for guacd, which opens no display: it answers the handshake, then says `sync` each
 * second. For simulated schools and for attackers; the real one is met by the tests. */
import { createServer, type Socket } from 'node:net';
import { encode } from '../controller/src/platform/guacamole.ts';

export interface StandInGuacd {
  port: number;
  close: () => void;
}

/** `port` 0: a free one. `isDeaf`: of the connections, counted from 1, those whose callers are not
 * read after the handshake. */
export function startStandInGuacd(
  port = 0,
  isDeaf: (call: number) => boolean = () => false,
): Promise<StandInGuacd> {
  let calls = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    calls += 1;
    const deaf = isDeaf(calls);
    sockets.add(socket);
    let said = '';
    let sync: NodeJS.Timeout | undefined;
    const listen = (part: Buffer) => {
      said = (said + part.toString()).slice(-20_000);
      if (said.includes('6.select,')) {
        said = '';
        socket.write(encode(['args', 'VERSION_1_3_0', 'hostname', 'port', 'username', 'password']));
      } else if (said.includes('7.connect,') && said.endsWith(';')) {
        socket.off('data', listen);
        socket.write(encode(['ready', '$a-stand-in-for-guacd']));
        sync = setInterval(() => socket.write(encode(['sync', String(Date.now())])), 1000);
        if (deaf) socket.pause();
        else socket.resume();
      }
    };
    socket.on('data', listen);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearInterval(sync);
      sockets.delete(socket);
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        close: () => {
          for (const socket of sockets) socket.destroy();
          server.close();
        },
      });
    });
  });
}
