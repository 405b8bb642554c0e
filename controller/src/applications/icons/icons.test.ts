import { AppError } from '@preau/contract/errors.ts';
import { describe, expect, test } from 'vitest';
import { checkPng } from './icons.ts';

function png(width: number, height: number, bytes = 100): Buffer {
  const image = Buffer.alloc(bytes);
  Buffer.from('89504e470d0a1a0a', 'hex').copy(image);
  image.writeUInt32BE(13, 8);
  image.write('IHDR', 12, 'latin1');
  image.writeUInt32BE(width, 16);
  image.writeUInt32BE(height, 20);
  return image;
}

describe('checkPng', () => {
  const good: [name: string, bytes: Buffer][] = [
    ['64 × 64', png(64, 64)],
    ['the largest', png(1024, 1024, 256 * 1024)],
    ['the smallest', png(1, 1, 33)],
  ];
  test.each(good)('accepts %s', (_name, bytes) => expect(() => checkPng(bytes)).not.toThrow());

  // biome-ignore format: a table
  const bad: [name: string, bytes: Buffer, why: RegExp][] = [
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'), /not a PNG/],
    ['SVG behind a byte order mark', Buffer.from('\ufeff<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'), /not a PNG/],
    ['HTML', Buffer.from('<!doctype html><script>alert(1)</script>             '), /not a PNG/],
    ['JPEG', Buffer.concat([Buffer.from('ffd8ffe000104a46494600', 'hex'), Buffer.alloc(50)]), /not a PNG/],
    ['nothing', Buffer.alloc(0), /not a PNG/],
    ['only a signature', png(64, 64).subarray(0, 8), /not a PNG/],
    ['a signature and something else', Buffer.concat([png(1, 1).subarray(0, 12), Buffer.from('tEXt'), Buffer.alloc(40)]), /not a PNG/],
    ['one byte too many', png(64, 64, 256 * 1024 + 1), /bytes/],
    ['too wide', png(1025, 64), /1025/],
    ['too high', png(64, 4_000_000_000), /4000000000/],
    ['no pixel', png(0, 64), /0 ×/],
  ];
  test.each(bad)('refuses %s', (_name, bytes, why) => {
    expect(() => checkPng(bytes)).toThrow(AppError);
    try {
      checkPng(bytes);
    } catch (error) {
      expect(error).toMatchObject({
        code: 'ICON_REFUSED',
        details: { why: expect.stringMatching(why) },
      });
    }
  });
});
