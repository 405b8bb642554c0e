import {
  deleteRecording,
  listRecordings,
  readRecording,
} from '#src/sessions/recordings/recordings.ts';
import { limitOf } from './limit.ts';
import type { Verbs } from './verb.ts';

export const recordingVerbs = {
  listRecordings: (deps, actor, { query }) =>
    listRecordings(deps, actor, { ...query, limit: limitOf(query) }),
  readRecording: (deps, actor, { params }) => readRecording(deps, actor, params.id),
  deleteRecording: async (deps, actor, { params }) => {
    await deleteRecording(deps, actor, params.id);
    return null;
  },
} satisfies Partial<Verbs>;
