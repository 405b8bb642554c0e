/** Waits for the schools' servers to answer a plan, as a person does who reads it. */
import type { Rollout } from '@preau/contract/rollout.ts';
import type { Client } from './client.ts';

/** The plan once no server has time to answer left; a refusal may have changed it. */
export async function answered(client: Client, planned: Rollout): Promise<Rollout> {
  for (let rollout = planned; ; ) {
    const until = rollout.asking?.until ?? null;
    if (until === null) return rollout;
    await new Promise((resolve) => setTimeout(resolve, 50));
    rollout = await client.call('readRollout', { params: { id: planned.id } });
  }
}
