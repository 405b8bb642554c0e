/** Routes of recordings, for technicians; each viewing is recorded in the audit. */
import { Type } from 'typebox';
import { Recording, RecordingId } from '../recording.ts';
import { Count, Cursor, Nothing, ofId, Page, type Route } from '../route.ts';
import { Strict } from '../schema.ts';

export const recordingRoutes = {
  listRecordings: {
    method: 'GET',
    path: '/api/recordings',
    caller: 'technician',
    reach: 'site',
    summary: 'Recordings, newest first',
    query: Strict({
      search: Type.Optional(Type.String({ maxLength: 80 })),
      after: Type.Optional(Cursor),
      limit: Type.Optional(Count),
    }),
    reply: Page(Recording),
  },
  readRecording: {
    method: 'GET',
    path: '/api/recordings/:id',
    caller: 'technician',
    reach: 'site',
    summary: 'One recording',
    params: ofId(RecordingId),
    reply: Recording,
  },
  watchRecording: {
    method: 'GET',
    path: '/api/recordings/:id/content',
    caller: 'technician',
    reach: 'site',
    summary: 'What the screen showed, in the Guacamole protocol',
    params: ofId(RecordingId),
    reply: Type.String(),
    file: 'application/octet-stream',
    stream: 'down',
  },
  deleteRecording: {
    method: 'DELETE',
    path: '/api/recordings/:id',
    caller: 'technician',
    reach: 'site',
    summary: 'Erase a recording',
    params: ofId(RecordingId),
    reply: Nothing,
    status: 204,
  },
} as const satisfies Record<string, Route>;
