/** The types of verbs at the edge: their dependencies, input and results. */
import type { ReadStream } from 'node:fs';
import type {
  Api,
  Body,
  Params,
  Query,
  Reply,
  RouteName,
  StreamRouteName,
} from '@preau/contract/api.ts';
import type { AddressMood } from '#src/accounts/attempts/address-gate.ts';
import type { ClassEntry } from '#src/classes/enter.ts';
import type { Identity } from '#src/identity/sign-in.ts';
import type { AccountActor, Actor, AgentActor } from '#src/platform/actor.ts';
import type { Health } from '#src/platform/health/health.ts';
import type { Platform } from '#src/platform/platform.ts';
import type { Additions } from '#src/servers/additions/add-server.ts';

export interface EdgeDeps extends Platform {
  version: string;
  publicUrl: () => string;
  originAllowed: (origin: string | undefined) => boolean;
  identity: Identity;
  additions: Additions;
  classEntry: ClassEntry;
  health: Health;
}

/** Facts about the call besides the actor, and ways to set cookies or redirect besides the body. */
export interface Answer {
  /** Of the device. */
  address: string;
  /** Of that address; only on routes that anybody may call. */
  mood: AddressMood;
  setSignIn: (token: string | null, expiresAt: number) => void;
  /** The cookie that binds a redirect to another page to this browser: its value in the request. */
  step: string | null;
  setStep: (step: string | null, expiresAt: number) => void;
  /** Only for routes that declare `redirect`; the address must be made by the verb, never taken
   * from the caller. */
  redirect: (address: string) => void;
  /** Another HTTP status than the route's, for an answer that is no refusal. */
  setStatus: (status: number) => void;
}

type ActorOf<N extends RouteName> = Api[N]['caller'] extends 'agent'
  ? AgentActor
  : Api[N]['caller'] extends 'public'
    ? Actor
    : AccountActor;
type ReplyOf<N extends RouteName> = Api[N] extends { file: string } ? Buffer : Reply<N>;
export type Verbs = {
  [N in Exclude<RouteName, StreamRouteName>]: (
    deps: EdgeDeps,
    actor: ActorOf<N>,
    input: { params: Params<N>; query: Query<N>; body: Body<N> },
    answer: Answer,
  ) => Promise<ReplyOf<N>>;
};

/** How many calls may run at once; further ones are refused with BUSY. Routes that use the same
 * object share the limit. */
export interface Places {
  most: number;
  /** A call that takes longer is closed, so that its place becomes free. */
  withinMs?: number;
}

/** The body of a call, while it arrives. */
export interface Upload {
  /** Throws PAYLOAD_TOO_LARGE after the verb's `maxBytes`, and is closed when no data arrives for a
   * while. */
  body: AsyncIterable<Buffer>;
  /** Of the device. */
  address: string;
  /** Checks input found inside the body as `guardInput` checked the other input. */
  guard: (input: unknown) => Promise<void>;
}
export interface UploadVerb<A, I, R> {
  maxBytes: number;
  places?: Places;
  receive: (deps: EdgeDeps, actor: A, input: I, upload: Upload) => Promise<R>;
}

/** A file on its way out. */
export interface Download {
  size: number;
  /** `end` is inclusive. */
  read: (range: { start: number; end: number }) => ReadStream;
  /** SHA-256 of bytes that never change; allows range requests. */
  hash?: string;
  /** The `content-disposition` header; `attachment` by default. */
  disposition?: string;
  /** The content type; the route's by default. */
  type?: string;
}
export interface DownloadVerb<A, I> {
  send: (deps: EdgeDeps, actor: A, input: I) => Promise<Download>;
}

interface StreamInput<N extends StreamRouteName> {
  params: Params<N>;
  query: Query<N>;
}
/** Says where the bytes of a stream route come from or go to; streams.ts does the rest. */
type StreamVerb<N extends StreamRouteName> = Api[N]['stream'] extends 'up'
  ? UploadVerb<ActorOf<N>, StreamInput<N>, Reply<N>>
  : DownloadVerb<ActorOf<N>, StreamInput<N>>;
export type StreamVerbs = { [N in StreamRouteName]: StreamVerb<N> };
