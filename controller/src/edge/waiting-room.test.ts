import { expect, test } from 'vitest';
import { WaitingRoom } from './waiting-room.ts';

function roomOf(limits: { perKey: number; total: number }) {
  const room = new WaitingRoom(limits);
  const dropped: string[] = [];
  const enter = (key: string, name: string) => room.enter(key, () => dropped.push(name));
  return { room, dropped, enter };
}

test('the oldest of the same address gives way, nobody else', () => {
  const { room, dropped, enter } = roomOf({ perKey: 2, total: 10 });
  enter('a', 'a1');
  enter('b', 'b1');
  enter('a', 'a2');
  enter('a', 'a3');
  expect(dropped).toEqual(['a1']);
  expect(room.size).toBe(3);
});

test('in a full room, the oldest of whoever has most gives way', () => {
  const { room, dropped, enter } = roomOf({ perKey: 5, total: 4 });
  enter('school', 's1');
  for (const name of ['x1', 'x2', 'x3', 'x4', 'x5']) enter('attacker', name);
  expect(dropped).toEqual(['x1', 'x2']);
  expect(room.size).toBe(4);
});

test('who has left takes no place, and leaves once', () => {
  const { room, dropped, enter } = roomOf({ perKey: 1, total: 10 });
  const leave = enter('a', 'a1');
  leave();
  leave();
  enter('a', 'a2');
  expect([room.size, dropped]).toEqual([1, []]);
  room.empty();
  expect(dropped).toEqual(['a2']);
});
