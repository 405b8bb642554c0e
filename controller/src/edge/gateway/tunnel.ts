/** One browser's tunnel, from the open WebSocket to the end of either side. */
import { AppError } from '@preau/contract/errors.ts';
import type { TunnelQuery } from '@preau/contract/session.ts';
import type { WebSocket } from 'ws';
import type { AccountActor } from '#src/platform/actor.ts';
import { decode, encode, status } from '#src/platform/guacamole.ts';
import { dialGuacd, type Guacd } from '#src/platform/guacd.ts';
import type { Platform } from '#src/platform/platform.ts';
import { type Recorder, startRecording } from '#src/sessions/recordings/recordings.ts';
import {
  type Grant,
  noteAttached,
  noteLeft,
  reasonToClose,
  takeCredentialsWhenReady,
} from '#src/sessions/tunnel.ts';
import { createForwarder, pictureOnly } from './filter.ts';
import { pump } from './relay.ts';

const prepareWithinMs = 60_000;

interface TunnelEnds {
  actor: AccountActor;
  grant: Grant;
  query: TunnelQuery;
  browser: WebSocket;
  /** Called when the person uses the keyboard or the mouse. */
  touch: () => void;
}

export function runTunnel(
  deps: Platform,
  { actor, grant, query, browser, touch }: TunnelEnds,
): void {
  const abort = new AbortController();
  const clipboard = {
    in: grant.clipboard === 'in' || grant.clipboard === 'both',
    out: grant.clipboard === 'out' || grant.clipboard === 'both',
  };
  const mayForward = createForwarder({ paste: clipboard.in });
  let guacd: Guacd | null = null;
  let recorder: Recorder | null = null;
  let attached = false;
  const log = deps.log.child({ session: grant.sessionId });

  /** The reason is the numeric Guacamole status, then our code: `519 GATEWAY_UNREACHABLE`. */
  const close = (number: number, code = '') => {
    if (browser.readyState === browser.OPEN)
      browser.close(number === status.success ? 1000 : 1011, `${number} ${code}`.trim());
    finish();
  };
  const finish = () => {
    if (abort.signal.aborted) return;
    abort.abort();
    stopListening();
    guacd?.end();
    recorder?.end();
    if (attached)
      noteLeft(deps, actor, grant).catch((error: unknown) =>
        log.error({ error }, 'departure not noted'),
      );
  };
  const recheck = () => {
    reasonToClose(deps, grant).then(
      (reason) => {
        if (reason === 'superseded') close(status.sessionConflict, 'SUPERSEDED');
        else if (reason !== null) close(status.sessionClosed, reason);
      },
      (error: unknown) => log.warn({ error }, 'session not re-read'),
    );
  };
  const stopListening = deps.wakeups.listen((topics) => {
    if (topics.includes(`sign-in:${actor.signIn}`))
      close(status.clientUnauthorized, 'NOT_SIGNED_IN');
    else if (topics.includes(`session:${grant.sessionId}`)) recheck();
  });

  browser.on('error', (error) => log.info({ reason: error.message }, 'browser broke the protocol'));
  browser.on('close', finish);
  browser.on('message', (data, isBinary) => {
    const instructions = isBinary ? null : decode(data.toString());
    if (instructions === null) return close(status.clientBadRequest, 'VALIDATION_FAILED');
    const forward = instructions.filter((instruction) => {
      const [opcode] = instruction;
      // The browser measures latency with `ping` on Guacamole's internal channel (empty opcode);
      // the reply is the same instruction.
      if (opcode === '' && instruction[1] === 'ping') browser.send(encode(instruction));
      if (opcode === 'key' || opcode === 'mouse') touch();
      return mayForward(instruction);
    });
    // Until guacd is connected the screen is empty, so input is dropped.
    if (forward.length > 0) guacd?.say(forward.map(encode).join(''));
  });

  const join = async (): Promise<Guacd> => {
    // guacd loads its RDP plug-in while the school's server prepares the session.
    const prepared = takeCredentialsWhenReady(deps, grant, prepareWithinMs, abort.signal);
    prepared.catch(() => undefined);
    const handshake = await dialGuacd(
      deps.config.PREAU_GUACD_HOST,
      deps.config.PREAU_GUACD_PORT,
      abort.signal,
    );
    try {
      return await handshake.connect(query, await prepared, clipboard);
    } catch (error) {
      handshake.abandon();
      throw error;
    }
  };
  const start = async () => {
    const joined = await join();
    guacd = joined;
    if (abort.signal.aborted) return joined.end();
    browser.send(encode(['', grant.sessionId]));
    attached = true;
    noteAttached(deps, actor, grant).catch((error: unknown) =>
      log.error({ error }, 'arrival not noted'),
    );
    if (grant.recording) {
      // guacd 1.3 may send the size before this browser counts as one of its users, so the
      // recording is started with one.
      const size = encode(['size', '0', String(query.width), String(query.height)]);
      recorder = await startRecording(deps, actor, grant.sessionId, Buffer.from(size));
      if (abort.signal.aborted) return recorder.end();
    }
    pump(
      joined,
      browser,
      (why) => {
        if (why !== null) log.warn({ reason: why }, 'guacd broke the protocol');
        close(why === null ? status.upstreamNotFound : status.serverError, 'GATEWAY_UNREACHABLE');
      },
      recorder === null ? undefined : pictureOnly(recorder.write),
    );
  };
  start().catch((error: unknown) => {
    if (abort.signal.aborted) return;
    if (error instanceof AppError) return close(statusOf(error), error.code);
    log.warn({ error }, 'guacd not reached');
    close(status.upstreamNotFound, 'GATEWAY_UNREACHABLE');
  });
}

function statusOf({ code }: AppError): number {
  if (code === 'LAUNCH_TIMEOUT') return status.upstreamTimeout;
  if (code === 'TICKET_REFUSED') return status.sessionConflict;
  if (code === 'GATEWAY_UNREACHABLE') return status.upstreamNotFound;
  return status.sessionClosed;
}
