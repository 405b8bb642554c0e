/** Extracts pictures from Windows files: an .ico, or the icon of a program. The files are
 * untrusted: each read is checked against the end of the file, each loop is bounded, and an
 * unreadable file has no icon; no other exception escapes. */
import { crc32, deflateSync } from 'node:zlib';
import { AppError } from '@preau/contract/errors.ts';

const pngSignature = Buffer.from('89504e470d0a1a0a', 'hex');
const isPng = (bytes: Buffer) => bytes.length > 33 && bytes.subarray(0, 8).equals(pngSignature);

/** The best picture of at most 256 pixels a side, as PNG. Refuses with ICON_REFUSED. Pure. */
export function pngFrom(file: Buffer): Buffer {
  try {
    if (isPng(file)) return file;
    if (file.length > 6 && file.readUInt32LE(0) === 0x00010000) return best(picturesOfIco(file));
    if (file.length > 64 && file.toString('latin1', 0, 2) === 'MZ')
      return best(picturesOfProgram(file));
  } catch (error) {
    if (error instanceof AppError) throw error;
    // A read past the end: the file is shorter than its headers say.
    if (!(error instanceof RangeError)) throw error;
  }
  throw new AppError('ICON_REFUSED', { why: 'neither a picture nor a program with an icon' });
}

function best(pictures: Buffer[]): Buffer {
  const readable = pictures.flatMap((bytes) => {
    const png = isPng(bytes) ? bytes : pngOfBitmap(bytes);
    if (png === null) return [];
    const width = png.readUInt32BE(16);
    return width > 0 && width <= 256 && png.length <= 256 * 1024 ? [{ width, png }] : [];
  });
  const found = readable.sort((a, b) => b.width - a.width)[0];
  if (found === undefined)
    throw new AppError('ICON_REFUSED', { why: 'no picture in it can be read' });
  return found.png;
}

/** Pictures of an .ico: a header of 6 bytes, then entries of 16 bytes with size and offset of
 * each. */
function picturesOfIco(file: Buffer): Buffer[] {
  const count = Math.min(file.readUInt16LE(4), 64);
  return Array.from({ length: count }, (_, index) =>
    slice(file, file.readUInt32LE(6 + index * 16 + 12), file.readUInt32LE(6 + index * 16 + 8)),
  );
}

function slice(file: Buffer, start: number, length: number): Buffer {
  if (start + length > file.length || length > 4_194_304) throw new RangeError('past the end');
  return file.subarray(start, start + length);
}

// ---- Portable Executable: resources are a tree of three levels, type → name → language ------

const iconType = 3;
const iconGroupType = 14;

function picturesOfProgram(file: Buffer): Buffer[] {
  const header = file.readUInt32LE(0x3c);
  if (file.toString('latin1', header, header + 4) !== 'PE\0\0') throw new RangeError('no program');
  const sectionCount = Math.min(file.readUInt16LE(header + 6), 96);
  const optional = header + 24;
  const directories = optional + (file.readUInt16LE(optional) === 0x20b ? 112 : 96);
  const resources = file.readUInt32LE(directories + 2 * 8);
  const firstSection = optional + file.readUInt16LE(header + 20);
  const sections = Array.from({ length: sectionCount }, (_, index) => {
    const at = firstSection + index * 40;
    return {
      address: file.readUInt32LE(at + 12),
      size: file.readUInt32LE(at + 16),
      place: file.readUInt32LE(at + 20),
    };
  });
  /** File offset of what the loader would map at `address`. */
  const placeOf = (address: number): number => {
    const section = sections.find(
      (one) => address >= one.address && address < one.address + one.size,
    );
    if (section === undefined) throw new RangeError('outside of every section');
    return section.place + address - section.address;
  };
  if (resources === 0) return [];
  const base = placeOf(resources);

  const entriesOf = (directory: number): { id: number; offset: number; deeper: boolean }[] => {
    const count = Math.min(
      file.readUInt16LE(directory + 12) + file.readUInt16LE(directory + 14),
      1024,
    );
    return Array.from({ length: count }, (_, index) => {
      const [id, offset] = [
        file.readUInt32LE(directory + 16 + index * 8),
        file.readUInt32LE(directory + 16 + index * 8 + 4),
      ];
      return { id, offset: offset & 0x7fffffff, deeper: offset >= 0x80000000 };
    });
  };
  const dataOf = (name: { offset: number; deeper: boolean } | undefined): Buffer | null => {
    if (name === undefined) return null;
    const language = name.deeper ? entriesOf(base + name.offset)[0] : name;
    if (language === undefined || language.deeper) return null;
    return slice(
      file,
      placeOf(file.readUInt32LE(base + language.offset)),
      file.readUInt32LE(base + language.offset + 4),
    );
  };
  const namesOf = (type: number) => {
    const entry = entriesOf(base).find((one) => one.id === type && one.deeper);
    return entry === undefined ? [] : entriesOf(base + entry.offset);
  };
  // Windows shows the first group.
  const group = dataOf(namesOf(iconGroupType)[0]);
  if (group === null) return [];
  const icons = namesOf(iconType);
  return Array.from({ length: Math.min(group.readUInt16LE(4), 64) }, (_, index) => {
    const id = group.readUInt16LE(6 + index * 14 + 12);
    return dataOf(icons.find((icon) => icon.id === id));
  }).filter((bytes) => bytes !== null);
}

// ---- bitmaps inside of icons ----------------------------------------------------------------

/** Layout of a bitmap, as byte offsets. Every line is padded to four bytes. */
interface Bitmap {
  bytes: Buffer;
  width: number;
  height: number;
  bits: number;
  colours: number;
  pixels: number;
  line: number;
  mask: number;
  maskLine: number;
  /** The file holds the whole mask. */
  masked: boolean;
}

const paletteAt = 40;

/** Null for rare formats that are not supported: compressed, or 16 bits per pixel. */
function bitmapOf(bytes: Buffer): Bitmap | null {
  if (bytes.length < paletteAt || bytes.readUInt32LE(0) !== 40) return null;
  const width = bytes.readInt32LE(4);
  // The header gives twice the height, because a 1-bit mask follows the colours.
  const height = bytes.readInt32LE(8) / 2;
  const bits = bytes.readUInt16LE(14);
  const isSquare = width >= 1 && width <= 256 && height === width;
  const isPlain = bytes.readUInt32LE(16) === 0 && [1, 4, 8, 24, 32].includes(bits);
  if (!isSquare || !isPlain) return null;
  const colours = bits > 8 ? 0 : Math.min(bytes.readUInt32LE(32) || 2 ** bits, 2 ** bits);
  const pixels = paletteAt + colours * 4;
  const line = Math.ceil((width * bits) / 32) * 4;
  const maskLine = Math.ceil(width / 32) * 4;
  const mask = pixels + line * height;
  if (mask > bytes.length) return null;
  const masked = mask + maskLine * height <= bytes.length;
  return { bytes, width, height, bits, colours, pixels, line, mask, maskLine, masked };
}

/** Offset of a pixel's colour: in the palette, or in the pixels themselves. Lines are stored
 * bottom-up. */
function colourAt(bitmap: Bitmap, x: number, y: number): number {
  const { bytes, height, bits, colours, pixels, line } = bitmap;
  const at = pixels + (height - 1 - y) * line + (x * bits) / 8;
  if (bits > 8) return at;
  const index = ((bytes[Math.floor(at)] ?? 0) >> (8 - bits - ((x * bits) % 8))) & (2 ** bits - 1);
  return paletteAt + Math.min(index, colours - 1) * 4;
}

function isHidden({ bytes, height, mask, maskLine, masked }: Bitmap, x: number, y: number) {
  const byte = bytes[mask + (height - 1 - y) * maskLine + (x >> 3)] ?? 0;
  return masked && ((byte >> (7 - (x & 7))) & 1) === 1;
}

function pngOfBitmap(bytes: Buffer): Buffer | null {
  const bitmap = bitmapOf(bytes);
  if (bitmap === null) return null;
  const { width, height, bits } = bitmap;
  const pixels: { at: number; to: number; hidden: boolean }[] = [];
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      pixels.push({
        at: colourAt(bitmap, x, y),
        to: y * (1 + width * 4) + 1 + x * 4,
        hidden: isHidden(bitmap, x, y),
      });
  // Old programs leave the fourth byte zero: when no pixel has alpha, the mask decides.
  const hasAlpha = bits === 32 && pixels.some(({ at }) => (bytes[at + 3] ?? 0) !== 0);
  const rows = Buffer.alloc(height * (1 + width * 4));
  for (const { at, to, hidden } of pixels) {
    const alpha = hasAlpha ? (bytes[at + 3] ?? 0) : hidden ? 0 : 255;
    rows.set([bytes[at + 2] ?? 0, bytes[at + 1] ?? 0, bytes[at] ?? 0, alpha], to);
  }
  return encodePng(width, height, rows);
}

/** `rows`: each line begins with its filter (0), then red, green, blue, alpha. */
function encodePng(width: number, height: number, rows: Buffer): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(data.length, 0);
    body.copy(framed, 4);
    framed.writeUInt32BE(crc32(body), body.length + 4);
    return framed;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, 0], 8);
  return Buffer.concat([
    pngSignature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
