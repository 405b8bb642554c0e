/** Synchronises the person's clipboard with the application's, as far as a rule allows. Browsers
 * ask for permission once; without it, or without browser support, the person types instead. */
import type { Ticket } from '@preau/contract/session.ts';
import Guacamole from 'guacamole-common-js';

/** The gateway's limit. */
const maxBytes = 262_144;

/** Returns a function that disconnects them. Text copied elsewhere is sent when the page regains
 * focus. */
export function joinClipboards(client: Guacamole.Client, flow: Ticket['clipboard']): () => void {
  // The last text transferred in either direction: it is not sent back.
  let last = '';
  if (flow === 'out' || flow === 'both') {
    client.onclipboard = (stream, mimetype) => {
      const reader = new Guacamole.StringReader(stream);
      let text = '';
      reader.ontext = (part) => {
        text += part;
      };
      reader.onend = () => {
        if (mimetype !== 'text/plain' || text === '' || text === last) return;
        last = text;
        navigator.clipboard?.writeText(text).catch(() => undefined);
      };
    };
  }
  if (flow !== 'in' && flow !== 'both') return () => undefined;
  const bring = async () => {
    const text = (await navigator.clipboard?.readText().catch(() => '')) ?? '';
    const bytes = new TextEncoder().encode(text);
    if (text === '' || text === last || bytes.length > maxBytes) return;
    last = text;
    const writer = new Guacamole.ArrayBufferWriter(client.createClipboardStream('text/plain'));
    writer.sendData(bytes.buffer);
    writer.sendEnd();
  };
  const onFocus = () => void bring();
  addEventListener('focus', onFocus);
  onFocus();
  return () => removeEventListener('focus', onFocus);
}
