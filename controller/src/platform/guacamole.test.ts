import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createForwarder,
  decode,
  encode,
  type Instruction,
  InstructionFramer,
  mayForward,
  pictureOnly,
} from './guacamole.ts';

/** Characters of one to four bytes, combining ones, and those the protocol itself uses. */
const unit = fc.constantFrom(
  'a',
  'é',
  '€',
  '🦊',
  '\u0301',
  '\u{10ffff}',
  '\0',
  '\n',
  '.',
  ',',
  ';',
  '1',
  '9',
);

describe('encode and decode', () => {
  const cases: [name: string, instruction: Instruction, text: string][] = [
    ['no argument', ['nop'], '3.nop;'],
    ['ASCII', ['key', '65', '1'], '3.key,2.65,1.1;'],
    ['empty argument', ['a', ''], '1.a,0.;'],
    ['accents count once', ['name', 'élève'], '4.name,5.élève;'],
    ['emoji count once though they are two code units', ['n', '🦊🦊'], '1.n,2.🦊🦊;'],
    ['separators inside', ['n', '1.2,3;4'], '1.n,7.1.2,3;4;'],
    ['joined emoji count each code point', ['n', '👨‍👩‍👧'], '1.n,5.👨‍👩‍👧;'],
  ];
  test.each(cases)('%s', (_name, instruction, text) => {
    expect(encode(instruction)).toBe(text);
    expect(decode(text)).toEqual([instruction]);
  });

  const malformed: [name: string, text: string][] = [
    ['no length', 'nop;'],
    ['empty length', '.nop;'],
    ['negative length', '-1.a;'],
    ['exponent', '1e1.a;'],
    ['blank before', ' 3.nop;'],
    ['length of six digits', '000003.nop;'],
    ['half an instruction', '3.nop,1'],
    ['length past the end', '9.nop;'],
    ['length too short', '2.nop;'],
    ['wrong terminator', '3.nop:'],
    ['no terminator', '3.nop'],
    ['rest behind', '3.nop;x'],
    ['too many elements', `${Array.from({ length: 130 }, () => '1.a').join(',')};`],
    ['too long', `1.a,8200.${'x'.repeat(8200)};`],
    ['emoji counted as two units', '1.n,2.🦊;'],
  ];
  test.each(malformed)('null for %s', (_name, text) => expect(decode(text)).toBeNull());

  test('several at once, and none', () => {
    expect(decode('3.nop;4.sync,1.5;')).toEqual([['nop'], ['sync', '5']]);
    expect(decode('')).toEqual([]);
  });
  test('decode undoes encode for any text', () => {
    const instruction = fc.array(fc.string({ unit, maxLength: 20 }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(fc.array(instruction, { maxLength: 4 }), (list) => {
        expect(decode(list.map((each) => encode(each as unknown as Instruction)).join(''))).toEqual(
          list,
        );
      }),
    );
  });
});

/** Feeds `bytes` in chunks of the given sizes, repeated. */
function frames(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const framer = new InstructionFramer();
  const out: Buffer[] = [];
  for (let at = 0, count = 0; at < bytes.length; count += 1) {
    const size = sizes[count % sizes.length] ?? 1;
    const frame = framer.push(bytes.subarray(at, at + size));
    if (frame !== null) out.push(Buffer.from(frame));
    at += size;
  }
  return out;
}

describe('InstructionFramer', () => {
  // biome-ignore format: a table
  const instructions: Instruction[] = [
    ['size', '0', '800', '600'], ['name', 'é'], ['clipboard', '🦊'], ['n', '', ''], ['blob', '1', 'QUJDREVGRw=='.repeat(20)], ['n', '1.2,3;4;5.nop;'], ['msg', 'a🦊é€z', '👨‍👩‍👧;'], ['sync', '123456'], ['n', 'é'],
  ];
  const bytes = Buffer.from(instructions.map((each) => encode(each)).join(''));

  const splits: [name: string, sizes: number[]][] = [
    ...[1, 2, 3, 4, 5, 6, 7].map((size): [string, number[]] => [`chunks of ${size}`, [size]]),
    ['chunks of 1, 2, … 7', [1, 2, 3, 4, 5, 6, 7]],
    ['all at once', [bytes.length]],
  ];
  test.each(splits)('%s: same bytes, whole instructions', (_name, sizes) => {
    const out = frames(bytes, sizes);
    expect(Buffer.concat(out).equals(bytes)).toBe(true);
    for (const frame of out) expect(decode(frame.toString('utf8'))).not.toBeNull();
    expect(out.flatMap((frame) => decode(frame.toString('utf8')) ?? [])).toEqual(instructions);
  });

  test('cut in two at every byte', () => {
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const framer = new InstructionFramer();
      const out = [framer.push(bytes.subarray(0, cut)), framer.push(bytes.subarray(cut))].filter(
        (frame) => frame !== null,
      );
      expect(Buffer.concat(out).equals(bytes)).toBe(true);
      for (const frame of out) expect(decode(frame.toString('utf8'))).not.toBeNull();
    }
  });

  test('any instructions, any chunks of 1 to 7 bytes', () => {
    const anyInstruction = fc.array(fc.string({ unit, maxLength: 12 }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(
        fc.array(anyInstruction, { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 12 }),
        (list, sizes) => {
          const text = list.map((each) => encode(each as unknown as Instruction)).join('');
          const out = frames(Buffer.from(text), sizes);
          expect(Buffer.concat(out).toString('utf8')).toBe(text);
          for (const frame of out) expect(decode(frame.toString('utf8'))).not.toBeNull();
        },
      ),
    );
  });

  test('nothing until the instruction is whole', () => {
    const framer = new InstructionFramer();
    expect(framer.push(Buffer.from('3.no'))).toBeNull();
    expect(framer.push(Buffer.from('p;4.sy'))?.toString()).toBe('3.nop;');
    expect(framer.push(Buffer.from('nc,1.1;'))?.toString()).toBe('4.sync,1.1;');
  });

  // biome-ignore format: a table
  const nonsense: [name: string, text: string][] = [
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n'], ['no length', '.nop;'], ['negative length', '-1.a;'], ['a length of nine digits', '123456789.a;'], ['wrong terminator', '3.nop:'], ['length too short', '2.nop;'], ['line feed between', '3.nop;\n3.nop;'],
  ];
  test.each(nonsense)('throws on %s, in one chunk or byte by byte', (_name, text) => {
    expect(() => frames(Buffer.from(text), [text.length])).toThrow(/not a Guacamole instruction/);
    expect(() => frames(Buffer.from(text), [1])).toThrow(/not a Guacamole instruction/);
  });

  test('gives up on an instruction without end', () => {
    const framer = new InstructionFramer();
    framer.push(Buffer.from('99999999.'));
    expect(() => {
      for (let count = 0; count < 100; count += 1) framer.push(Buffer.alloc(65_536, 0x61));
    }).toThrow(/4 MiB/);
  });
});

describe('mayForward', () => {
  // biome-ignore format: a table
  const cases: [instruction: Instruction, ok: boolean][] = [
    [['key', '65307', '1'], true], [['key', '65307'], false], [['key', '65307', '2'], false], [['key', 'a', '1'], false], [['key', '1', '1', '1'], false],
    [['mouse', '1', '2', '0'], true], [['mouse', '1', '2'], false], [['mouse', '1', '2', '0', '0'], false], [['mouse', '1.5', '2', '0'], false],
    [['touch', '1', '2', '3', '4', '5', '0.5', '0.25'], true], [['touch', '1', '2', '3'], false],
    [['size', '800', '600'], true], [['size', '8192', '8192'], true], [['size', '100000', '600'], false], [['size', '800', '100000'], false], [['size', '199', '600'], false], [['size', '-800', '600'], false], [['size', '800'], false],
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
    while (may(blob('0', 6000))) taken += 6000;
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
