import { maxTransferBytes } from '@preau/contract/exchange.ts';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { openBrowser } from '../lib/browser.fixture.ts';

openBrowser();
const { SessionFiles } = await import('./exchange.svelte.ts');

/** One upload of the browser. */
class Upload {
  static all: Upload[] = [];
  readonly upload: { onprogress: (event: { loaded: number; total: number }) => void } = {
    onprogress: () => undefined,
  };
  onload: () => void = () => undefined;
  onerror: () => void = () => undefined;
  onabort: () => void = () => undefined;
  status = 0;
  responseText = '';
  url = '';
  open(_method: string, url: string) {
    this.url = url;
  }
  setRequestHeader() {
    return undefined;
  }
  send() {
    Upload.all.push(this);
  }
  abort() {
    this.onabort();
  }
  ends(status: number, responseText = '') {
    this.status = status;
    this.responseText = responseText;
    this.onload();
  }
}
interface Saved {
  href: string;
  download: string;
}
let saved: Saved[] = [];
let exchange: { offered: object[]; transfers: object[] };
let asked: { path: string; body: unknown }[] = [];
/** What the next request for a file is refused with. */
let refusal: string | null = null;

beforeEach(() => {
  Upload.all = [];
  saved = [];
  asked = [];
  refusal = null;
  exchange = { offered: [], transfers: [] };
  sessionStorage.clear();
  vi.stubGlobal('XMLHttpRequest', Upload);
  vi.stubGlobal('document', {
    documentElement: { lang: '' },
    createElement: () => {
      const link = { href: '', download: '', click: () => saved.push(link) };
      return link;
    },
  });
  vi.stubGlobal('fetch', async (path: string, { method, body }: RequestInit) => {
    if (method === 'GET')
      return new Response(JSON.stringify({ files: 'both', printing: true, ...exchange }));
    asked.push({ path, body: JSON.parse(String(body)) });
    return refusal === null
      ? new Response(JSON.stringify({ id: `trf_${asked.length}` }))
      : new Response(JSON.stringify({ code: refusal }), { status: 409 });
  });
});

const file = (name: string, size = 3) => ({ name, size }) as File;
const names = (files: InstanceType<typeof SessionFiles>) =>
  files.uploads.map(({ name, percent, problem }) => [name, percent, problem]);
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
const transfer = (id: string, state: string, kind = 'file') => ({
  id,
  name: `${id}.odt`,
  state,
  kind,
});
const page = (name: string, changedAt = 1) => ({ kind: 'print', name, changedAt, bytes: 1 });

describe('bringing files', () => {
  test('four at once, the others after them, each under its name', async () => {
    const files = new SessionFiles('ses_a');
    files.bring(Array.from({ length: 6 }, (_, at) => file(`photo ${at}.jpg`)));
    expect(Upload.all).toHaveLength(4);
    expect(Upload.all[0]?.url).toMatch(/\?name=photo\+0\.jpg&size=3$/);
    Upload.all[1]?.ends(201);
    await settled();
    expect(Upload.all).toHaveLength(5);
    for (const upload of Upload.all) upload.ends(201);
    await settled();
    await settled();
    expect(Upload.all).toHaveLength(6);
    Upload.all[5]?.ends(201);
    await settled();
    expect(files.uploads).toEqual([]);
    // The places are free again.
    files.bring(Array.from({ length: 5 }, (_, at) => file(`x${at}`)));
    expect(Upload.all).toHaveLength(10);
  });
  test('how far each is', () => {
    const files = new SessionFiles('ses_a');
    files.bring([file('a'), file('b')]);
    Upload.all[0]?.upload.onprogress({ loaded: 2, total: 3 });
    Upload.all[1]?.upload.onprogress({ loaded: 0, total: 0 });
    expect(names(files)).toEqual([
      ['a', 66, null],
      ['b', 100, null],
    ]);
  });
  // biome-ignore format: a table
  test.each<[string, number, boolean]>([
    ['a.odt', maxTransferBytes, true], ['a.odt', maxTransferBytes + 1, false], ['a/b', 1, false], ['..', 1, false],
    [`${'é'.repeat(116)}.odt`, 1, true], [`${'é'.repeat(117)}.odt`, 1, false], ['e\u0301'.repeat(116), 1, true], ['photo 😀.jpg', 1, true],
  ])('%s of %i bytes: %s', (name, size, taken) => {
    const files = new SessionFiles('ses_a');
    files.bring([file(name, size), file('fine')]);
    expect([Upload.all.length, files.problem === null]).toEqual([taken ? 2 : 1, taken]);
  });
  test('a refusal is told in its words and stays until it is dismissed; a lost connection too', async () => {
    const files = new SessionFiles('ses_a');
    files.bring([file('a'), file('b'), file('c')]);
    Upload.all[0]?.ends(413, '<html>');
    Upload.all[1]?.onerror();
    Upload.all[2]?.ends(201);
    await settled();
    expect(files.uploads.map(({ name }) => name)).toEqual(['a', 'b']);
    const [first, second] = files.uploads;
    expect(first?.problem).not.toBe(second?.problem);
    if (first !== undefined) files.dismiss(first);
    expect(files.uploads.map(({ name }) => name)).toEqual(['b']);
  });
});

describe('taking files', () => {
  test('what was asked for here is saved once it is there, and only once', async () => {
    const files = new SessionFiles('ses_a');
    exchange.transfers = [transfer('trf_1', 'asked'), transfer('trf_9', 'here')];
    await files.take({ kind: 'file', name: 'a.odt', changedAt: 1, bytes: 1 });
    expect(asked.map(({ body }) => body)).toEqual([{ kind: 'file', name: 'a.odt' }]);
    expect(saved).toEqual([]);
    exchange.transfers = [transfer('trf_1', 'here'), transfer('trf_9', 'here')];
    await files.refresh();
    await files.refresh();
    expect(saved.map(({ href, download }) => [href.endsWith('trf_1'), download])).toEqual([
      [true, 'trf_1.odt'],
    ]);
  });
  test('a refusal is told, and forgotten with the next', async () => {
    const files = new SessionFiles('ses_a');
    refusal = 'FILE_GONE';
    await files.take({ kind: 'file', name: 'a', changedAt: 1, bytes: 1 });
    expect(files.problem).not.toBeNull();
    refusal = null;
    await files.take({ kind: 'file', name: 'a', changedAt: 1, bytes: 1 });
    expect(files.problem).toBeNull();
  });
});

describe('printed pages', () => {
  test('are fetched without a click, once each; printed again, again', async () => {
    const files = new SessionFiles('ses_a');
    exchange.offered = [page('un.pdf'), { ...page('x'), kind: 'file' }];
    await files.refresh();
    await files.refresh();
    exchange.offered = [page('un.pdf', 2)];
    await files.refresh();
    expect(asked.map(({ body }) => body)).toEqual([
      { kind: 'print', name: 'un.pdf' },
      { kind: 'print', name: 'un.pdf' },
    ]);
    refusal = 'FILE_GONE';
    exchange.offered = [page('deux.pdf')];
    await files.refresh();
    expect([files.pagesProblem === null, files.problem]).toEqual([false, null]);
  });
  test('are shown until they were looked at, also after a reload', async () => {
    const all = [
      transfer('trf_1', 'here', 'print'),
      transfer('trf_2', 'failed', 'print'),
      transfer('trf_3', 'done', 'print'),
      transfer('trf_4', 'here'),
    ];
    exchange.transfers = all;
    const files = new SessionFiles('ses_a');
    await files.refresh();
    expect(files.pages.map(({ id }) => id)).toEqual(['trf_1', 'trf_2']);
    const [first] = files.pages;
    if (first !== undefined) files.lookedAt(first);
    expect(files.pages.map(({ id }) => id)).toEqual(['trf_2']);
    const reloaded = new SessionFiles('ses_a');
    await reloaded.refresh();
    expect(reloaded.pages.map(({ id }) => id)).toEqual(['trf_2']);
  });
});
