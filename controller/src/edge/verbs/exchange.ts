import { maxTransferBytes } from '@preau/contract/exchange.ts';
import { encodeExtended } from 'content-disposition';
import {
  askForFile,
  bringFile,
  findTaken,
  noteTaken,
  readExchange,
} from '#src/sessions/exchange/exchange.ts';
import { transferFiles } from '#src/sessions/exchange/files.ts';
import { findBrought, receiveAsked } from '#src/sessions/exchange/serve.ts';
import type { StoredTransfer } from '#src/sessions/exchange/store.ts';
import type { Download, EdgeDeps, StreamVerbs, Verbs } from './verb.ts';

export const exchangeVerbs = {
  readExchange: (deps, actor, { params }, { address }) =>
    readExchange(deps, actor, params.id, address),
  askForFile: (deps, actor, { params, body }, { address }) =>
    askForFile(deps, actor, params.id, body, address),
} satisfies Partial<Verbs>;

/** Time for 200 MiB at 350 kB/s. */
const withinMs = 600_000;

export const exchangeStreams = {
  bringFile: {
    maxBytes: maxTransferBytes,
    // Enough for two classes at once; servers have their own places below.
    places: { most: 60, withinMs },
    receive: (deps, actor, { params, query }, { body, address }) =>
      bringFile(
        deps,
        actor,
        params.id,
        { name: query.name.normalize('NFC'), size: Number(query.size), body },
        address,
      ),
  },
  takeFile: {
    send: async (deps, actor, { params }) => {
      const transfer = await findTaken(deps, actor, params.id);
      await noteTaken(deps, actor, transfer);
      const name = `filename*=${encodeExtended(transfer.name)}`;
      // People's own files are downloaded, never displayed from our origin. Only printed pages are
      // displayed, by the browser's PDF viewer.
      return transfer.kind === 'print'
        ? { ...bytesOf(deps, transfer), type: 'application/pdf', disposition: `inline; ${name}` }
        : { ...bytesOf(deps, transfer), disposition: `attachment; ${name}` };
    },
  },
  readTransfer: {
    send: async (deps, actor, { params }) =>
      bytesOf(deps, await findBrought(deps, actor, params.id)),
  },
  sendTransfer: {
    maxBytes: maxTransferBytes,
    places: { most: 40, withinMs },
    receive: async (deps, actor, { params, query }, { body }) => {
      await receiveAsked(
        deps,
        actor,
        params.id,
        { sha256: query.sha256, size: Number(query.size) },
        body,
      );
      return null;
    },
  },
} satisfies Partial<StreamVerbs>;

const bytesOf = ({ config }: EdgeDeps, { id, bytes }: StoredTransfer): Download => ({
  size: bytes,
  read: (range) => transferFiles(config.PREAU_DATA).stream(id, range),
});
