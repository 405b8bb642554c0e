/** The verbs by which a technician makes a machine a server of a school over SSH. The steps are in
 * run.ts.
 *
 * The technician's password or key stays in this process's memory while the work runs, and nowhere
 * else: in no row, no job and no log. So no controller can continue the work of one that died:
 * `alive_until` in the row expires, and the sweep ends the addition. The row is authoritative: an
 * addition ends once (done, failed, or cancelled from any process), and then the work stops. */
import { AppError } from '@preau/contract/errors.ts';
import type { Addition, AdditionRequest } from '@preau/contract/fleet.ts';
import { mustReach } from '#src/accounts/reach.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import { newId } from '#src/platform/secrets.ts';
import { readHostKey } from '#src/platform/ssh.ts';
import { selectSite } from '#src/sites/store.ts';
import { end, mustRead } from './end.ts';
import { aliveForMs } from './progress.ts';
import { type AdditionDeps, type AdditionTimes, additionTimes, runAddition } from './run.ts';
import { insertAddition } from './store.ts';

const atOnce = 20;

export interface Additions {
  hostKey: (
    actor: AccountActor,
    input: { siteId: string; host: string; port: number },
  ) => Promise<string>;
  add: (actor: AccountActor, input: AdditionRequest) => Promise<Addition>;
  cancel: (actor: AccountActor, id: string) => Promise<Addition>;
  /** Stops the additions that run in this process, and waits for them. */
  close: () => Promise<void>;
}

export function createAdditions(
  deps: AdditionDeps,
  times: AdditionTimes = additionTimes,
): Additions {
  const running = new Map<string, { abort: AbortController; over: Promise<void> }>();
  return {
    hostKey: async (actor, input) => {
      mustReach(actor, input.siteId);
      if ((await selectSite(deps.database, input.siteId)) === undefined)
        throw new AppError('NOT_FOUND', { site: input.siteId });
      return readHostKey(input, times.connectMs);
    },
    add: async (actor, input) => {
      mustReach(actor, input.siteId);
      if (input.password === undefined && input.privateKey === undefined)
        throw new AppError('VALIDATION_FAILED', {
          issues: [{ field: 'body/password', problem: 'a password or a private key' }],
        });
      if (deps.config.PREAU_AGENT_FILES === '')
        throw new AppError('NOT_FOUND', { setting: 'PREAU_AGENT_FILES' });
      if (running.size >= atOnce) throw new AppError('BUSY');
      const site = await selectSite(deps.database, input.siteId);
      if (site === undefined) throw new AppError('NOT_FOUND', { site: input.siteId });
      const id = newId('add');
      await deps.database.transaction().execute(async (rows) => {
        const now = deps.clock.now();
        await insertAddition(rows, {
          id,
          siteId: site.id,
          serverName: input.serverName,
          host: input.host,
          port: input.port,
          login: input.login,
          hostKey: input.hostKey,
          createdBy: actor.id,
          now,
          aliveUntil: now + aliveForMs,
        });
        await recordEffect(deps, rows, actor, {
          action: 'server.addition_started',
          subjectId: id,
          subjectName: `${input.serverName}, ${site.name}`,
          siteId: site.id,
          details: {
            host: input.host,
            port: input.port,
            login: input.login,
            hostKey: input.hostKey,
          },
        });
      });
      deps.wakeups.wake(['audit', 'servers', `addition:${id}`]);
      const abort = new AbortController();
      const over = runAddition(deps, { id, actor, input, times, abort }).finally(() =>
        running.delete(id),
      );
      running.set(id, { abort, over });
      return mustRead(deps, id);
    },
    cancel: async (actor, id) => {
      const addition = await mustRead(deps, id);
      mustReach(actor, addition.siteId);
      if (!(await end(deps, actor, addition, { state: 'cancelled', code: null })))
        throw new AppError('STATE_FORBIDS', { state: addition.state });
      running.get(id)?.abort.abort();
      return mustRead(deps, id);
    },
    close: async () => {
      for (const { abort } of running.values()) abort.abort();
      await Promise.all([...running.values()].map(({ over }) => over));
    },
  };
}
