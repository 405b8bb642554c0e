/** What a verb at the edge is given, and what it owes. */
import type { Api, Body, Params, Query, Reply, RouteName, StreamRouteName } from '@preau/contract/api.ts';
import type { SignInProvider, SlowDown } from '#src/accounts/sign-in.ts';
import type { AccountActor, Actor, AgentActor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import type { Additions } from '#src/servers/additions/add-server.ts';

export interface EdgeDeps extends Platform {
  version: string;
  publicUrl: () => string;
  originAllowed: (origin: string | undefined) => boolean;
  providers: readonly SignInProvider[];
  slowDown: SlowDown;
  additions: Additions;
}

/** Whose call it is beside the actor, and what a verb may do to the answer beside its body. */
export interface Answer {
  /** Of the device. */
  address: string;
  setSignIn: (token: string | null, expiresAt: number) => void;
}

type ActorOf<N extends RouteName> = Api[N]['policy'] extends 'agent' ? AgentActor : Api[N]['policy'] extends 'public' ? Actor : AccountActor;
type ReplyOf<N extends RouteName> = Api[N] extends { file: string } ? Buffer : Reply<N>;
export type Verbs = {
  [N in Exclude<RouteName, StreamRouteName>]: (deps: EdgeDeps, actor: ActorOf<N>, input: { params: Params<N>; query: Query<N>; body: Body<N> }, answer: Answer) => Promise<ReplyOf<N>>;
};

