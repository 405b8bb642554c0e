/** What a server is asked before anything is changed on it, and what its package manager answers. */
import { type Static, Type } from 'typebox';
import { ApplicationId } from './application.ts';
import { errorCodes } from './errors.ts';
import { Instant, Line, MachineText, Nullable, OneOf, Slug, Strict } from './schema.ts';

const Key = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** Asks what installing these applications of the desired state's `asked` list would do. The same
 * key always asks the same question: an answer is kept and not computed twice. */
export const Question = Strict({
  key: Key,
  applicationIds: Type.Array(ApplicationId, { maxItems: 500 }),
});
export type Question = Static<typeof Question>;

/** A package that an installation would remove. `wantedBy`: the application that needs it, null
 * when Préau did not install it. */
export const ForeseenRemoval = Strict({
  name: Line(120),
  version: Line(120),
  wantedBy: Nullable(Slug),
});
export type ForeseenRemoval = Static<typeof ForeseenRemoval>;

/** What installing one application would do here; each application is asked about alone.
 * `downloadBytes`: what would be fetched. `refusal`: why it would not be installed. */
export const Foreseen = Strict({
  applicationId: ApplicationId,
  installs: Type.Integer({ minimum: 0 }),
  upgrades: Type.Integer({ minimum: 0 }),
  removes: Type.Array(ForeseenRemoval, { maxItems: 50 }),
  downloadBytes: Type.Integer({ minimum: 0 }),
  refusal: Nullable(Strict({ code: OneOf(errorCodes), message: MachineText(2000) })),
});
export type Foreseen = Static<typeof Foreseen>;

/** `at`: when the package manager was asked, epoch ms by the server's clock. */
export const Answer = Strict({
  key: Key,
  at: Type.Integer(),
  foreseen: Type.Array(Foreseen, { maxItems: 500 }),
});
export type Answer = Static<typeof Answer>;

/** Which run of the kernel this is, and whether the system asks for a restart. */
export const Boot = Strict({
  bootId: Type.String({ pattern: '^[0-9a-f-]{36}$' }),
  /** Null: no restart is needed. `since`: epoch ms. */
  restartNeeded: Nullable(
    Strict({ since: Type.Integer(), packages: Type.Array(Line(120), { maxItems: 100 }) }),
  ),
});
export type Boot = Static<typeof Boot>;

/** Restarts the server once, at `at` or as soon as it hears of it after that, but only while it
 * still runs the boot named here: a repeated message restarts nothing. */
export const WantedRestart = Strict({ bootId: Boot.properties.bootId, at: Instant });
export type WantedRestart = Static<typeof WantedRestart>;
