/** What a verb at the edge is given, and what it owes. */
import type { Readable } from 'node:stream';
import type {
  Api,
  Body,
  Params,
  Query,
  Reply,
  RouteName,
  StreamRouteName,
} from '@preau/contract/api.ts';
import type { ClassEntry } from '#src/classes/enter.ts';
import type { Identity } from '#src/identity/sign-in.ts';
import type { AccountActor, Actor, AgentActor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import type { Additions } from '#src/servers/additions/add-server.ts';

export interface EdgeDeps extends Platform {
  version: string;
  publicUrl: () => string;
  originAllowed: (origin: string | undefined) => boolean;
  identity: Identity;
  additions: Additions;
  classEntry: ClassEntry;
}

/** Whose call it is beside the actor, and what a verb may do to the answer beside its body. */
export interface Answer {
  /** Of the device. */
  address: string;
  setSignIn: (token: string | null, expiresAt: number) => void;
  /** Binds a trip to another page to this browser: what it came back with, and what it is given. */
  step: string | null;
  setStep: (step: string | null, expiresAt: number) => void;
  /** Of a route that says it may: an address that the verb, not the caller, has made. */
  redirect: (address: string) => void;
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

/** How many calls may be under way at once; one more is refused with BUSY. Routes that name the
 * same object share it. */
export interface Places {
  most: number;
  /** A call that takes longer is cut off, so that its place becomes free. */
  withinMs?: number;
}

/** The body of a call, while it arrives. */
export interface Upload {
  /** Ends with PAYLOAD_TOO_LARGE after the most a verb takes, and is cut off after a silence. */
  body: AsyncIterable<Buffer>;
  /** Of the device. */
  address: string;
  /** Refuses input that only the body holds, as other input was refused before. */
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
  /** `end` is the last byte, included. */
  read: (range: { start: number; end: number }) => Readable;
  /** SHA-256 of bytes that never change: a part of them may be asked for. */
  hash?: string;
  /** The header of the answer, where it is not `attachment`. */
  disposition?: string;
  /** The content type, where it is not the route's. */
  type?: string;
}
export interface DownloadVerb<A, I> {
  send: (deps: EdgeDeps, actor: A, input: I) => Promise<Download>;
}

interface StreamInput<N extends StreamRouteName> {
  params: Params<N>;
  query: Query<N>;
}
/** Says where the bytes of a stream route come from or go to. The rest is streams.ts. */
export type StreamVerb<N extends StreamRouteName> = Api[N]['stream'] extends 'up'
  ? UploadVerb<ActorOf<N>, StreamInput<N>, Reply<N>>
  : DownloadVerb<ActorOf<N>, StreamInput<N>>;
export type StreamVerbs = { [N in StreamRouteName]: StreamVerb<N> };
