/** Topics of wake-ups: the names of what has changed. A topic carries no data; the receiver reads
 * again. Each kind of topic has a row in `audiences`, which defines who receives it; a kind without
 * a row does not compile. */

/** Topics that stand for a whole list. */
export type ListTopic =
  | 'sites'
  | 'servers'
  | 'applications'
  | 'rules'
  | 'sessions'
  | 'audit'
  | 'rollouts'
  | 'requests'
  | 'classes'
  | 'people'
  | 'directories'
  | 'recordings'
  | 'portal'
  | 'mail'
  | 'health';

/** Kinds of topics that name one object: by its id, or a sign-in by the hash of its secret. */
export type NamingKind =
  | 'agent'
  | 'retired'
  | 'person'
  | 'sign-in'
  | 'session'
  | 'addition'
  | 'rollout';

export type TopicKind = ListTopic | NamingKind;
export type Topic = ListTopic | `${NamingKind}:${string}`;

/** Who receives a topic, besides the controller's own processes, which receive all. `agent`,
 * `person` and `sign-in`: the one that the topic names. `teachers`, `contacts` and `technicians`:
 * their pages; technicians also receive what contacts receive, and contacts what teachers
 * receive. */
export type Audience =
  | 'nobody'
  | 'agent'
  | 'person'
  | 'sign-in'
  | 'everyone'
  | 'teachers'
  | 'contacts'
  | 'technicians';

/** `hangUp`: the audience is disconnected instead of notified. */
export interface TopicRow {
  to: Audience;
  hangUp?: true;
}

// biome-ignore format: a table
export const audiences = {
  sites:        { to: 'technicians' },
  servers:      { to: 'technicians' },
  applications: { to: 'technicians' },
  rules:        { to: 'technicians' },
  sessions:     { to: 'technicians' },
  audit:        { to: 'technicians' },
  rollouts:     { to: 'technicians' },
  requests:     { to: 'contacts' },
  classes:      { to: 'teachers' },
  people:       { to: 'technicians' },
  directories:  { to: 'technicians' },
  recordings:   { to: 'technicians' },
  /** The content of any person's portal may have changed. */
  portal:       { to: 'everyone' },
  /** The outbox holds mail to send. */
  mail:         { to: 'nobody' },
  /** A part of the controller has stopped working, or works again. */
  health:       { to: 'technicians' },
  /** The server's desired state has changed. */
  agent:        { to: 'agent' },
  /** The server's identity is no longer valid. */
  retired:      { to: 'agent', hangUp: true },
  person:       { to: 'person' },
  /** The sign-in has ended. */
  'sign-in':    { to: 'sign-in', hangUp: true },
  /** The gateway reads the session again. The topic `person` wakes its person. */
  session:      { to: 'nobody' },
  /** One topic per addition, but a single audience, because there are few technicians. */
  addition:     { to: 'technicians' },
  /** The rollout is evaluated again; the topic `rollouts` wakes pages. */
  rollout:      { to: 'nobody' },
} as const satisfies Record<TopicKind, TopicRow>;

type PageTopicKind = {
  [K in TopicKind]: (typeof audiences)[K] extends { hangUp: true } | { to: 'nobody' | 'agent' }
    ? never
    : K;
}[TopicKind];

/** Topics that a page may receive. */
export type PageTopic =
  | Extract<PageTopicKind, ListTopic>
  | `${Extract<PageTopicKind, NamingKind>}:${string}`;

/** `person` of `person:acc_…`, `sites` of `sites`. */
export const kindOfTopic = (topic: Topic): TopicKind => topic.split(':', 1)[0] as TopicKind;

/** The id that the topic names; empty when it stands for a list. */
export const namedBy = (topic: Topic): string => topic.slice(kindOfTopic(topic).length + 1);

/** Whether this text from another process is a topic. */
export const isTopic = (text: string): text is Topic =>
  Object.hasOwn(audiences, text.split(':', 1)[0] ?? '');
