/** One HTTP call, as a device would make it. */
import { request as askPlain } from 'node:http';
import { request as askTls } from 'node:https';

interface Asked {
  status: number;
  text: string;
  /** This machine's address on the connection. */
  localAddress: string | null;
}

/** Throws when nobody answers within five seconds. */
export function ask(url: string, headers: Record<string, string> = {}): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const options = {
      headers,
      // The certificate has findings of its own.
      rejectUnauthorized: false,
      signal: AbortSignal.timeout(5000),
      agent: false as const,
    };
    const call = (url.startsWith('https:') ? askTls : askPlain)(url, options, (response) => {
      const localAddress = response.socket.localAddress ?? null;
      let text = '';
      response.on('data', (part: Buffer) => {
        text = (text + part.toString()).slice(0, 10_000);
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, localAddress }));
    });
    call.on('error', reject);
    call.end();
  });
}

/** Whether what answers at this origin is a controller. Throws when nobody answers. */
export async function isPreau(origin: string): Promise<boolean> {
  const { status, text } = await ask(`${origin}/api/health/live`);
  return status === 200 && text.includes('"status"');
}
