import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { enrolWithController } from './controller-link.ts';

let server: Server | null = null;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

/** Enrols at something that gives this answer; resolves with the code of the refusal. */
async function codeAfter(status: number, body: string): Promise<unknown> {
  const city = createServer((_request, response) => response.writeHead(status).end(body));
  server = city;
  await new Promise<void>((resolve) => city.listen(0, '127.0.0.1', resolve));
  const { port } = city.address() as AddressInfo;
  const request = { code: 'x', publicKey: 'x', hostname: 'x' } as unknown as Parameters<
    typeof enrolWithController
  >[1];
  return enrolWithController(`http://127.0.0.1:${port}`, request).catch(
    (error: { code?: unknown }) => error.code,
  );
}

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
