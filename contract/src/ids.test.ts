import { expect, test } from 'vitest';
import { type IdKind, ids, isOfSchool, isOfSchoolInAnswers, isReachedByVerb } from './ids.ts';
import { Id } from './schema.ts';

const kinds = Object.keys(ids) as IdKind[];
const one = (kind: string) => `${kind}_${'a'.repeat(22)}`;
const those = (holds: (text: string) => boolean) => kinds.filter((kind) => holds(one(kind)));

test('whose school is looked up, in what is asked and in answers', () => {
  expect(those(isOfSchool)).toEqual(
    kinds.filter((kind) => 'acc add grp rec req rul ses sgr sit srv'.split(' ').includes(kind)),
  );
  expect(those(isOfSchoolInAnswers)).toEqual(['add', 'ses', 'sit', 'srv']);
  expect(those(isReachedByVerb)).toEqual(['rol']);
});

test.each(['', 'sit_', `x${one('sit')}`, `${one('sit')}x`, `${one('sit')}\n`, one('six'), 'sit'])(
  '"%s" is no id of a school',
  (text) => {
    expect(isOfSchool(text)).toBe(false);
    expect(isOfSchoolInAnswers(text)).toBe(false);
  },
);

test('only kinds of the table are ids', () => {
  expect(Id('sit')).toMatchObject({ pattern: '^sit_[A-Za-z0-9_-]{22}$' });
  // @ts-expect-error: no such kind
  Id('school');
});
