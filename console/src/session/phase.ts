/** The current state of the session page. */
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
