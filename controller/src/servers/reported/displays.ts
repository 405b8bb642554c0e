/** Admits the displays that a report names, and records those that it refuses. */
import type { DisplayCredentials } from '@preau/contract/report.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AgentActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { judgeDisplay, type KnownDisplay } from '../displays.ts';
import { type ServerRow, saveDisplay } from '../store.ts';

export interface Displays {
  /** The same credentials, with the known address in its usual form; null when refused. */
  admit: (credentials: DisplayCredentials) => DisplayCredentials | null;
  /** In the report's transaction, at its end. Returns the topics to wake. */
  save: () => Promise<Topic[]>;
}

/** `calledFrom`: where the report came from; null when nobody knows. */
export function admitDisplays(
  deps: Pick<Platform, 'clock'>,
  rows: Rows,
  actor: AgentActor,
  server: Pick<ServerRow, 'id' | 'name' | 'siteId' | 'display'>,
  calledFrom: string | null,
): Displays {
  let known = server.display;
  let refused: KnownDisplay['refused'] = null;
  return {
    admit: (credentials) => {
      const { host, port } = credentials;
      const judged = judgeDisplay(known, { host, port }, calledFrom);
      if (judged.verdict === 'refused') {
        refused = { host, port, at: deps.clock.now() };
        return null;
      }
      if (judged.verdict === 'first') known = { ...judged.at, refused: null };
      return { ...credentials, host: judged.at.host };
    },
    save: async () => {
      if (known !== null && known !== server.display) await saveDisplay(rows, server.id, known);
      const before = known?.refused ?? null;
      if (refused === null || (before?.host === refused.host && before.port === refused.port))
        return [];
      const { host, port } = refused;
      if (known !== null) await saveDisplay(rows, server.id, { ...known, refused });
      await recordEffect(deps, rows, actor, {
        action: 'server.display_refused',
        subjectId: server.id,
        subjectName: server.name,
        siteId: server.siteId,
        details: { display: `${host} ${port}`, code: 'DISPLAY_REFUSED' },
      });
      return ['servers', 'audit'];
    },
  };
}
