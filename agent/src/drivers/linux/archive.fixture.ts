/** Makes archives, good and bad. */
import { buffer } from 'node:stream/consumers';
import { crc32, deflateRawSync } from 'node:zlib';
import { pack } from 'tar-stream';

export interface Item {
  name: string;
  content?: Buffer;
  type?: 'file' | 'symlink' | 'link' | 'character-device' | 'fifo' | 'directory';
  to?: string;
  mode?: number;
}
export const tar = async (items: readonly Item[]): Promise<Buffer> => {
  const packing = pack();
  for (const { name, content, type = 'file', to, mode = 0o644 } of items)
    packing.entry(
      { name, type, mode, ...(to === undefined ? {} : { linkname: to }) },
      content ?? Buffer.alloc(0),
    );
  packing.finalize();
  return buffer(packing);
};
/** Written by hand: no honest library makes these. */
export function zip(items: readonly Item[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { name, content = Buffer.alloc(0), type = 'file', mode = 0o644 } of items) {
    const packed = deflateRawSync(content);
    const bytes = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800, 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(bytes.length, 22);
    const local = Buffer.concat([Buffer.from('504b0304', 'hex'), common, bytes, packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((((type === 'symlink' ? 0o120_000 : 0o100_000) | mode) << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    centrals.push(Buffer.concat([Buffer.from('504b01021403', 'hex'), common, tail, bytes]));
    locals.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 'latin1');
  end.writeUInt16LE(items.length, 8);
  end.writeUInt16LE(items.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, central, end]);
}
