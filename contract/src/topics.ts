/** Topics of wake-ups: what has changed, by name. A topic is a name and never a fact: whoever hears
 * one reads again. Each kind of topic has a row in `audiences`, which says who hears it; a kind
 * without a row does not compile. */

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
  | 'mail';

/** Kinds of topics that name one thing: by its id, or a sign-in by the hash of its secret. */
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

/** Who hears a topic, besides the controller's own processes, which hear all. `agent`, `person` and
 * `sign-in`: the one that the topic names. `teachers`, `contacts` and `technicians` are their pages;
 * technicians hear what contacts hear, and contacts what teachers hear. */
export type Audience =
  | 'nobody'
  | 'agent'
  | 'person'
  | 'sign-in'
  | 'everyone'
  | 'teachers'
  | 'contacts'
  | 'technicians';

/** `hangUp`: the audience is disconnected instead of told. */
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
  /** What anybody's portal shows may have changed. */
  portal:       { to: 'everyone' },
  /** Something is in the outbox. */
  mail:         { to: 'nobody' },
  /** The server's desired state is another. */
  agent:        { to: 'agent' },
  /** The server's identity is void. */
  retired:      { to: 'agent', hangUp: true },
  person:       { to: 'person' },
  /** The sign-in is over. */
  'sign-in':    { to: 'sign-in', hangUp: true },
  /** The gateway looks at the session again. Its person is woken by `person`. */
  session:      { to: 'nobody' },
  /** A topic for each addition, but one audience: technicians are few. */
  addition:     { to: 'technicians' },
  /** The rollout is looked at again; pages are woken by `rollouts`. */
  rollout:      { to: 'nobody' },
} as const satisfies Record<TopicKind, TopicRow>;

type PageTopicKind = {
  [K in TopicKind]: (typeof audiences)[K] extends { hangUp: true } | { to: 'nobody' | 'agent' }
    ? never
    : K;
}[TopicKind];

/** What a page may be told. */
export type PageTopic =
  | Extract<PageTopicKind, ListTopic>
  | `${Extract<PageTopicKind, NamingKind>}:${string}`;

/** `person` of `person:acc_…`, `sites` of `sites`. */
export const kindOfTopic = (topic: Topic): TopicKind => topic.split(':', 1)[0] as TopicKind;

/** What the topic names; empty when it stands for a list. */
export const namedBy = (topic: Topic): string => topic.slice(kindOfTopic(topic).length + 1);

/** Whether this text, which came from another process, is a topic. */
export const isTopic = (text: string): text is Topic =>
  Object.hasOwn(audiences, text.split(':', 1)[0] ?? '');
