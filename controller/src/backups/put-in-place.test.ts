/** However often and wherever it is interrupted, a restored city ends up in its place, and the one
 * before beside it. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { finishPutting, putInPlace } from './put-in-place.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'preau-putting-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string) => {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
};
const read = (name: string) =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : null;
const plan = {
  staged: '.restore-1',
  aside: 'replaced-1',
  away: ['preau.sqlite', 'preau.sqlite-wal', 'secret'],
  come: ['preau.sqlite', 'secret', 'packages/one'],
};
const isRight = () => {
  expect(read('preau.sqlite')).toBe('new');
  expect(read('secret')).toBe('new');
  expect(read('packages/one')).toBe('new');
  // A log of the database before would be taken for the new one's.
  expect(read('preau.sqlite-wal')).toBeNull();
  for (const name of plan.away) expect(read(`replaced-1/${name}`)).toBe('old');
  expect(existsSync(join(folder, 'restore-plan.json'))).toBe(false);
  expect(existsSync(join(folder, '.restore-1'))).toBe(false);
};

/** Everything that is moved, in order: an interruption may come after each. */
const moves = [
  ...plan.away.map((name) => [name, `replaced-1/${name}`] as const),
  ...plan.come.map((name) => [`.restore-1/${name}`, name] as const),
];

test.each(Array.from({ length: moves.length + 1 }, (_, done) => done))(
  'interrupted after %i moves',
  (done) => {
    for (const name of plan.away) write(name, 'old');
    for (const name of plan.come) write(`.restore-1/${name}`, 'new');
    for (const [from, to] of moves.slice(0, done)) {
      write(to, read(from) ?? '');
      rmSync(join(folder, from));
    }
    write('restore-plan.json', JSON.stringify(plan));
    expect(finishPutting(folder)).toBe(true);
    isRight();
    expect(finishPutting(folder)).toBe(false);
  },
);

test('without an interruption', () => {
  for (const name of plan.away) write(name, 'old');
  for (const name of plan.come) write(`.restore-1/${name}`, 'new');
  putInPlace(folder, plan);
  isRight();
});
