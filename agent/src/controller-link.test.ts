import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { enrolWithController } from './controller-link.ts';

let server: Server | null = null;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

/** Enrols at something that answers like this; resolves with the refusal. */
async function refusalAfter(
  answer: (response: ServerResponse) => void,
): Promise<{ code?: unknown; message: string }> {
  const city = createServer((_request, response) => answer(response));
  server = city;
  await new Promise<void>((resolve) => city.listen(0, '127.0.0.1', resolve));
  const { port } = city.address() as AddressInfo;
  const request = { code: 'x', publicKey: 'x', hostname: 'x' } as unknown as Parameters<
    typeof enrolWithController
  >[1];
  return enrolWithController(`http://127.0.0.1:${port}`, request).then(
    () => ({ message: 'was not refused' }),
    (error: Error) => error,
  );
}
const codeAfter = async (status: number, body: string) =>
  (await refusalAfter((response) => response.writeHead(status).end(body))).code;

test.each([502, 503, 504])(
  'a proxy’s own page with %i means that the city restarts',
  async (status) => {
    expect(await codeAfter(status, '<html>Bad Gateway</html>')).toBe('RESTARTING');
  },
);

test('what the city itself says is kept, and a page with another status is nothing we know', async () => {
  expect(await codeAfter(503, '{"code":"BUSY"}')).toBe('BUSY');
  expect(await codeAfter(403, '<html>Forbidden</html>')).toBe('INTERNAL');
});

describe('an answer without end', () => {
  const tooLong = { message: 'an answer of more than 8000000 bytes' };
  test('is read no further than twice the largest there is', async () => {
    let sent = 0;
    const piece = Buffer.alloc(1_000_000, ' ');
    const refusal = await refusalAfter((response) => {
      response.writeHead(200);
      const more = () => {
        // Enough for any reader that has no bound; then it would end.
        while (sent < 64_000_000) {
          sent += piece.length;
          if (!response.write(piece)) return void response.once('drain', more);
        }
        response.end('{}');
      };
      more();
    });
    expect(refusal).toMatchObject(tooLong);
    expect(sent).toBeLessThan(64_000_000);
  });
  test('nor is one that is small on the way', async () => {
    const small = gzipSync(Buffer.alloc(20_000_000, ' '));
    expect(small.length).toBeLessThan(100_000);
    expect(
      await refusalAfter((response) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(small),
      ),
    ).toMatchObject(tooLong);
  });
  test('one that is not too long is read whole', async () => {
    const text = JSON.stringify({ code: 'BUSY', details: { pad: ' '.repeat(7_900_000) } });
    expect(await codeAfter(503, text)).toBe('BUSY');
  });
});
