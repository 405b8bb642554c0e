/** Cleans the text in what a machine sends, before its schema is checked. A package list, an
 * installer's log or a name may hold any byte after a power cut: one of them must not make the whole
 * report refused, now and at every later try. Pure. */

/** Members that may have several lines; every other text is one line. */
const ofSeveralLines: ReadonlySet<string> = new Set(['log', 'message']);

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const escapes = /\u001b(\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(\u0007|\u001b\\)?)?/g;
const unwanted = new RegExp(
  '[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]|' +
    '[\\ud800-\\udbff](?![\\udc00-\\udfff])|(?<![\\ud800-\\udbff])[\\udc00-\\udfff]',
  'g',
);

/** What `Line` accepts, as long as it is not too long; `?` when nothing is left. */
const oneLine = (text: string): string => {
  const clean = text
    .replace(/[\t\n\u0085]+/g, ' ')
    .replace(unwanted, '')
    .replace(/\.\.(?=[\\/])/g, '…')
    .trimStart();
  return clean === '' && text !== '' ? '?' : clean;
};

const clean = (text: string, mayBreak: boolean): string => {
  const plain = text.replace(escapes, '').replace(/\r\n?/g, '\n');
  return mayBreak ? plain.replace(unwanted, '') : oneLine(plain);
};

/** A copy without control characters, escape sequences, text-direction overrides and halves of
 * surrogate pairs; text that needs no cleaning stays as it is. */
export function cleanMachineText(value: unknown, name = ''): unknown {
  if (typeof value === 'string') return clean(value, ofSeveralLines.has(name));
  if (Array.isArray(value)) return value.map((item) => cleanMachineText(item, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, cleanMachineText(item, key)]),
  );
}

/** Whether some text holds a NUL: no database column takes one, and no person types one. */
export function holdsNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\u0000');
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, item]) => key.includes('\u0000') || holdsNul(item));
}
