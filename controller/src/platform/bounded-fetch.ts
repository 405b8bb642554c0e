/** Answers of other web servers, read no further than a bound: one that never ends, or that unpacks
 * to gigabytes, fills no memory. */
import { budget } from './budget.ts';

const maxBytes = budget.directories.answerBytes;

/** Throws when the body has more bytes than the bound, after decompression. */
async function bodyOf(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop ends the connection.
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`an answer of more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export const boundedText = async (response: Response): Promise<string> =>
  (await bodyOf(response)).toString('utf8');

/** `fetch` whose answer has been read whole. `options` are those of `fetch`, which libraries declare
 * in slightly different ways. */
export async function boundedFetch(url: string | URL, options: object): Promise<Response> {
  const response = await fetch(url, options);
  const { status, statusText, headers } = response;
  const body = new Uint8Array(await bodyOf(response));
  return new Response(body.length === 0 ? null : body, { status, statusText, headers });
}
