/** One browser's tunnel, from the open WebSocket to the end of either side. */
import type { Duplex } from 'node:stream';
import { AppError } from '@preau/contract/errors.ts';
import type { TunnelQuery } from '@preau/contract/session.ts';
import type { WebSocket } from 'ws';
import type { AccountActor } from '#src/platform/actor.ts';
import { budget } from '#src/platform/budget.ts';
import { decode, encode, type Instruction, status } from '#src/platform/guacamole.ts';
import { dialGuacd, type Guacd } from '#src/platform/guacd.ts';
import { isOwnService, ownServices } from '#src/platform/own-services.ts';
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
import { openInlet } from './inlet.ts';
import { LastWins } from './last-wins.ts';
import { pump } from './relay.ts';

const prepareWithinMs = 60_000;

interface TunnelEnds {
  actor: AccountActor;
  grant: Grant;
  query: TunnelQuery;
  browser: WebSocket;
  /** The browser's socket, under the WebSocket. */
  raw: Duplex;
  /** Called when the person uses the keyboard or the mouse. */
  touch: () => void;
}

export function runTunnel(
  deps: Platform,
  { actor, grant, query, browser, raw, touch }: TunnelEnds,
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
    clearTimeout(sizing);
    inlet.stop();
    guacd?.end();
    recorder?.end();
    if (attached)
      noteLeft(deps, actor, grant).catch((error: unknown) =>
        log.error({ err: error }, 'departure not noted'),
      );
  };
  const recheck = () => {
    reasonToClose(deps, grant).then(
      (reason) => {
        if (reason === 'superseded') close(status.sessionConflict, 'SUPERSEDED');
        else if (reason !== null) close(status.sessionClosed, reason);
      },
      (error: unknown) => log.warn({ err: error }, 'session not re-read'),
    );
  };
  const stopListening = deps.wakeups.listen((topics) => {
    if (topics.includes(`sign-in:${actor.signIn}`))
      close(status.clientUnauthorized, 'NOT_SIGNED_IN');
    else if (topics.includes(`session:${grant.sessionId}`)) recheck();
  });

  browser.on('error', (error) => log.info({ reason: error.message }, 'browser broke the protocol'));
  browser.on('close', finish);
  const inlet = openInlet(browser, raw, () => {
    log.warn({}, 'guacd does not read');
    close(status.upstreamTimeout, 'GATEWAY_UNREACHABLE');
  });
  const tell = (instructions: readonly Instruction[]) => {
    // Until guacd is connected the screen is empty, so input is dropped.
    if (guacd === null || instructions.length === 0) return;
    guacd.say(instructions.map(encode).join(''));
    inlet.wrote(guacd.socket);
  };
  // Each size makes the display draw everything anew. Whoever drags an edge ends at the right one.
  const sizes = new LastWins<Instruction>(budget.tunnel.sizeEveryMs);
  let sizing: NodeJS.Timeout | undefined;
  const resize = (instruction: Instruction): boolean => {
    if (sizes.offer(instruction, performance.now()) !== null) return true;
    clearTimeout(sizing);
    sizing = setTimeout(() => {
      const last = sizes.take(performance.now());
      if (last !== null) tell([last]);
    }, sizes.waitMs(performance.now()));
    return false;
  };
  browser.on('message', (data, isBinary) => {
    if (abort.signal.aborted) return;
    const instructions = isBinary ? null : decode(data.toString());
    if (instructions === null) return close(status.clientBadRequest, 'VALIDATION_FAILED');
    inlet.spend(instructions.length);
    tell(
      instructions.filter((instruction) => {
        const [opcode] = instruction;
        // The browser measures latency with `ping` on Guacamole's internal channel (empty opcode);
        // the reply is the same instruction.
        if (opcode === '' && instruction[1] === 'ping' && inlet.mayAnswer())
          browser.send(encode(instruction));
        if (opcode === 'key' || opcode === 'mouse') touch();
        return mayForward(instruction) && (opcode !== 'size' || resize(instruction));
      }),
    );
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
      const credentials = await prepared;
      // The last line of defence: what a report may name was decided when it came.
      const { host, port } = credentials;
      if (await isOwnService(ownServices(deps.config), credentials))
        throw new AppError('DISPLAY_REFUSED', { host, port });
      return await handshake.connect(query, credentials, clipboard);
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
      log.error({ err: error }, 'arrival not noted'),
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
    log.warn({ err: error }, 'guacd not reached');
    close(status.upstreamNotFound, 'GATEWAY_UNREACHABLE');
  });
}

function statusOf({ code }: AppError): number {
  if (code === 'LAUNCH_TIMEOUT') return status.upstreamTimeout;
  if (code === 'TICKET_REFUSED') return status.sessionConflict;
  if (code === 'GATEWAY_UNREACHABLE') return status.upstreamNotFound;
  return status.sessionClosed;
}
