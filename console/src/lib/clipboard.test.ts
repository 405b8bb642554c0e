import type { Ticket } from '@preau/contract/session.ts';
import type Guacamole from 'guacamole-common-js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openBrowser } from './browser.fixture.ts';

const browser = openBrowser();
const { joinClipboards } = await import('./clipboard.ts');

/** The device's clipboard. */
let device = '';
let written: string[] = [];
let leave: () => void = () => undefined;
beforeEach(() => {
  device = '';
  written = [];
  vi.stubGlobal('navigator', {
    clipboard: {
      readText: async () => device,
      writeText: async (text: string) => void written.push(text),
    },
  });
});
afterEach(() => leave());

const settled = async () => {
  for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
};

type Client = Parameters<typeof joinClipboards>[0];
/** The application's end: what it gets, and how it copies something. */
async function join(flow: Ticket['clipboard']) {
  const got: string[] = [];
  const client = {
    onclipboard: null,
    createClipboardStream: (mimetype: string) => {
      let bytes = Buffer.alloc(0);
      return {
        sendBlob: (data: string) => {
          bytes = Buffer.concat([bytes, Buffer.from(data, 'base64')]);
        },
        sendEnd: () => got.push(`${mimetype}: ${bytes.toString('utf8')}`),
      };
    },
  } as unknown as Client;
  leave = joinClipboards(client, flow);
  await settled();
  const copies = async (text: string, mimetype = 'text/plain', parts = 1) => {
    const stream = {} as Guacamole.InputStream;
    client.onclipboard?.(stream, mimetype);
    const bytes = Buffer.from(text);
    const size = Math.ceil(bytes.length / parts);
    for (let at = 0; at < bytes.length; at += size)
      stream.onblob?.(bytes.subarray(at, at + size).toString('base64'));
    stream.onend?.();
    await settled();
  };
  return { got, copies, listens: client.onclipboard !== null };
}

describe('which way text goes', () => {
  // biome-ignore format: a table
  const flows: [flow: Ticket['clipboard'], in_: string[], out: string[]][] = [
    ['none', [], []],
    ['in', ['text/plain: du poste'], []],
    ['out', [], ['du programme']],
    ['both', ['text/plain: du poste'], ['du programme']],
  ];
  test.each(flows)('%s', async (flow, in_, out) => {
    device = 'du poste';
    const { got, copies } = await join(flow);
    await copies('du programme');
    expect([got, written]).toEqual([in_, out]);
  });
});

describe('to the application', () => {
  test('again when the page has the focus and something else was copied', async () => {
    const { got } = await join('in');
    expect(got).toEqual([]);
    for (const text of ['un', 'un', 'deux 😀', '']) {
      device = text;
      browser.happens('focus');
      await settled();
    }
    expect(got).toEqual(['text/plain: un', 'text/plain: deux 😀']);
  });
  test('what the gateway would not take is not sent', async () => {
    const { got } = await join('both');
    for (const text of ['é'.repeat(131_073), 'é'.repeat(131_072)]) {
      device = text;
      browser.happens('focus');
      await settled();
    }
    expect(got.map((text) => text.length)).toEqual(['text/plain: '.length + 131_072]);
  });
  test('not without permission, and not once it is over', async () => {
    vi.stubGlobal('navigator', {
      clipboard: { readText: async () => Promise.reject(new Error('NotAllowedError')) },
    });
    const { got } = await join('in');
    expect(got).toEqual([]);
    vi.stubGlobal('navigator', { clipboard: { readText: async () => 'later' } });
    leave();
    browser.happens('focus');
    await settled();
    expect(got).toEqual([]);
  });
  test('a browser without a clipboard has none', async () => {
    vi.stubGlobal('navigator', {});
    const { got, copies } = await join('both');
    await copies('x');
    expect(got).toEqual([]);
  });
});

describe('from the application', () => {
  test('whole, in however many pieces', async () => {
    const { copies } = await join('out');
    await copies('Élève : 100 ✓', 'text/plain', 3);
    expect(written).toEqual(['Élève : 100 ✓']);
  });
  test('text alone, and nothing empty', async () => {
    const { copies } = await join('out');
    await copies('<b>x</b>', 'text/html');
    await copies('');
    expect(written).toEqual([]);
  });
  test('what came from one side is not given back to it', async () => {
    device = 'un';
    const { got, copies } = await join('both');
    await copies('un');
    expect(written).toEqual([]);
    await copies('deux');
    device = 'deux';
    browser.happens('focus');
    await settled();
    expect([got, written]).toEqual([['text/plain: un'], ['deux']]);
  });
});
