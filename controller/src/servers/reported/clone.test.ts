import { describe, expect, test } from 'vitest';
import { checkReport, type PastEpoch } from './clone.ts';

/** Reports as they arrive, `A3` being the third of run A; what is said of the last one. */
function tell(reports: string): string[] {
  let known: { epoch: string | null; seq: number; past: readonly PastEpoch[] } = {
    epoch: null,
    seq: 0,
    past: [],
  };
  return reports.split(' ').map((text) => {
    const report = { epoch: text.slice(0, 1), seq: Number(text.slice(1)) };
    const { verdict, past } = checkReport(known, report);
    known = { ...known, past, ...(verdict === 'accept' ? report : {}) };
    return verdict;
  });
}

describe('checkReport', () => {
  // biome-ignore format: a table
  const cases: [name: string, reports: string, verdicts: string][] = [
    ['one run counts', 'A1 A2 A3', 'accept accept accept'],
    ['lost reports leave a gap', 'A1 A4', 'accept accept'],
    ['a repeated report', 'A1 A2 A2 A1', 'accept accept stale stale'],
    ['a restart', 'A1 A2 B1 B2', 'accept accept accept accept'],
    ['nine restarts', 'A1 B1 C1 D1 E1 F1 G1 H1 I1 J1', 'accept accept accept accept accept accept accept accept accept accept'],
    ['a straggler of the run before', 'A1 B1 A2 B2 B3', 'accept accept stale accept accept'],
    ['the same straggler, delivered five times', 'A1 B1 A2 A2 A2 A2 A2', 'accept accept stale stale stale stale stale'],
    ['late duplicates of the run before', 'A1 A2 A3 B1 A1 A2 A3', 'accept accept accept accept stale stale stale'],
    ['one straggler of each of four runs', 'A1 B1 A2 C1 B2 D1 C2 D2', 'accept accept stale accept stale accept stale accept'],
    ['two machines, turn by turn', 'A1 B1 A2 B2 A3', 'accept accept stale accept clone'],
    ['the original is louder', 'A7 B1 A8 A9', 'accept accept stale clone'],
    ['the copy restarts meanwhile', 'A7 B1 A8 C1 A9', 'accept accept stale accept clone'],
    ['the original restarts, the copy goes on', 'A1 B1 C1 B2 B3', 'accept accept accept stale clone'],
    ['the copy comes weeks later', 'A1 A9999 B1 A10000 A10001', 'accept accept accept stale clone'],
  ];
  test.each(cases)('%s', (_name, reports, verdicts) => {
    expect(tell(reports)).toEqual(verdicts.split(' '));
  });

  test('any number of restarts, with a straggler after each, is never a clone', () => {
    const runs = Array.from({ length: 200 }, (_, run) => String.fromCodePoint(0x4e00 + run));
    expect(
      tell(
        runs
          .map((run, index) => `${run}1 ${run}2${index === 0 ? '' : ` ${runs[index - 1]}3`}`)
          .join(' '),
      ),
    ).not.toContain('clone');
  });
  test('what is remembered is bounded', () => {
    const past = Array.from({ length: 8 }, (_, index) => ({
      epoch: `p${index}`,
      seq: 1,
      spoke: 0,
    }));
    expect(checkReport({ epoch: 'now', seq: 5, past }, { epoch: 'new', seq: 1 }).past).toHaveLength(
      8,
    );
  });
});
