import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode, type Instruction, InstructionFramer } from './guacamole.ts';

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
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n'], ['no length', '.nop;'], ['negative length', '-1.a;'], ['a length of nine digits', '123456789.a;'], ['a length of eleven digits', '99999999999.'], ['wrong terminator', '3.nop:'], ['length too short', '2.nop;'], ['line feed between', '3.nop;\n3.nop;'],
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
    }).toThrow(/more than 4194304 bytes/);
  });

  test('gives up on an instruction that comes byte by byte without end', () => {
    const framer = new InstructionFramer();
    framer.push(Buffer.from('99999999.'));
    expect(() => {
      for (let count = 0; count < 20_000; count += 1) framer.push(Buffer.from('a'));
    }).toThrow(/more than 16384 pieces/);
  });
});
