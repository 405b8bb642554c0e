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

/** `key`: the city's, known from elsewhere; null takes the file's own word for it. `known`: a place
 * the chain must pass through. Files that follow each other may be given one after the other. */
export function followFile(
  tools: {
    sha256: (text: string) => string;
    verify: (key: string, text: string, signature: string) => boolean;
  },
  given: { key: string | null; known: Link | null },
) {
  let check: ReturnType<typeof followChain> | null = null;
  let [number, wrongLine]: [number, number | null] = [0, null];
  let key: string | null = null;
  let wrong: ChainVerdict['broken'] = null;
  let end: ExportEnd | null = null;
  const fail = (problem: 'forged' | 'cut' | 'missing') => {
    wrong ??= { seq: (check?.at.seq ?? 0) + 1, problem };
    wrongLine ??= number;
  };
  const begin = ({ start, removal, key: named }: ExportStart) => {
    if ((given.key !== null && named !== given.key) || (key !== null && named !== key))
      fail('forged');
    key = named;
    if (check !== null) {
      // The next file begins where the one before it ended.
      if (start.seq !== check.at.seq || start.hash !== check.at.hash) fail('missing');
      end = null;
      return;
    }
    // What comes before must be nothing at all, or removed by age with the city's signature; a part
    // that begins elsewhere says so.
    if (
      start.seq === 0
        ? start.hash !== noLink.hash
        : removal !== null &&
          (removal.seq !== start.seq ||
            removal.hash !== start.hash ||
            !tools.verify(named, removalText(start), removal.signature))
    )
      fail('forged');
    check = followChain(tools.sha256, start, given.known);
  };
  return {
    line(text: string): void {
      number += 1;
      if (wrong !== null || text === '') return;
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        fail('cut');
        return;
      }
      if (isStart.Check(value)) begin(value);
      else if (check === null || key === null) fail('missing');
      else if (isEvent.Check(value) && end === null) {
        check.next(value);
        if (check.isBroken) wrongLine ??= number;
      } else if (isEnd.Check(value) && end === null) {
        end = value;
        if (value.end.seq !== check.at.seq || value.end.hash !== check.at.hash)
          fail(value.end.seq > check.at.seq ? 'missing' : 'forged');
        else if (!tools.verify(key, headText(value.end, value.end.at), value.end.signature))
          fail('forged');
      } else fail('forged');
    },
    end(): FileVerdict {
      if (end === null) fail('cut');
      const verdict = check?.end(
        end?.last === true ? { seq: end.end.seq, hash: end.end.hash } : null,
      ) ?? { intact: false, events: 0, erased: 0, start: noLink, head: noLink, broken: null };
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
