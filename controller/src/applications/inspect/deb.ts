/** Reads a Debian package without installing it: its identity and its desktop entries. The
 * package is untrusted: every size is bounded, and what cannot be read is left out. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract } from 'tar-stream';
import * as xz from 'xz-decompress';
import { budget } from '#src/platform/budget.ts';

// A CommonJS module whose export names Node cannot detect.
const { XzReadableStream: XzReader } = (xz as unknown as { default: typeof xz }).default;

export interface DebContents {
  control: {
    package: string | null;
    version: string | null;
    architecture: string | null;
    summary: string | null;
  };
  /** By path, without the leading `./`: .desktop files, and PNG pictures that may be icons. */
  files: Map<string, Buffer>;
  /** The package was not read to its end. */
  cutShort: boolean;
}

const {
  unpackedBytes: maxUnpackedBytes,
  controlBytes: maxControlBytes,
  iconBytes: maxPictureBytes,
  heldPictureBytes: maxHeldBytes,
  desktopEntries: maxEntries,
  desktopEntryBytes,
} = budget.files;
const isDesktopFile = /^usr\/share\/applications\/[A-Za-z0-9._-]{1,100}\.desktop$/;
const isPicture = /^(usr\/share\/icons\/|usr\/share\/pixmaps\/|opt\/).*\.png$/;

interface Member {
  name: string;
  start: number;
  size: number;
}

/** The members of an `ar` archive. A package has three; more are tolerated. */
async function membersOf(path: string): Promise<Member[]> {
  const file = await open(path);
  try {
    const members: Member[] = [];
    const header = Buffer.alloc(60);
    for (let at = 8; members.length < 16; ) {
      if (
        (await file.read(header, 0, 60, at)).bytesRead < 60 ||
        header.toString('latin1', 58) !== '`\n'
      )
        break;
      const size = Number.parseInt(header.toString('latin1', 48, 58), 10);
      if (!Number.isSafeInteger(size) || size < 0) break;
      members.push({
        name: header.toString('latin1', 0, 16).trim().replace(/\/$/, ''),
        start: at + 60,
        size,
      });
      at += 60 + size + (size % 2);
    }
    return members;
  } finally {
    await file.close();
  }
}

function unpacked(path: string, { name, start, size }: Member): Readable {
  const packed = createReadStream(path, { start, end: start + size - 1 });
  const through = (stream: NodeJS.ReadWriteStream & Readable) => {
    packed.on('error', (error) => stream.destroy(error));
    return packed.pipe(stream) as unknown as Readable;
  };
  if (name.endsWith('.gz')) return through(createGunzip());
  if (name.endsWith('.zst')) return through(createZstdDecompress());
  if (name.endsWith('.xz'))
    return Readable.fromWeb(
      new XzReader(
        Readable.toWeb(packed) as unknown as globalThis.ReadableStream,
      ) as unknown as ReadableStream,
    );
  return packed;
}

/** Passes files of a compressed tar to `take`. `maxBytes`: the largest size accepted for a file;
 * 0 skips it. False when the tar was not read to its end. */
async function eachFile(
  source: Readable,
  maxBytes: (path: string, size: number) => number,
  take: (path: string, content: Buffer) => void,
): Promise<boolean> {
  const tar = extract();
  let total = 0;
  source.on('error', (error) => tar.destroy(error));
  source.on('data', (chunk: Buffer) => {
    total += chunk.length;
    if (total > maxUnpackedBytes) source.destroy(new Error('too large'));
  });
  source.pipe(tar);
  try {
    for await (const entry of tar) {
      const { name, type, size } = entry.header;
      const path = posix.normalize(name).replace(/^\/+/, '');
      const most = type === 'file' ? maxBytes(path, size ?? 0) : 0;
      if (most === 0 || (size ?? 0) > most) {
        entry.resume();
        continue;
      }
      const chunks: Buffer[] = [];
      for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
      take(path, Buffer.concat(chunks));
    }
    return true;
  } catch {
    return false;
  } finally {
    source.destroy();
  }
}

/** Null when the file is not a Debian package. `onControl`: called as soon as the identity is
 * known, because the rest may take long. */
export async function readDeb(
  path: string,
  onControl: (control: DebContents['control']) => void = () => undefined,
): Promise<DebContents | null> {
  const members = await membersOf(path);
  const control = members.find(({ name }) => /^control\.tar(\.(gz|xz|zst))?$/.test(name));
  if (members[0]?.name !== 'debian-binary' || control === undefined) return null;
  let fields = new Map<string, string>();
  const knowsWho = await eachFile(
    unpacked(path, control),
    (name) => (name === 'control' ? maxControlBytes : 0),
    (_name, content) => {
      fields = new Map(
        [...content.toString('utf8').matchAll(/^([A-Za-z-]+): *(.*)$/gm)].map(
          ([, key = '', value = '']) => [key.toLowerCase(), value.trim()],
        ),
      );
    },
  );
  const field = (name: string) => fields.get(name) ?? null;
  const who = {
    package: field('package'),
    version: field('version'),
    architecture: field('architecture'),
    summary: field('description'),
  };
  onControl(who);
  const data = members.find(({ name }) => /^data\.tar(\.(gz|xz|zst))?$/.test(name));
  const files = new Map<string, Buffer>();
  let pictures = 0;
  let entries = 0;
  let leftOut = false;
  const limit = (name: string, size: number) => {
    const isEntry = isDesktopFile.test(name);
    if (!isEntry && !(isPicture.test(name) && size <= maxPictureBytes)) return 0;
    if (isEntry ? entries < maxEntries : pictures + size <= maxHeldBytes)
      return isEntry ? desktopEntryBytes : maxPictureBytes;
    leftOut = true;
    return 0;
  };
  const whole =
    data === undefined
      ? false
      : await eachFile(unpacked(path, data), limit, (name, content) => {
          if (isDesktopFile.test(name)) entries += 1;
          else pictures += content.length;
          files.set(name, content);
        });
  return { control: who, files, cutShort: !knowsWho || !whole || leftOut };
}

/** The PNG that an icon name refers to: the largest up to 256 pixels; null when the package has
 * only vector icons, or none. Pure. */
export function iconIn(files: ReadonlyMap<string, Buffer>, icon: string): Buffer | null {
  const name = posix.basename(icon).replace(/\.(png|svg|xpm)$/, '');
  const candidates = [...files]
    .filter(([path]) =>
      icon.startsWith('/') ? path === icon.slice(1) : posix.basename(path) === `${name}.png`,
    )
    .map(([, png]) => ({ png, width: png.length > 24 ? png.readUInt32BE(16) : 0 }));
  return (
    candidates.filter(({ width }) => width > 0 && width <= 256).sort((a, b) => b.width - a.width)[0]
      ?.png ?? null
  );
}
