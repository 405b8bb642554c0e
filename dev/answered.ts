/** Waits for the schools' servers to answer a plan, as the command line does. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Rollout } from '@preau/contract/rollout.ts';
import { answered as answeredTo } from '../cli/src/rollouts.ts';
import type { Client } from './client.ts';

/** The plan once no server has time to answer left; a refusal may have changed it. */
export const answered = (client: Client, planned: Rollout): Promise<Rollout> =>
  answeredTo(
    (id) => client.call('readRollout', { params: { id } }),
    planned,
    () => undefined,
    () => pause(50),
  );
