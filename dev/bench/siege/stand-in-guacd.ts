/** A stand-in for guacd, which opens no display: it answers the handshake, then says `sync` each
 * second and reads nothing of what half of its callers say. The real one is met by the tests. */
import { createServer, type Socket } from 'node:net';
import { encode } from '../../../controller/src/platform/guacamole.ts';

export interface StandInGuacd {
  port: number;
  /** Connections since the start. */
  calls: () => number;
  close: () => void;
}

export function startStandInGuacd(): Promise<StandInGuacd> {
  let calls = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    calls += 1;
    const mute = calls % 2 === 0;
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
        if (mute) socket.pause();
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
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        calls: () => calls,
        close: () => {
          for (const socket of sockets) socket.destroy();
          server.close();
        },
      });
    }),
  );
}
