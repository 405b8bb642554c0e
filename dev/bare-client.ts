/** A client that talks to guacd itself: no controller, no ticket, no queue. */
import { connect, type Socket } from 'node:net';
import {
  encode,
  type Instruction,
  InstructionFramer,
} from '../controller/src/platform/guacamole.ts';
import { decodeUnbounded, drawsOnScreen } from './tunnel-client.ts';

export interface BareClient {
  /** When the first picture came, by `performance.now()`. */
  firstFrameAt: number;
  socket: Socket;
}

const shared: Record<string, string> = {
  hostname: '127.0.0.1',
  security: 'tls',
  'ignore-cert': 'true',
  'color-depth': '24',
  'resize-method': 'display-update',
  'server-layout': 'fr-fr-azerty',
  'enable-font-smoothing': 'true',
  'disable-audio': 'true',
  'disable-copy': 'true',
  'disable-paste': 'true',
  'client-name': 'preau',
};

/** Connects guacd to a display and resolves with its first picture; `own`: `port`, `username`,
 * `password` and what else the connection needs. Rejects after 30 s without one. */
export async function openBarely(
  guacdPort: number,
  own: Record<string, string>,
): Promise<BareClient> {
  const settings = { ...shared, ...own };
  const socket = connect({ host: '127.0.0.1', port: guacdPort, noDelay: true });
  try {
    const firstFrameAt = await new Promise<number>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error('the bare client saw no picture within 30 s')),
        30_000,
      );
      const framer = new InstructionFramer();
      const hear = ([opcode, ...args]: Instruction) => {
        if (opcode === 'args')
          socket.write(
            [
              ['size', '1280', '720', '96'],
              ['audio'],
              ['video'],
              ['image', 'image/png', 'image/jpeg', 'image/webp'],
              ['timezone', 'Europe/Paris'],
              [
                'connect',
                ...args.map((name) =>
                  name.startsWith('VERSION_') ? 'VERSION_1_3_0' : (settings[name] ?? ''),
                ),
              ],
            ]
              .map((instruction) => encode(instruction as [string, ...string[]]))
              .join(''),
          );
        else if (opcode === 'sync') socket.write(encode(['sync', args[0] ?? '0']));
        else if (opcode === 'error') reject(new Error(`guacd: ${args.join(' ')}`));
        else if (drawsOnScreen(opcode, args)) {
          clearTimeout(late);
          resolve(performance.now());
        }
      };
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        const frame = framer.push(chunk);
        if (frame !== null)
          for (const instruction of decodeUnbounded(frame.toString())) hear(instruction);
      });
      socket.write(encode(['select', 'rdp']));
    });
    return { firstFrameAt, socket };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
