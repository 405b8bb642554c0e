/** Gives a server its identity, and revokes it. */

import {
  type Enrolment,
  type EnrolmentCode,
  type EnrolmentRequest,
  enrolmentCodeTtlMs,
} from '@preau/contract/enrolment.ts';
import { AppError } from '@preau/contract/errors.ts';
import { PROTOCOL } from '@preau/contract/protocol.ts';
import { mustReach } from '#src/accounts/reach.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor, Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { newEnrolmentCode, sha256 } from '#src/platform/secrets.ts';
import { selectSite } from '#src/sites/store.ts';
import { publishForNeighbours } from '../desired/desired-state.ts';
import { displayAtEnrolment } from '../displays.ts';
import { selectServerRow } from '../store.ts';
import {
  insertEnrolmentCode,
  insertServer,
  markRetired,
  newServerId,
  publicKeyIsKnown,
  takeEnrolmentCode,
} from './store.ts';

/** The code is shown once and stored as a hash; it is valid for one enrolment, at this school,
 * within 30 minutes. */
export async function createEnrolmentCode(
  deps: Pick<Platform, 'database' | 'clock' | 'secrets' | 'wakeups'> & { publicUrl: () => string },
  actor: AccountActor,
  input: { siteId: string; serverName: string },
): Promise<EnrolmentCode> {
  mustReach(actor, input.siteId);
  const code = newEnrolmentCode();
  const now = deps.clock.now();
  const expiresAt = now + enrolmentCodeTtlMs;
  await deps.database.transaction().execute(async (rows) => {
    const site = await selectSite(rows, input.siteId);
    if (site === undefined) throw new AppError('NOT_FOUND', { site: input.siteId });
    await insertEnrolmentCode(rows, {
      hash: sha256(code),
      siteId: site.id,
      serverName: input.serverName,
      createdBy: actor.id,
      now,
      expiresAt,
    });
    await recordEffect(deps, rows, actor, {
      action: 'server.code_created',
      subjectId: site.id,
      subjectName: `${input.serverName}, ${site.name}`,
      siteId: site.id,
    });
  });
  deps.wakeups.wake(['audit']);
  const { controllerKey } = deps.secrets;
  const url = deps.publicUrl();
  const installer = `curl -fsS ${url}/agent/install.sh | sh -s -- --controller ${url}`;
  return {
    code,
    controllerKey,
    expiresAt,
    command: `${installer} --key ${controllerKey} --code ${code}`,
    checkCommand: `${installer} --check`,
  };
}

/** Refuses a code with ENROLMENT_CODE_REFUSED whatever is wrong with it, so that somebody who
 * guesses codes learns nothing. Refuses with PROTOCOL_UNSUPPORTED. */
export async function enrol(
  deps: Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>,
  _actor: Actor,
  input: EnrolmentRequest,
  /** Where the server calls from; null when nobody knows. */
  address: string | null = null,
): Promise<Enrolment> {
  if (input.protocol !== PROTOCOL)
    throw new AppError('PROTOCOL_UNSUPPORTED', { protocol: input.protocol, supported: PROTOCOL });
  const { enrolment, topics } = await deps.database.transaction().execute(async (rows) => {
    const now = deps.clock.now();
    const serverId = newServerId();
    const display = displayAtEnrolment(input.display, address);
    const taken = await takeEnrolmentCode(rows, sha256(input.code), serverId, now);
    if (taken === undefined || (await publicKeyIsKnown(rows, input.publicKey)))
      throw new AppError('ENROLMENT_CODE_REFUSED');
    const site = await selectSite(rows, taken.siteId);
    if (site === undefined) throw new AppError('ENROLMENT_CODE_REFUSED');
    await insertServer(rows, {
      id: serverId,
      siteId: site.id,
      name: taken.serverName,
      publicKey: input.publicKey,
      maxSessions: deps.config.PREAU_MAX_SESSIONS,
      now,
      display,
    });
    const topics = await publishForNeighbours(deps, rows, site.id);
    await recordEffect(
      deps,
      rows,
      { kind: 'agent', id: serverId, name: taken.serverName, siteId: site.id },
      {
        action: 'server.enrolled',
        subjectId: serverId,
        subjectName: `${taken.serverName}, ${site.name}`,
        siteId: site.id,
        details: {
          hostname: input.hostname,
          display: display === null ? null : `${display.host} ${display.port}`,
        },
      },
    );
    return {
      enrolment: {
        serverId,
        siteName: site.name,
        serverName: taken.serverName,
        controllerKey: deps.secrets.controllerKey,
      },
      topics,
    };
  });
  deps.wakeups.wake([...topics, 'servers', 'sites', 'audit']);
  return enrolment;
}

/** From the commit on, the server's key is refused. The caller ends its sessions. */
export async function retireServer(
  deps: Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>,
  actor: Actor,
  serverId: string,
): Promise<void> {
  const topics = await deps.database.transaction().execute(async (rows) => {
    const server = await selectServerRow(rows, serverId);
    if (server === undefined) throw new AppError('NOT_FOUND', { server: serverId });
    mustReach(actor, server.siteId);
    await markRetired(rows, serverId, deps.clock.now());
    await recordEffect(deps, rows, actor, {
      action: 'server.retired',
      subjectId: serverId,
      subjectName: server.name,
      siteId: server.siteId,
    });
    return publishForNeighbours(deps, rows, server.siteId);
  });
  deps.wakeups.wake([...topics, 'servers', 'sites', 'audit', `retired:${serverId}`]);
}
