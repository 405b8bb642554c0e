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
    /** Of calls that anybody may make, before a sign-in. */
    publicBodyBytes: 65_536,
    formBytes: 32_768,
    /** Of a body in JSON: how deep it nests, and its values, lists and objects (its commas and
     * opening brackets outside of texts). */
    depth: 64,
    values: 100_000,
    /** A streamed body that stays silent for this long loses its connection. */
    silentMs: 60_000,
    /** The rest of a refused body is read for this long: a connection that is closed while the
     * other side still writes loses the answer. */
    lingerMs: 5000,
    /** Calls of one sign-in or personal token: so many at once, then so many a second. See
     * edge/paces.ts for which route has which. */
    paces: {
      read: { burst: 300, perSecond: 50 },
      write: { burst: 500, perSecond: 100 },
      /** Writes of one person who is no technician. */
      personal: { burst: 60, perSecond: 5 },
      launch: { burst: 20, perSecond: 2 },
      costly: { burst: 60, perSecond: 0.5 },
    },
    /** Costly calls that run at once, for everybody together. */
    costlyAtOnce: 4,
    /** Equal refusals within this time are one line of the audit. */
    audit: { foldMs: 60_000, foldsKept: 5000 },
  },
  /** Connections, whatever they carry. */
  connections: {
    /** Share of the files that the process may open. A tunnel takes a second one, towards guacd. */
    shareOfOpenFiles: 0.5,
    most: 50_000,
    headerBytes: 16_384,
    headerMs: 10_000,
    /** A body that is read as a whole. */
    bodyMs: 30_000,
    /** Longer than a reverse proxy keeps its idle connections (nginx: 60 s), so that none is closed
     * while a call is on its way. */
    idleMs: 72_000,
    /** Whoever sends a body or reads an answer at less than this, for this long, is cut off. */
    slowestBytesPerSecond: 1000,
    slowForMs: 30_000,
  },
  /** Connections that ask to become a WebSocket, and the hub's messages. */
  upgrades: {
    /** From the request until it is known who asks. */
    acceptMs: 10_000,
    /** That wait for it at once. The newest stay: an honest one takes milliseconds. A whole school
     * comes back at once, from one address, after the controller was restarted. */
    waitingPerAddress: 1500,
    waiting: 2000,
    /** And no more than this share of all connections. */
    waitingShare: 0.25,
    /** A refused one has as long to read why. */
    refusalMs: 1000,
    retryAfterS: 5,
    /** After our close frame, until the connection is destroyed. */
    closeMs: 5000,
    /** Open hub connections; the oldest gives way. A page has one, an agent too. */
    hubPerSignIn: 30,
    hubPerServer: 4,
    hubMessageBytes: 16_384,
    /** The pieces of one message. */
    fragments: 16,
    /** An honest hub client says who it is, and answers a ping every 20 s. */
    hubMessages: { perSecond: 1, burst: 20 },
    hubBytes: { perSecond: 2000, burst: 65_536 },
    /** Wake-ups that wait for a client that does not read. */
    hubUnread: 500,
  },
  /** What a browser may send through its tunnel. Whoever is over a rate is read more slowly. */
  tunnel: {
    messageBytes: 65_536,
    /** The pieces of one message. */
    fragments: 64,
    /** A paste of 131,072 bytes is 177 kB in all. */
    bytes: { perSecond: 262_144, burst: 1_048_576 },
    /** A mouse makes up to 240 in a second, and each 6 kB of a picture is acknowledged. */
    instructions: { perSecond: 2000, burst: 10_000 },
    /** Others are not answered: a page measures the line every five seconds. */
    pings: { perSecond: 1, burst: 10 },
    /** A size that comes earlier waits; the last one wins. */
    sizeEveryMs: 500,
    pastesAtOnce: 4,
    /** Per stream; guacd keeps no more clipboard text. */
    pasteBytes: 262_144,
    perPerson: 16,
    /** A browser answers the last ping before the next one, or is gone. */
    beatMs: 10_000,
    /** Waiting for a browser: above the first, guacd is not read; below the second, it is again. */
    unreadBytes: 1_000_000,
    unreadLowBytes: 250_000,
    /** Waiting for guacd: above this, the browser is not read. */
    unsentBytes: 65_536,
    /** For as long as guacd may take to read them. */
    unsentMs: 10_000,
    closeMs: 5000,
  },
  /** What guacd may do. */
  guacd: {
    /** From dialling to `ready`, counting only while we wait. */
    answerMs: 15_000,
    handshakeBytes: 65_536,
    /** It sends something every five seconds, even when nothing moves. */
    silentMs: 30_000,
    instructionBytes: 4_194_304,
    /** The pieces in which one instruction may arrive. */
    instructionPieces: 16_384,
  },
  /** Stopping, whatever hangs. */
  stop: {
    /** Clients may close by themselves for this long. */
    politeMs: 500,
    stepMs: 3000,
    allMs: 8000,
  },
  /** Guesses of secrets, and who may sign in how often. */
  signIn: {
    /** Guesses of one secret (a login's password, an account's codes or pictures) are judged one
     * after the other. `free` wrong ones cost nothing; before each further one there is a pause
     * that doubles from `firstPauseMs` to `longestPauseMs`. Forgotten once the secret was right. */
    guesses: {
      free: 3,
      firstPauseMs: 250,
      longestPauseMs: 4000,
      forgetAfterS: 600,
      /** Right ones in a minute; each further one waits this long. A class may share an account. */
      right: { free: 60, forgetAfterS: 60, pauseMs: 1000 },
      /** Guesses of one secret that wait, from one address and in all. One of the newest two is next:
       * a person's single attempt is not behind those of a program. Many places keep a program's
       * guesses waiting instead of coming back at once. */
      waitingFromAddress: 512,
      waiting: 1024,
      waitMs: 50_000,
      /** Secrets that are guessed at the same time, in one process. */
      secrets: 20_000,
    },
    /** Wrong codes of one account, over all its steps: then no code is judged until the time has
     * passed. Somebody who sends codes knows the password already. */
    codes: { most: 20, forgetAfterS: 900 },
    /** Codes per right password, and right passwords of one account that wait for a code. */
    codesPerStep: 5,
    stepsPerAccount: 15,
    /** Failures of one address in a minute. From `slowFrom` on each refusal takes about `slowMs`, and
     * an unknown name costs no hash. From `refuseFrom` on it takes about `refuseMs`, and reads
     * SLOW_DOWN. A right password gets in at once at any number: a school is one address. */
    address: {
      slowFrom: 120,
      slowMs: 4000,
      refuseFrom: 600,
      refuseMs: 8000,
      forgetAfterS: 60,
      held: 5000,
    },
    /** Steps that one address has begun and not finished (trips to a provider, passkeys). */
    begun: { most: 600, forgetAfterS: 600 },
    /** argon2 runs on Node's four threads, which files and names also need: at most three at once.
     * An unknown name never takes a place of a known one. */
    hashes: {
      known: { atOnce: 2, waiting: 500 },
      unknown: { atOnce: 1, waiting: 20 },
    },
    /** Questions to one directory at once. A person's first sign-in is one of an unknown name. */
    directory: {
      known: { atOnce: 32, waiting: 500 },
      unknown: { atOnce: 16, waiting: 200 },
    },
    /** Trips to one OIDC or CAS provider at once. */
    provider: { atOnce: 8, waiting: 100 },
  },
  /** Launches and live sessions. */
  sessions: {
    /** A place is kept for a person who has launched a program and not opened it. */
    neverAttachedS: 90,
  },
  /** Files of people and classes. */
  imports: {
    fileBytes: maxImportBytes,
    /** The choices about departures and matches in a file of a hundred thousand people. */
    choicesBytes: 6_000_000,
    choicesValues: 200_000,
    /** At once, because each holds a whole file in memory. */
    atOnce: 3,
    /** Lines of one file. */
    lines: 200_000,
    /** Columns of one line. */
    columns: 200,
    /** Separators that one line of text may hold, inside of quotes too. */
    separators: 2000,
    /** Characters of one line of text, and of one row with line breaks in quotes. */
    lineCharacters: 100_000,
    /** Characters of one cell. */
    cellCharacters: 10_000,
    /** People of one name, role and school. */
    namesakes: 60,
    /** Rows that one transaction writes: other callers get their turn in between. */
    rowsAtATime: 200,
  },
  /** What other servers answer: directories and sign-in providers. */
  directories: {
    /** One answer over HTTP. */
    answerBytes: 1_000_000,
    /** One answer over LDAP, or one page of it: 500 people with a photo each. */
    ldapAnswerBytes: 67_108_864,
    /** How often an LDAP answer that arrives is measured. */
    ldapLookMs: 100,
  },
  /** Uploaded packages, and icons. */
  files: {
    /** Programs are read into memory to find their icon. */
    iconSourceBytes: 67_108_864,
    iconBytes: 262_144,
    iconPixels: 1024,
    svgCharacters: 32_768,
    /** Elements in each other, and what is drawn when each use of a part counts. */
    svgDeep: 64,
    svgShapes: 10_000,
    /** What unpacking a Debian package may give, and what is kept of it while it is read. */
    unpackedBytes: 2_147_483_648,
    controlBytes: 1_048_576,
    desktopEntryBytes: 65_536,
    heldPictureBytes: 25_165_824,
    desktopEntries: 100,
  },
  catalogue: {
    /** Applications one above the other, each required by the one above it. Real ones: two. */
    requirementsDeep: 20,
  },
  /** What an agent sends, per server. A class of 25 that starts at once makes some ten reports a
   * second for a few seconds. */
  reports: {
    calls: { perSecond: 5, burst: 60 },
    bytes: { perSecond: 262_144, burst: 8_388_608 },
  },
  /** What a database may take. */
  database: {
    /** A call waits for a lock of another process this long, off the event loop, then is refused
     * with BUSY. */
    lockWaitMs: 5000,
    /** What a caller of a locked database is asked to wait. */
    retryAfterS: 5,
    /** Connections to PostgreSQL, and how long a call waits for one. */
    connections: 12,
    connectMs: 5000,
    /** A statement that PostgreSQL does not answer within this time is given up. */
    answerMs: 12_000,
  },
  /** Looking whether everything works. */
  health: {
    /** An answer is kept this long, so that asking costs nothing. */
    keepMs: 2000,
    /** Each part answers within this time, or counts as not answering. */
    partMs: 4000,
    /** The controller looks by itself, more often while something is wrong. */
    lookEveryMs: 15_000,
    lookAgainMs: 3000,
    /** So many looks in a row must fail before people are refused for it: a machine under load may
     * miss one. */
    certainAfter: 3,
    /** Below the first, little is left; below the second, nothing is accepted any more. */
    diskLowBytes: 2_147_483_648,
    diskFullBytes: 67_108_864,
    inodesLow: 5000,
    inodesFull: 100,
    /** The thread that serves everybody stood still for this long. */
    standstillMs: 1000,
    /** Jobs that wait, and since when none ran. */
    waitingJobs: 100,
    sweepLateMs: 60_000,
    /** Another clock may differ by this much. */
    clockMs: 30_000,
    /** A jump of this machine's clock is told for this long. */
    jumpToldMs: 900_000,
  },
  /** Work that is too heavy for the thread that serves everybody. */
  work: {
    /** Threads at once. */
    atOnce: 2,
    /** Servers whose states one transaction writes when all of them change. */
    serversAtATime: 40,
    /** A larger SQLite database is rewritten by the daily run, not by the erasure itself. */
    compactAtOnceBytes: 268_435_456,
    /** Pieces of work that wait for a thread. */
    waiting: 20,
    retryAfterS: 10,
    /** How long the threads that run are waited for when the controller stops. */
    closeMs: 2000,
    /** `withinMs` counts from the start of the thread; `memoryMb` is the heap of the thread. */
    kinds: {
      people_import: { withinMs: 30_000, memoryMb: 384 },
      package_inspection: { withinMs: 30_000, memoryMb: 256 },
      icon_extraction: { withinMs: 10_000, memoryMb: 128 },
      badge_sheet: { withinMs: 30_000, memoryMb: 256 },
      database_compaction: { withinMs: 600_000, memoryMb: 64 },
    },
  },
} as const;

type Widened<T> = { readonly [K in keyof T]: T[K] extends number ? number : Widened<T[K]> };
/** One group of limits with any numbers in it: tests bring shorter times. */
export type Limits<G extends keyof typeof budget> = Widened<(typeof budget)[G]>;
