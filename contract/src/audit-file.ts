/** Verifying an exported audit without the city: line by line, with nothing but the city's public
 * key. Pure; hashing and signatures are given. */
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
  /** When its end was signed. */
  signedAt: number | null;
  /** False: the chain went on then; another file follows. */
  last: boolean;
  /** The line that is wrong, from 1. */
  line: number | null;
}

interface Tools {
  sha256: (text: string) => string;
  verify: (key: string, text: string, signature: string) => boolean;
}

/** What comes before the first event is nothing at all, or was removed by age with the city's
 * signature; a part that begins elsewhere says so. */
function isGoodStart({ verify }: Tools, { start, removal, key }: ExportStart): boolean {
  if (start.seq === 0) return start.hash === noLink.hash;
  return (
    removal === null ||
    (removal.seq === start.seq &&
      removal.hash === start.hash &&
      verify(key, removalText(start), removal.signature))
  );
}

/** What is wrong with the signed end of a chain that was followed to `at`; null: nothing. */
function problemOfEnd(
  { verify }: Tools,
  { end }: ExportEnd,
  at: Link,
  key: string,
): 'missing' | 'forged' | null {
  if (end.seq !== at.seq || end.hash !== at.hash) return end.seq > at.seq ? 'missing' : 'forged';
  return verify(key, headText(end, end.at), end.signature) ? null : 'forged';
}

/** Undefined: not JSON. */
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

/** `key`: the city's, known from elsewhere; null takes the file's own word for it. `known`: a place
 * the chain must pass through. Files that follow each other may be given one after the other. */
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
      // The next file begins where the one before it ended.
      if (start.seq !== check.at.seq || start.hash !== check.at.hash) fail('missing');
      end = null;
      return;
    }
    if (!isGoodStart(tools, value)) fail('forged');
    check = followChain(tools.sha256, start, given.known);
  };
  /** A line after the first of its file. */
  const follow = (value: unknown, chain: ReturnType<typeof followChain>, named: string) => {
    // Nothing stands behind the end.
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
