/** A scanner acts as an American keyboard; with a French layout, other letters arrive. The physical
 * key tells which character was meant: `code` as browsers name it. Null for keys that write
 * nothing. */
export function scannedSign(code: string, shift: boolean): string | null {
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  if (letter !== undefined) return shift ? letter : letter.toLowerCase();
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(code)?.[1];
  if (digit !== undefined) return shift ? null : digit;
  if (code === 'Minus') return shift ? '_' : '-';
  if (code === 'NumpadSubtract') return '-';
  return code === 'Period' || code === 'NumpadDecimal' ? '.' : null;
}
