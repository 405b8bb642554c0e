import { describe, expect, test } from 'vitest';
import { decode, encode, type Instruction } from '#src/platform/guacamole.ts';
import { createForwarder, mayForward, pictureOnly } from './filter.ts';

describe('mayForward', () => {
  // biome-ignore format: a table
  const cases: [instruction: Instruction, ok: boolean][] = [
    [['key', '65307', '1'], true], [['key', '65307'], false], [['key', '65307', '2'], false], [['key', 'a', '1'], false], [['key', '1', '1', '1'], false],
    [['mouse', '1', '2', '0'], true], [['mouse', '1', '2'], false], [['mouse', '1', '2', '0', '0'], false], [['mouse', '1.5', '2', '0'], false],
    [['touch', '1', '2', '3', '4', '5', '0.5', '0.25'], true], [['touch', '1', '2', '3'], false],
    [['size', '800', '600'], true], [['size', '3840', '2160'], true], [['size', '2160', '3840'], true], [['size', '3840', '2161'], false], [['size', '3841', '200'], false], [['size', '8192', '8192'], false], [['size', '100000', '600'], false], [['size', '800', '100000'], false], [['size', '199', '600'], false], [['size', '-800', '600'], false], [['size', '800'], false],
    [['sync', '123'], true], [['sync', '123', '1'], true], [['sync'], false], [['sync', 'x'], false],
    [['ack', '1', 'OK', '0'], true], [['ack', '1', 'OK'], false], [['ack', '1', 'é', '0'], false],
    [['nop'], true], [['nop', 'x'], false], [['disconnect'], true], [['disconnect', 'now'], false],
    [['clipboard', '0', 'text/plain'], false], [['file', '0', 'text/plain', 'x'], false], [['pipe', '0', 'a', 'b'], false], [['audio', '0', 'audio/L16'], false], [['put', '0', '0', 'a', 'b'], false], [['argv', '0', 'text/plain', 'password'], false],
    [['select', 'rdp'], false], [['connect', 'x'], false], [['__proto__'], false], [['constructor'], false], [['toString'], false], [['', ''], false],
  ];
  test.each(cases)('%j → %s', (instruction, ok) => expect(mayForward(instruction)).toBe(ok));
});

describe('the clipboard', () => {
  const open = () => createForwarder({ paste: true });
  const blob = (stream: string, bytes: number): Instruction => [
    'blob',
    stream,
    Buffer.alloc(bytes, 'a').toString('base64'),
  ];
  test('is closed unless a rule opens it', () => {
    const closed = createForwarder({ paste: false });
    expect(
      [['clipboard', '0', 'text/plain'], blob('0', 3), ['end', '0']].map((each) =>
        closed(each as Instruction),
      ),
    ).toEqual([false, false, false]);
    expect(closed(['key', '65', '1'])).toBe(true);
  });
  test('takes text for a stream that was opened, and ends it', () => {
    const may = open();
    expect([
      may(blob('0', 3)),
      may(['clipboard', '0', 'text/plain']),
      may(blob('0', 3)),
      may(blob('1', 3)),
      may(['end', '0']),
      may(blob('0', 3)),
    ]).toEqual([false, true, true, false, true, false]);
  });
  test('takes no more than guacd keeps, no file, no many streams, nothing malformed', () => {
    const may = open();
    expect(may(['clipboard', '0', 'image/png'])).toBe(false);
    for (const stream of ['0', '1', '2', '3'])
      expect(may(['clipboard', stream, 'text/plain'])).toBe(true);
    expect(may(['clipboard', '4', 'text/plain'])).toBe(false);
    let taken = 0;
    // Bounded, so that a filter without a limit fails here and does not hang.
    for (let times = 0; times < 100 && may(blob('0', 6000)); times += 1) taken += 6000;
    expect(taken).toBeLessThanOrEqual(262_144);
    expect(taken).toBeGreaterThan(250_000);
    for (const bad of [
      ['blob', '1', '<script>'],
      ['blob', '1', 'A'.repeat(9000)],
      ['blob', 'x', 'AAAA'],
      ['end'],
      ['end', '1', 'more'],
      ['blob', '1', 'AAAA', 'more'],
      ['file', '1', 'text/plain', 'a'],
      ['pipe', '1', 'text/plain', 'a'],
    ] as unknown as Instruction[])
      expect(may(bad)).toBe(false);
  });
});

describe('a recording', () => {
  test('holds the picture, and nothing of what was copied, however it is cut into frames', () => {
    const written: string[] = [];
    const write = pictureOnly((frame) => written.push(frame.toString()));
    const frame = (...instructions: Instruction[]) =>
      Buffer.from(instructions.map(encode).join(''));
    write(
      frame(
        ['img', '1', '12', '-1', 'image/png', '0', '0'],
        ['clipboard', '3', 'text/plain'],
        ['blob', '1', 'cGl4ZWw='],
      ),
    );
    write(frame(['blob', '3', 'c2VjcmV0'], ['end', '1']));
    write(frame(['end', '3'], ['sync', '1']));
    write(frame(['img', '3', '12', '-1', 'image/png', '0', '0'], ['blob', '3', 'cGl4ZWw=']));
    expect(decode(written.join(''))?.map(([opcode, first]) => `${opcode} ${first}`)).toEqual([
      'img 1',
      'blob 1',
      'end 1',
      'sync 1',
      'img 3',
      'blob 3',
    ]);
    expect(written.join('')).not.toContain('c2VjcmV0');
  });
});
