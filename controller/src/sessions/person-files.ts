/** The files in the data folder that are about people: recordings of their screens, and files on
 * their way. */
import { rm } from 'node:fs/promises';
import type { Platform } from '#src/platform/platform.ts';
import { transferFiles } from './exchange/files.ts';
import { selectTransferIdsOf } from './exchange/store.ts';
import { recordingPath } from './recordings/recordings.ts';
import { selectRecordingIdsOf } from './recordings/store.ts';

interface PersonFiles {
  recordings: string[];
  transfers: string[];
}

/** Before their rows are deleted. */
export const selectPersonFiles = async (
  deps: Pick<Platform, 'database'>,
  accountIds: readonly string[],
): Promise<PersonFiles> => ({
  recordings: await selectRecordingIdsOf(deps.database, accountIds),
  transfers: await selectTransferIdsOf(deps.database, accountIds),
});

/** After their rows were deleted. What is left when the controller stops in between, the sweep and
 * the daily run remove. */
export async function removePersonFiles(
  deps: Pick<Platform, 'config'>,
  { recordings, transfers }: PersonFiles,
): Promise<void> {
  for (const id of recordings) await rm(recordingPath(deps, id), { force: true });
  const files = transferFiles(deps.config.PREAU_DATA);
  for (const id of transfers) await files.remove(id);
}
