/** What a verb at the edge is given, and what it owes. */
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
