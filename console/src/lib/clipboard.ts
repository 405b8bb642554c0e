/** The person's clipboard and the application's, as far as a rule lets text flow between them.
 * Browsers ask the person once; who says no, or whose browser has no such thing, types instead. */
import type { Ticket } from '@preau/contract/session.ts';
import Guacamole from 'guacamole-common-js';

/** As much as the gateway takes. */
const maxBytes = 262_144;

/** Returns how to part them. What was copied elsewhere goes in when the page is come back to. */
export function joinClipboards(client: Guacamole.Client, flow: Ticket['clipboard']): () => void {
  // The last text that went one way or the other: it is not sent back.
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
