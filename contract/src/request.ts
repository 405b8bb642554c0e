/** Requests for applications: a teacher says what and what for; the school's contact and the city's
 * technicians answer. */
import { type Static, Type } from 'typebox';
import { AccountId, GroupId, isTechnician, type Role } from './account.ts';
import { Application, ApplicationId } from './application.ts';
import { fold } from './fold.ts';
import { RolloutId } from './rollout-states.ts';
import { RuleId } from './rule.ts';
import { CalendarDate, Id, Instant, Line, Nullable, OneOf, Slug, Strict } from './schema.ts';
import { SiteId } from './site.ts';

export const RequestId = Id('req');

/** A text of several lines written by one person to another; shown as plain text only. */
export const Words = (maxLength: number) =>
  Type.String({
    minLength: 1,
    maxLength,
    pattern:
      '^(?=[^]*\\S)[^\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$',
  });
const WebAddress = Type.String({
  maxLength: 300,
  pattern: '^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?$',
});

/** Whom the requester wants it for; the approval decides who gets it. */
export const wishes = ['me', 'class', 'pupils', 'teachers', 'everyone'] as const;

/** `applicationId`: in the catalogue; null when `name` describes a program that is not in it. */
export const RequestDraft = Strict({
  applicationId: Nullable(ApplicationId),
  name: Line(120),
  purpose: Words(1000),
  link: Nullable(WebAddress),
  wantedBy: Nullable(CalendarDate),
  wish: OneOf(wishes),
});
export type RequestDraft = Static<typeof RequestDraft>;

/** The decision as stored. `passed_on`: the school approved; the city must provide the
 * application. */
export const decisions = ['open', 'passed_on', 'approved', 'refused', 'withdrawn'] as const;
export type Decision = (typeof decisions)[number];

export const requestStates = [
  'asked',
  'approved_by_school',
  'approved',
  'installing',
  'ready',
  'refused',
  'withdrawn',
] as const;
export type RequestState = (typeof requestStates)[number];

/** The facts that determine the state. `readyAt`: when the application first became available to
 * them; `installing`: a rollout is installing it at their school now. */
export interface RequestFacts {
  decision: Decision;
  applicationId: string | null;
  readyAt: number | null;
  installing: boolean;
}

export function stateOf({ decision, readyAt, installing }: RequestFacts): RequestState {
  if (decision === 'refused' || decision === 'withdrawn') return decision;
  if (decision === 'open') return 'asked';
  if (decision === 'passed_on') return 'approved_by_school';
  return readyAt !== null ? 'ready' : installing ? 'installing' : 'approved';
}

const undecided = (request: RequestFacts) =>
  request.decision === 'open' || request.decision === 'passed_on';
/** What each state allows, and to whom: the controller enforces it, the console shows it. */
export const requestCan = {
  withdraw: (request: RequestFacts) => undecided(request),
  answer: (request: RequestFacts) =>
    undecided(request) || (request.decision === 'approved' && request.readyAt === null),
  refuse: (request: RequestFacts, by: { role: Role }) =>
    isTechnician(by) ? undecided(request) : request.decision === 'open',
  /** A school's contact decides only once. A technician also decides requests that a school has
   * passed on, and only for applications in the catalogue. */
  approve: (request: RequestFacts, by: { role: Role }) =>
    isTechnician(by)
      ? undecided(request) && request.applicationId !== null
      : request.decision === 'open',
  link: (request: RequestFacts, by: { role: Role }) => isTechnician(by) && undecided(request),
  install: (request: RequestFacts, by: { role: Role }) =>
    isTechnician(by) &&
    request.decision === 'approved' &&
    request.readyAt === null &&
    !request.installing,
};

/** Who gets it at the requesting school. `askers`: only the people who asked. */
export const RequestAudience = Type.Union([
  Strict({ kind: Type.Literal('askers') }),
  Strict({ kind: Type.Literal('group'), groupId: GroupId }),
  Strict({ kind: Type.Literal('role'), role: OneOf(['teacher', 'pupil']) }),
  Strict({ kind: Type.Literal('everyone') }),
]);
export type RequestAudience = Static<typeof RequestAudience>;

/** `alike`: also answer the other requests for the same program at the school. */
export const Approval = Strict({
  audience: RequestAudience,
  alike: Type.Boolean(),
  note: Nullable(Words(1000)),
});
export type Approval = Static<typeof Approval>;
export const Refusal = Strict({ reason: Words(1000), alike: Type.Boolean() });
export type Refusal = Static<typeof Refusal>;
export const Answer = Strict({ text: Words(1000) });

export const RequestMessage = Strict({
  id: Id('msg'),
  at: Instant,
  authorName: Line(120),
  mine: Type.Boolean(),
  fromSchool: Type.Boolean(),
  text: Words(1000),
});
export type RequestMessage = Static<typeof RequestMessage>;

const shown = {
  id: RequestId,
  ...RequestDraft.properties,
  slug: Nullable(Slug),
  applicationName: Nullable(Application.properties.name),
  iconHash: Application.properties.iconHash,
  state: OneOf(requestStates),
  reason: Nullable(Words(1000)),
  decidedByName: Nullable(Line(120)),
  createdAt: Instant,
  updatedAt: Instant,
  readyAt: Nullable(Instant),
  messages: Type.Integer(),
};

/** For the requester. `news`: something has happened since they last looked. */
export const MyRequest = Strict({
  ...shown,
  news: Type.Boolean(),
  thread: Type.Array(RequestMessage),
});
export type MyRequest = Static<typeof MyRequest>;

/** For those who answer. `alike`: names of others at the school who ask for the same and have no
 * answer yet. */
export const RequestSummary = Strict({
  ...shown,
  siteId: SiteId,
  siteName: Line(120),
  accountId: AccountId,
  askerName: Line(120),
  alike: Type.Array(Line(120)),
  installed: Type.Boolean(),
  ruleId: Nullable(RuleId),
  rolloutId: Nullable(RolloutId),
  problem: Nullable(Type.String()),
});
export type RequestSummary = Static<typeof RequestSummary>;
export const RequestDetail = Strict({
  ...RequestSummary.properties,
  thread: Type.Array(RequestMessage),
  groups: Type.Array(Strict({ id: GroupId, name: Line(80) })),
});
export type RequestDetail = Static<typeof RequestDetail>;

/** A program that a teacher may request. */
export const AskableProgram = Strict({
  id: ApplicationId,
  slug: Slug,
  name: Application.properties.name,
  description: Application.properties.description,
  category: Application.properties.category,
  iconHash: Application.properties.iconHash,
  installed: Type.Boolean(),
  open: Type.Boolean(),
  asked: Type.Boolean(),
});
export type AskableProgram = Static<typeof AskableProgram>;

/** A key that is equal for requests of one school for the same program: by application, or else by
 * name, ignoring case, accents and spaces. Pure. */
export const sameProgram = (request: {
  siteId: string;
  applicationId: string | null;
  name: string;
}): string =>
  `${request.siteId} ${
    request.applicationId ?? fold(request.name).replace(/[^\p{L}\p{N}]+/gu, '')
  }`;
