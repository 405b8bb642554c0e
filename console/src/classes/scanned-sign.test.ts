import { expect, test } from 'vitest';
import { scannedSign } from './scanned-sign.ts';

test('what an American scanner means, whatever letters the keyboard makes of it', () => {
  const cases: [code: string, shift: boolean, sign: string | null][] = [
    ['KeyQ', false, 'q'],
    ['KeyQ', true, 'Q'],
    ['Digit1', false, '1'],
    ['Numpad7', false, '7'],
    ['Digit1', true, null],
    ['Minus', false, '-'],
    ['Minus', true, '_'],
    ['Period', false, '.'],
    ['NumpadDecimal', false, '.'],
    ['Enter', false, null],
    ['ShiftLeft', true, null],
    ['Semicolon', false, null],
  ];
  for (const [code, shift, sign] of cases)
    expect([code, shift, scannedSign(code, shift)]).toEqual([code, shift, sign]);
});
