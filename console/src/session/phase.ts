/** What the page of a session is about at the moment. */
export type Phase =
  | 'asking'
  | 'connecting'
  | 'shown'
  | 'reconnecting'
  | 'superseded'
  | 'over'
  | 'failed'
  | 'queued'
  | 'refused';
