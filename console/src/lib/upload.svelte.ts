/** Uploads a recipe's file to the city: the hash is computed here, piece by piece, and checked
 * there during the upload. A file the city already has is not sent again. */

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { PackageFile } from '@preau/contract/application.ts';
import type { UploadedPackage } from '@preau/contract/catalogue.ts';
import { errors } from '@preau/contract/errors.ts';
import { withoutAccents } from '@preau/contract/fold.ts';
import { pathOf, routeTable } from '@preau/contract/route-table.ts';
import { answerFrom, call, Refused, refusedBy, sentence } from './api.ts';
import { page } from './page.svelte.ts';

const pieceBytes = 4 * 1024 * 1024;
/** The file's name reduced to what a recipe allows. */
const packageNameOf = (name: string): string =>
  withoutAccents(name)
    .replace(/[^A-Za-z0-9._+~-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 120) || 'fichier';

class Stopped extends Error {}

export class PackageUpload {
  step = $state<'idle' | 'reading' | 'sending' | 'done' | 'failed'>('idle');
  name = $state('');
  size = $state(0);
  /** Progress of the current step. */
  percent = $state(0);
  problem = $state<string | null>(null);
  #stopped = false;
  #request: XMLHttpRequest | null = null;

  stop(): void {
    this.#stopped = true;
    this.#request?.abort();
  }

  /** Null when it was stopped or refused: `problem` says which. */
  async send(file: File): Promise<PackageFile | null> {
    this.name = packageNameOf(file.name);
    this.size = file.size;
    this.problem = null;
    this.percent = 0;
    this.step = 'reading';
    this.#stopped = false;
    try {
      const hash = await this.#hash(file);
      const known = (await call('listPackages')).items.find((one) => one.sha256 === hash);
      this.#goOn();
      if (known === undefined) {
        this.step = 'sending';
        this.percent = 0;
        await this.#transfer(file, hash);
      }
      this.step = 'done';
      return { name: known?.name ?? this.name, sha256: hash, size: file.size };
    } catch (error) {
      this.step = error instanceof Stopped ? 'idle' : 'failed';
      this.problem =
        error instanceof Stopped
          ? null
          : error instanceof DOMException
            ? errors.UPLOAD_REFUSED[page.language]
            : sentence(error);
      return null;
    }
  }

  #goOn(): void {
    if (this.#stopped) throw new Stopped();
  }

  async #hash(file: File): Promise<string> {
    const hash = sha256.create();
    for (let at = 0; at < file.size; at += pieceBytes) {
      hash.update(new Uint8Array(await file.slice(at, at + pieceBytes).arrayBuffer()));
      this.percent = Math.floor((Math.min(at + pieceBytes, file.size) / file.size) * 100);
      this.#goOn();
    }
    return bytesToHex(hash.digest());
  }

  /** XMLHttpRequest, because fetch reports no upload progress. */
  #transfer(file: File, hash: string): Promise<UploadedPackage> {
    const request = new XMLHttpRequest();
    this.#request = request;
    return new Promise((resolve, reject) => {
      request.upload.onprogress = ({ loaded, total }) => {
        this.percent = total === 0 ? 100 : Math.floor((loaded / total) * 100);
      };
      request.onload = () =>
        request.status === 201
          ? resolve(JSON.parse(request.responseText) as UploadedPackage)
          : reject(refusedBy(answerFrom(request.status, request.responseText)));
      // Also runs when the city refuses early and closes the connection.
      request.onerror = () => reject(new Refused('UPLOAD_REFUSED', errors.UPLOAD_REFUSED, {}));
      request.onabort = () => reject(new Stopped());
      request.open(
        'POST',
        `${pathOf(routeTable.uploadPackage)}?` +
          `${new URLSearchParams({ name: this.name, sha256: hash, size: String(file.size) })}`,
      );
      request.setRequestHeader('content-type', 'application/octet-stream');
      request.send(file);
    });
  }
}
