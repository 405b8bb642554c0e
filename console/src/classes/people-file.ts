/** Uploads a file of people: a first line with the choices, then the file's bytes. */
import type { ImportChoices, ImportPreview, ImportReport } from '@preau/contract/people-import.ts';
import { routeTable } from '@preau/contract/route-table.ts';
import { send } from '../lib/api.ts';

const sendFile = (
  path: string,
  siteId: string | null,
  file: Blob,
  choices: ImportChoices,
): Promise<unknown> =>
  send('POST', `${path}${siteId === null ? '' : `?site=${siteId}`}`, {
    headers: { 'content-type': 'application/octet-stream' },
    body: new Blob([JSON.stringify(choices), '\n', file]),
  });

export const previewFile = (
  siteId: string | null,
  file: Blob,
  choices: ImportChoices,
): Promise<ImportPreview> =>
  sendFile(routeTable.previewImport.path, siteId, file, choices) as Promise<ImportPreview>;
export const applyFile = (
  siteId: string | null,
  file: Blob,
  choices: ImportChoices,
): Promise<ImportReport> =>
  sendFile(routeTable.applyImport.path, siteId, file, choices) as Promise<ImportReport>;
