import { deflateSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pngFrom } from './icon-files.ts';
import { checkPng } from './icons.ts';

const words = (...values: number[]) =>
  Buffer.from(values.flatMap((value) => [value & 255, (value >> 8) & 255]));
const longs = (...values: number[]) => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value >>> 0, index * 4);
  return bytes;
};

/** One colour, `width` a side, in 32 bits; upper left pixel another one. */
function bitmap(width: number, bits: 4 | 8 | 24 | 32, alpha = 255): Buffer {
  const header = Buffer.concat([
    longs(40, width, width * 2),
    words(1, bits),
    longs(0, 0, 0, 0, 0, 0),
  ]);
  const palette =
    bits <= 8
      ? Buffer.concat([
          Buffer.from([0x30, 0x20, 0x10, 0]),
          Buffer.from([0x33, 0x22, 0x11, 0]),
          Buffer.alloc((2 ** bits - 2) * 4),
        ])
      : Buffer.alloc(0);
  const line = Buffer.alloc(Math.ceil((width * bits) / 32) * 4);
  const first = Buffer.alloc(line.length);
  for (let x = 0; x < width; x += 1) {
    if (bits === 32) line.set([0x30, 0x20, 0x10, alpha], x * 4);
    if (bits === 24) line.set([0x30, 0x20, 0x10], x * 3);
  }
  line.copy(first);
  if (bits >= 24) first.set([0x33, 0x22, 0x11], 0);
  if (bits === 8) first[0] = 1;
  if (bits === 4) first[0] = 0x10;
  const mask = Buffer.alloc(Math.ceil(width / 32) * 4 * width);
  // The last line, which is the first in the file: its first pixel is hidden.
  mask[0] = 0x80;
  return Buffer.concat([
    header,
    palette,
    ...Array.from({ length: width - 1 }, () => line),
    first,
    mask,
  ]);
}
function ico(...pictures: Buffer[]): Buffer {
  let at = 6 + pictures.length * 16;
  const entries = pictures.map((picture) => {
    const entry = Buffer.concat([
      Buffer.from([0, 0, 0, 0]),
      words(1, 32),
      longs(picture.length, at),
    ]);
    at += picture.length;
    return entry;
  });
  return Buffer.concat([words(0, 1, pictures.length), ...entries, ...pictures]);
}
/** A program with one section of resources: a group that names icons 1…n. */
function program(...pictures: Buffer[]): Buffer {
  const address = 0x1000;
  const place = 0x200;
  const directory = (ids: [id: number, offset: number][]) =>
    Buffer.concat([
      Buffer.alloc(12),
      words(0, ids.length),
      ...ids.map(([id, offset]) => longs(id, offset)),
    ]);
  const size = (count: number) => 16 + count * 8;
  const deeper = 0x80000000;
  const root = size(2);
  const icons = root + size(pictures.length);
  const groups = icons + size(1);
  const leaves = groups + pictures.length * size(1);
  const groupLeaf = leaves + size(1);
  const data = groupLeaf + (pictures.length + 1) * 16;
  const group = Buffer.concat([
    words(0, 1, pictures.length),
    ...pictures.map((picture, index) =>
      Buffer.concat([Buffer.alloc(4), words(1, 32), longs(picture.length), words(index + 1)]),
    ),
  ]);
  const places = [data];
  for (const one of [...pictures, group]) places.push((places.at(-1) ?? data) + one.length);
  const resources = Buffer.concat([
    directory([
      [3, deeper + root],
      [14, deeper + icons],
    ]),
    directory(pictures.map((_, index) => [index + 1, deeper + groups + index * size(1)])),
    directory([[1, deeper + leaves]]),
    ...pictures.map((_, index) => directory([[1033, groupLeaf + index * 16]])),
    directory([[1033, groupLeaf + pictures.length * 16]]),
    ...[...pictures, group].map((one, index) =>
      longs(address + (places[index] ?? 0), one.length, 0, 0),
    ),
    ...pictures,
    group,
  ]);
  const dos = Buffer.alloc(0x40);
  dos.write('MZ', 'latin1');
  dos.writeUInt32LE(0x40, 0x3c);
  const optional = Buffer.alloc(240);
  optional.writeUInt16LE(0x20b, 0);
  optional.writeUInt32LE(address, 112 + 16);
  optional.writeUInt32LE(resources.length, 112 + 20);
  const coff = Buffer.concat([
    Buffer.from('PE\0\0', 'latin1'),
    words(0x8664, 1),
    longs(0, 0, 0),
    words(240, 0),
  ]);
  const section = Buffer.concat([
    Buffer.from('.rsrc\0\0\0', 'latin1'),
    longs(resources.length, address, resources.length, place),
    Buffer.alloc(16),
  ]);
  const head = Buffer.concat([dos, coff, optional, section]);
  return Buffer.concat([head, Buffer.alloc(place - head.length), resources]);
}
/** Width, and the pixels of a picture of ours. */
function read(png: Buffer): { width: number; pixel: (x: number, y: number) => number[] } {
  checkPng(png);
  const width = png.readUInt32BE(16);
  const rows = inflateSync(png.subarray(41, 41 + png.readUInt32BE(33)));
  return {
    width,
    pixel: (x, y) => [...rows.subarray(y * (1 + width * 4) + 1 + x * 4).subarray(0, 4)],
  };
}
const refused = (file: Buffer) => expect(() => pngFrom(file)).toThrow(/ICON_REFUSED/);

describe('pictures out of Windows files', () => {
  test.each([4, 8, 24, 32] as const)('an .ico of %i bits', (bits) => {
    const { width, pixel } = read(pngFrom(ico(bitmap(16, bits))));
    expect(width).toBe(16);
    expect(pixel(0, 0)).toEqual([0x11, 0x22, 0x33, 255]);
    expect(pixel(5, 5)).toEqual([0x10, 0x20, 0x30, 255]);
    if (bits !== 32) expect(pixel(0, 15)[3]).toBe(0);
  });
  test('32 bits without alpha: the mask decides', () => {
    const { pixel } = read(pngFrom(ico(bitmap(16, 32, 0))));
    expect([pixel(5, 5)[3], pixel(0, 15)[3]]).toEqual([255, 0]);
  });
  test('the largest is taken, and a PNG inside stays as it is', () => {
    const inside = pngFrom(ico(bitmap(64, 32)));
    expect(read(pngFrom(ico(bitmap(16, 32), bitmap(48, 24), bitmap(32, 32)))).width).toBe(48);
    expect(pngFrom(ico(bitmap(16, 32), inside)).equals(inside)).toBe(true);
    expect(pngFrom(inside)).toBe(inside);
  });
  test('a program’s icon', () => {
    expect(read(pngFrom(program(bitmap(16, 8), bitmap(48, 32)))).width).toBe(48);
  });

  // biome-ignore format: a table
  const bad: [name: string, file: Buffer][] = [
    ['nothing', Buffer.alloc(0)], ['text', Buffer.from('<svg/>'.repeat(20))], ['an empty .ico', ico()], ['an .ico that promises more', ico(bitmap(16, 32)).subarray(0, 200)],
    ['a program without resources', program()], ['half a program', program(bitmap(16, 32)).subarray(0, 0x210)], ['MZ and zeroes', Buffer.concat([Buffer.from('MZ'), Buffer.alloc(500)])],
    ['a huge bitmap', ico(Buffer.concat([longs(40, 60000, 120000), words(1, 32), Buffer.alloc(24)]))], ['a compressed one', ico(Buffer.concat([longs(40, 16, 32), words(1, 32), longs(1), Buffer.alloc(2000)]))],
    ['deflated rubbish', deflateSync(Buffer.alloc(1000))],
  ];
  test.each(bad)('refuses %s', (_name, file) => refused(file));

  test('a tree that bites its tail ends', () => {
    const file = program(bitmap(16, 32));
    // The directory of types leads to itself.
    file.writeUInt32LE(0x80000000, 0x200 + 16 + 4);
    file.writeUInt32LE(0x80000000, 0x200 + 16 + 8 + 4);
    refused(file);
  });

  test('whatever bytes are changed: a small PNG or a refusal, soon', () => {
    const files = [program(bitmap(16, 8), bitmap(48, 32)), ico(bitmap(32, 4), bitmap(16, 24))];
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1 }),
        fc.array(fc.tuple(fc.nat(4000), fc.integer({ min: 0, max: 255 })), { maxLength: 12 }),
        fc.nat(12_000),
        (which, changes, cut) => {
          const file = Buffer.from(files[which] ?? files[0] ?? '').subarray(0, cut);
          for (const [at, value] of changes) if (at < file.length) file[at] = value;
          try {
            checkPng(pngFrom(file));
          } catch (error) {
            expect(error).toMatchObject({ code: 'ICON_REFUSED' });
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
