/** Whether the controller works, part by part. */
import { type Static, Type } from 'typebox';
import { errorCodes } from './errors.ts';
import { Nullable, OneOf, Strict, Translated } from './schema.ts';

/** `loop`: the thread that serves everybody. */
const healthParts = [
  'database',
  'disk',
  'gateway',
  'redis',
  'queue',
  'clock',
  'loop',
  'backup',
] as const;
export type HealthPart = (typeof healthParts)[number];

/** `degraded`: it serves, but something is late or cannot be done. `down`: it does not work. */
const healthStates = ['ok', 'degraded', 'down'] as const;
export type HealthState = (typeof healthStates)[number];

/** Without these nobody can be served: the whole is down with them, and degraded with any other. */
const essential: ReadonlySet<HealthPart> = new Set(['database', 'disk']);

export function overall(parts: readonly { part: HealthPart; state: HealthState }[]): HealthState {
  if (parts.some(({ part, state }) => state === 'down' && essential.has(part))) return 'down';
  return parts.some(({ state }) => state !== 'ok') ? 'degraded' : 'ok';
}

const Told = Strict({
  part: OneOf(healthParts),
  state: OneOf(healthStates),
  /** What is wrong; null when nothing is. */
  code: Nullable(OneOf(errorCodes)),
  message: Nullable(Translated(400)),
});

/** For anybody: no address, no version, no reason in a dependency's words. */
export const HealthAnswer = Strict({ status: OneOf(healthStates), parts: Type.Array(Told) });
export type HealthAnswer = Static<typeof HealthAnswer>;

/** For technicians. */
export const HealthReport = Strict({
  /** Of the controller. */
  version: Type.String({ maxLength: 40 }),
  status: OneOf(healthStates),
  /** Epoch ms. */
  at: Type.Integer(),
  parts: Type.Array(
    Strict({
      ...Told.properties,
      /** Since when it has been in this state; null when that was before this process. */
      since: Nullable(Type.Integer()),
      /** In the words of what failed. */
      why: Nullable(Type.String({ maxLength: 500 })),
      /** File and anchor below `docs/runbooks/`. */
      runbook: Nullable(Type.String({ maxLength: 200 })),
    }),
  ),
});
export type HealthReport = Static<typeof HealthReport>;
