/** Uploads a file of people: a first line with the choices, then the file's bytes. */
import type { ImportChoices, ImportPreview, ImportReport } from '@preau/contract/people-import.ts';
import { routeTable } from '@preau/contract/route-table.ts';
import { Refused, refusedBy } from '../lib/api.ts';
import { page } from '../lib/page.svelte.ts';

async function send(
  path: string,
  siteId: string | null,
  file: Blob,
  choices: ImportChoices,
): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(`${path}${siteId === null ? '' : `?site=${siteId}`}`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: new Blob([JSON.stringify(choices), '\n', file]),
    });
    page.online = true;
  } catch {
    page.online = false;
    throw new Refused(
      'NETWORK',
      {
        fr: 'Préau ne répond pas. Vérifiez la connexion.',
        en: 'Préau is not answering. Check the connection.',
      },
      {},
    );
  }
  const answer = (await response.json().catch(() => ({}))) as object;
  if (response.ok) return answer;
  throw refusedBy(answer);
}

export const previewFile = (
  siteId: string | null,
  file: Blob,
  choices: ImportChoices,
): Promise<ImportPreview> =>
  send(routeTable.previewImport.path, siteId, file, choices) as Promise<ImportPreview>;
export const applyFile = (
  siteId: string | null,
  file: Blob,
  choices: ImportChoices,
): Promise<ImportReport> =>
  send(routeTable.applyImport.path, siteId, file, choices) as Promise<ImportReport>;
