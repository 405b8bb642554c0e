import { createReadStream } from 'node:fs';
import {
  deleteRecording,
  listRecordings,
  readRecording,
  watchRecording,
} from '#src/sessions/recordings/recordings.ts';
import { limitOf } from './limit.ts';
import type { StreamVerbs, Verbs } from './verb.ts';

export const recordingVerbs = {
  listRecordings: (deps, actor, { query }) =>
    listRecordings(deps, actor, { ...query, limit: limitOf(query) }),
  readRecording: (deps, actor, { params }) => readRecording(deps, actor, params.id),
  deleteRecording: async (deps, actor, { params }) => {
    await deleteRecording(deps, actor, params.id);
    return null;
  },
} satisfies Partial<Verbs>;

export const recordingStreams = {
  watchRecording: {
    send: async (deps, actor, { params }) => {
      // The file grows while the session runs; its current contents are sent.
      const { path, size } = await watchRecording(deps, actor, params.id);
      return { size, read: (range) => createReadStream(path, range) };
    },
  },
} satisfies Partial<StreamVerbs>;
