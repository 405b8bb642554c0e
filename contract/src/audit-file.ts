/** Verifies an exported audit line by line with only the city's public key, without the city
 * itself. Pure: the caller supplies hashing and signatures. */
import { Compile } from 'typebox/compile';
import {
  ChainedEvent,
  type ChainVerdict,
  ExportEnd,
  ExportStart,
  followChain,
  headText,
  type Link,
  noLink,
  removalText,
} from './audit-chain.ts';

const isStart = Compile(ExportStart);
const isEvent = Compile(ChainedEvent);
const isEnd = Compile(ExportEnd);

export interface FileVerdict extends ChainVerdict {
  /** The key the file names; null before its first line. */
  key: string | null;
  /** When the city signed the end of the file. */
  signedAt: number | null;
  /** False: the chain was longer at that time; another file follows. */
  last: boolean;
  /** Number of the first invalid line, from 1. */
  line: number | null;
}

interface Tools {
  sha256: (text: string) => string;
  verify: (key: string, text: string, signature: string) => boolean;
}

/** A valid start: nothing precedes the first event, or retention removed it with the city's
 * signature, or the file is declared as a part (`removal` null). */
function isGoodStart({ verify }: Tools, { start, removal, key }: ExportStart): boolean {
  if (start.seq === 0) return start.hash === noLink.hash;
  return (
    removal === null ||
    (removal.seq === start.seq &&
      removal.hash === start.hash &&
      verify(key, removalText(start), removal.signature))
  );
}

/** The problem with the signed end of a chain that was followed to `at`; null: none. */
function problemOfEnd(
  { verify }: Tools,
  { end }: ExportEnd,
  at: Link,
  key: string,
): 'missing' | 'forged' | null {
  if (end.seq !== at.seq || end.hash !== at.hash) return end.seq > at.seq ? 'missing' : 'forged';
  return verify(key, headText(end, end.at), end.signature) ? null : 'forged';
}

/** Undefined when the text is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const nothing: ChainVerdict = {
  intact: false,
  events: 0,
  erased: 0,
  start: noLink,
  head: noLink,
  broken: null,
};

/** `key`: the city's public key, known from elsewhere; null trusts the key in the file. `known`: a
 * link that the chain must pass through. Consecutive files may be passed one after the other. */
export function followFile(tools: Tools, given: { key: string | null; known: Link | null }) {
  let check: ReturnType<typeof followChain> | null = null;
  let [number, wrongLine]: [number, number | null] = [0, null];
  let key: string | null = null;
  let wrong: ChainVerdict['broken'] = null;
  let end: ExportEnd | null = null;
  const fail = (problem: 'forged' | 'cut' | 'missing') => {
    wrong ??= { seq: (check?.at.seq ?? 0) + 1, problem };
    wrongLine ??= number;
  };
  const begin = (value: ExportStart) => {
    const { start, key: named } = value;
    if ((given.key !== null && named !== given.key) || (key !== null && named !== key))
      fail('forged');
    key = named;
    if (check !== null) {
      // The next file begins where the previous one ended.
      if (start.seq !== check.at.seq || start.hash !== check.at.hash) fail('missing');
      end = null;
      return;
    }
    if (!isGoodStart(tools, value)) fail('forged');
    check = followChain(tools.sha256, start, given.known);
  };
  /** A line after the first of its file. */
  const follow = (value: unknown, chain: ReturnType<typeof followChain>, named: string) => {
    // No event may follow the signed end.
    if (end !== null) fail('forged');
    else if (isEvent.Check(value)) {
      chain.next(value);
      if (chain.isBroken) wrongLine ??= number;
    } else if (isEnd.Check(value)) {
      end = value;
      const problem = problemOfEnd(tools, value, chain.at, named);
      if (problem !== null) fail(problem);
    } else fail('forged');
  };
  return {
    line(text: string): void {
      number += 1;
      if (wrong !== null || text === '') return;
      const value = parsed(text);
      if (value === undefined) fail('cut');
      else if (isStart.Check(value)) begin(value);
      else if (check === null || key === null) fail('missing');
      else follow(value, check, key);
    },
    end(): FileVerdict {
      if (end === null) fail('cut');
      const verdict =
        check?.end(end?.last === true ? { seq: end.end.seq, hash: end.end.hash } : null) ?? nothing;
      const broken = verdict.broken ?? wrong;
      return {
        ...verdict,
        intact: broken === null,
        broken,
        key,
        signedAt: end?.end.at ?? null,
        last: end?.last === true,
        line: wrongLine,
      };
    },
  };
}
