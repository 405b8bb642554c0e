/** Every limit on what comes in, in one place: bytes, rows, seconds, attempts, connections. The edge,
 * the gateway and the nouns read their limits here and nowhere else. Whoever exceeds one is refused
 * with a code, a sentence and, where a later attempt may succeed, `Retry-After`.
 *
 * A school is one address: a limit per address may only count failures and unknown names. Units are
 * in the names; `Ms` is milliseconds. */
import { maxImportBytes } from '@preau/contract/people-import.ts';

export const budget = {
  /** Calls of the API and their bodies. */
  calls: {
    bodyBytes: 4_194_304,
    formBytes: 32_768,
    /** A streamed body that stays silent for this long loses its connection. */
    silentMs: 60_000,
    /** The rest of a refused body is read for this long: a connection that is closed while the
     * other side still writes loses the answer. */
    lingerMs: 5000,
  },
  /** Connections that ask to become a WebSocket, and the hub's messages. */
  upgrades: {
    hubMessageBytes: 16_384,
  },
  /** What a browser may send through its tunnel. */
  tunnel: {
    messageBytes: 65_536,
  },
  /** What guacd may take for its handshake. */
  guacd: {
    answerMs: 15_000,
  },
  /** Signing in: passwords, codes, steps. */
  signIn: {
    /** Hashes that wait for a core. */
    waitingHashes: 500,
  },
  /** Launches and live sessions. */
  sessions: {},
  /** Files of people and classes. */
  imports: {
    fileBytes: maxImportBytes,
    /** The choices about departures and matches in a file of a hundred thousand people. */
    choicesBytes: 6_000_000,
    /** At once, because each holds a whole file in memory. */
    atOnce: 3,
  },
  /** What an agent reports. */
  reports: {},
  /** Work that is too heavy for the thread that serves everybody. */
  work: {},
} as const;
