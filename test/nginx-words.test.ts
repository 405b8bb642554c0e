/** What nginx answers in the controller's place must be what the controller would say. */
import { readFileSync } from 'node:fs';
import { type ErrorCode, errors } from '@preau/contract/errors.ts';
import { expect, test } from 'vitest';
import { frontFile } from '../dev/front.ts';

const file = readFileSync(frontFile, 'utf8');
const answers = [...file.matchAll(/return (\d+) '(\{.*\})';/g)].map(([, status, text]) => ({
  status: Number(status),
  ...(JSON.parse(text ?? '') as { code: ErrorCode; message: object; retryable: boolean }),
}));

test.each(['RESTARTING', 'SLOW_DOWN', 'PAYLOAD_TOO_LARGE'] as const)(
  '%s is said as the contract says it',
  (code) => {
    const { fr, en, status, retryable } = errors[code];
    expect(answers.filter((answer) => answer.code === code)).toMatchObject([
      { status, retryable, message: { fr, en } },
    ]);
  },
);

test('the file names no old TLS, passes on no address that a caller invents, and limits no rate', () => {
  expect([...file.matchAll(/ssl_protocols (.*);/g)].map(([, versions]) => versions)).toEqual([
    'TLSv1.2 TLSv1.3',
    'TLSv1.2 TLSv1.3',
  ]);
  expect(file).not.toMatch(/proxy_add_x_forwarded_for|\blimit_req\b/);
  // A location with headers of its own inherits none.
  const blocks = file.split(/\n {2}location /).filter((block) => /proxy_set_header/.test(block));
  expect(blocks).toHaveLength(3);
  for (const block of blocks)
    expect(block).toMatch(/proxy_set_header X-Forwarded-For \$remote_addr;/);
});
