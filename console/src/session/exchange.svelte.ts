/** The files exchanged between this device and the school in a session, as the panel shows them:
 * those offered and those being transferred. */

import { errors } from '@preau/contract/errors.ts';
import {
  type Exchange,
  fileNamePattern,
  maxTransferBytes,
  type OfferedFile,
  type Transfer,
} from '@preau/contract/exchange.ts';
import { pathOf, routeTable } from '@preau/contract/route-table.ts';
import { answerFrom, call, refusedBy, sentence } from '../lib/api.ts';
import { page } from '../lib/page.svelte.ts';
import { sessionWords } from './messages.ts';

/** A file that this page is uploading, or failed to upload. */
export interface Upload {
  key: number;
  name: string;
  percent: number;
  problem: string | null;
  stop: () => void;
}

const sendAtOnce = 4;
/** Survives a reload of the page, so that printed pages are not offered twice. */
const seenKey = 'preau-pages-seen';
const seenPages = (): Set<string> => new Set((sessionStorage.getItem(seenKey) ?? '').split(' '));
const isFileName = new RegExp(fileNamePattern, 'u');
export const contentOf = (transfer: Pick<Transfer, 'id'>): string =>
  pathOf(routeTable.takeFile, { id: transfer.id });

export class SessionFiles {
  readonly sessionId: string;
  exchange = $state<Exchange>({ files: 'none', printing: false, offered: [], transfers: [] });
  uploads = $state<Upload[]>([]);
  problem = $state<string | null>(null);
  /** Requested pages not viewed yet, including those that failed. */
  pages = $state<Transfer[]>([]);
  pagesProblem = $state<string | null>(null);
  /** Requested by a click here: saved as soon as they arrive. */
  readonly #awaited = new Set<string>();
  readonly #asked = new Set<string>();
  readonly #waiting: (() => Promise<void>)[] = [];
  #senders = 0;
  #count = 0;

  constructor(sessionId: string) {
    this.sessionId = sessionId;
  }

  async refresh(): Promise<void> {
    const exchange = await call('readExchange', { params: { id: this.sessionId } });
    this.exchange = exchange;
    for (const file of exchange.offered.filter(({ kind }) => kind === 'print'))
      await this.#fetchPages(file);
    for (const transfer of exchange.transfers) {
      if (transfer.state === 'here' && this.#awaited.delete(transfer.id)) save(transfer);
    }
    const seen = seenPages();
    this.pages = exchange.transfers.filter(
      (transfer) =>
        transfer.kind === 'print' && transfer.state !== 'done' && !seen.has(transfer.id),
    );
  }

  /** Printing implies wanting the pages: they are fetched without another click. */
  async #fetchPages({ kind, name, changedAt }: OfferedFile): Promise<void> {
    const key = `${name} ${changedAt}`;
    if (this.#asked.has(key)) return;
    this.#asked.add(key);
    await call('askForFile', { params: { id: this.sessionId }, body: { kind, name } }).catch(
      (error: unknown) => (this.pagesProblem = sentence(error)),
    );
  }

  lookedAt(transfer: Transfer): void {
    sessionStorage.setItem(seenKey, [...seenPages(), transfer.id].slice(-200).join(' '));
    this.pages = this.pages.filter(({ id }) => id !== transfer.id);
  }

  async take({ kind, name }: OfferedFile): Promise<void> {
    this.problem = null;
    try {
      const transfer = await call('askForFile', {
        params: { id: this.sessionId },
        body: { kind, name },
      });
      this.#awaited.add(transfer.id);
      await this.refresh();
    } catch (error) {
      this.problem = sentence(error);
    }
  }

  bring(files: readonly File[]): void {
    this.problem = null;
    for (const file of files) {
      const name = file.name.normalize('NFC');
      if (file.size > maxTransferBytes) this.problem = sessionWords().tooLarge(name);
      else if (!isFileName.test(name) || name.length > 120)
        this.problem = sessionWords().nameRefused(name);
      else this.#waiting.push(() => this.#send(file, name));
    }
    for (const _ of files) void this.#sendWaiting();
  }

  /** One of a few parallel senders: a whole folder of photographs is more than the city takes at
   * once. */
  async #sendWaiting(): Promise<void> {
    if (this.#senders >= sendAtOnce) return;
    this.#senders += 1;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      await next();
    this.#senders -= 1;
  }

  dismiss(upload: Upload): void {
    upload.stop();
    this.uploads = this.uploads.filter(({ key }) => key !== upload.key);
  }

  /** XMLHttpRequest, because fetch reports no upload progress. */
  #send(file: File, name: string): Promise<void> {
    const request = new XMLHttpRequest();
    this.#count += 1;
    const key = this.#count;
    this.uploads = [
      ...this.uploads,
      { key, name, percent: 0, problem: null, stop: () => request.abort() },
    ];
    const set = (part: Partial<Upload>) => {
      this.uploads = this.uploads.map((upload) =>
        upload.key === key ? { ...upload, ...part } : upload,
      );
    };
    return new Promise((resolve) => {
      request.upload.onprogress = ({ loaded, total }) =>
        set({ percent: total === 0 ? 100 : Math.floor((loaded / total) * 100) });
      request.onload = () => {
        if (request.status === 201)
          this.uploads = this.uploads.filter((upload) => upload.key !== key);
        else
          set({ problem: sentence(refusedBy(answerFrom(request.status, request.responseText))) });
        void this.refresh()
          .catch(() => undefined)
          .then(resolve);
      };
      // Also runs when the city refuses early and closes the connection.
      request.onerror = () => {
        set({ problem: errors.UPLOAD_REFUSED[page.language] });
        resolve();
      };
      request.onabort = () => {
        void this.refresh().catch(() => undefined);
        resolve();
      };
      request.open(
        'POST',
        `${pathOf(routeTable.bringFile, { id: this.sessionId })}?` +
          `${new URLSearchParams({ name, size: String(file.size) })}`,
      );
      request.setRequestHeader('content-type', 'application/octet-stream');
      request.send(file);
    });
  }
}

function save(transfer: Transfer): void {
  const link = document.createElement('a');
  link.href = contentOf(transfer);
  link.download = transfer.name;
  link.click();
}
