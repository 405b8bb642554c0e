/** Accepts an agent's report about its server, sessions, transfers and orders. Accepting the same
 * report twice is a no-op. */

import type { Reply } from '@preau/contract/api.ts';
import { AppError } from '@preau/contract/errors.ts';
import { PROTOCOL } from '@preau/contract/protocol.ts';
import type { Report } from '@preau/contract/report.ts';
import type { Topic } from '@preau/contract/topics.ts';
import type { AgentActor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { together } from '#src/platform/together.ts';
import { settleAnswers } from '#src/rollouts/plan/questions/ask.ts';
import { settleOrders } from '#src/rollouts/run/settle-orders.ts';
import { checkReport } from '#src/servers/reported/clone.ts';
import { admitDisplays } from '#src/servers/reported/displays.ts';
import { recordServerReport } from '#src/servers/reported/record-report.ts';
import { savePastEpochs } from '#src/servers/reported/store.ts';

import { raiseGeneration, selectServerRow } from '#src/servers/store.ts';
import { catchUp } from '#src/sessions/catch-up.ts';
import { settleTransfers } from '#src/sessions/exchange/serve.ts';
import { quarantineServer } from '#src/sessions/quarantine.ts';
import { settleSessions } from '#src/sessions/settle.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

export async function acceptReport(
  deps: Deps,
  actor: AgentActor,
  report: Report,
  /** Where the report came from; null when nobody knows. */
  address: string | null = null,
): Promise<Reply<'sendReport'>> {
  if (report.protocol !== PROTOCOL)
    throw new AppError('PROTOCOL_UNSUPPORTED', { protocol: report.protocol, supported: PROTOCOL });
  const { topics, reply } = await together(deps.database, async (rows) => {
    const server = await selectServerRow(rows, actor.id);
    if (server === undefined) throw new AppError('AGENT_REFUSED');
    if (server.quarantinedAt !== null) return { topics: new Set<Topic>(), reply: null };
    const check = checkReport(
      { epoch: server.epoch, seq: server.seq, past: server.pastEpochs },
      report,
    );
    if (check.verdict === 'clone')
      return {
        topics: new Set(
          await quarantineServer(deps, rows, actor, server.id, {
            seenBy: 'reports',
            hostname: report.inventory.hostname,
          }),
        ),
        reply: null,
      };
    if (check.verdict === 'stale') {
      // Late or repeated: answer with the current generation, change nothing else.
      if (check.past !== server.pastEpochs) await savePastEpochs(rows, server.id, check.past);
      return { topics: new Set<Topic>(), reply: { generation: server.generation, icons: [] } };
    }
    await raiseGeneration(rows, server, report.generation);
    const { topics, iconsWanted } = await recordServerReport(deps, rows, actor, {
      server,
      report,
      pastEpochs: check.past,
    });
    const displays = admitDisplays(deps, rows, actor, server, address);
    for (const topic of await settleSessions(deps, rows, actor, report.sessions, displays))
      topics.add(topic);
    for (const topic of await displays.save()) topics.add(topic);
    for (const topic of await settleTransfers(deps, rows, actor, report.transfers))
      topics.add(topic);
    const answers = await settleAnswers(deps, rows, actor, report.answers ?? []);
    const orders = await settleOrders(deps, rows, actor, report.orders);
    const caughtUp = await catchUp(deps, rows, actor, server, report);
    for (const topic of [...answers.topics, ...orders.topics, ...caughtUp.topics])
      topics.add(topic);
    // The agent caused this state itself: the reply names its generation, and no wake-up is needed.
    return {
      topics,
      reply: {
        generation:
          caughtUp.generation ?? orders.generation ?? answers.generation ?? server.generation,
        icons: iconsWanted,
      },
    };
  });
  deps.wakeups.wake([...topics]);
  if (reply === null) throw new AppError('SERVER_QUARANTINED');
  return reply;
}
