/** How much each route takes in at most: written out, because a limit that is lost is not missed. */
import type { StreamRouteName } from '@preau/contract/api.ts';
import { expect, test } from 'vitest';
import { streamVerbs } from './verbs/table.ts';

const MiB = 1_048_576;
/** Bytes; null: it takes none. Complete: a new stream route does not compile without its row. */
// biome-ignore format: a table
const most: Record<StreamRouteName, number | null> = {
  uploadPackage:  4096 * MiB,
  bringFile:       200 * MiB,
  sendTransfer:    200 * MiB,
  previewImport:   26_000_000,
  applyImport:     26_000_000,
  takeFile:        null,
  readTransfer:    null,
  readPackage:     null,
  watchRecording:  null,
};
test.each(Object.entries(most))('%s takes at most %s bytes', (name, bytes) => {
  const verb = streamVerbs[name as StreamRouteName];
  expect('maxBytes' in verb ? verb.maxBytes : null).toBe(bytes);
});
