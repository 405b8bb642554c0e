import { describe, expect, test } from 'vitest';
import { fitTunnelSize, isTunnelSize } from './session.ts';

describe('the size of a display', () => {
  test.each([
    [1920, 1080, '1920×1080'],
    [3840, 2160, '3840×2160'],
    [2160, 3840, '2160×3840'],
    [5120, 2880, '3840×2160'],
    [5120, 1440, '3840×1080'],
    [3840, 2400, '3642×2276'],
    [8192, 8192, '2880×2880'],
    [4000, 100, '3840×200'],
    [10, 10, '200×200'],
  ])('for a screen of %i×%i is %s', (width, height, fit) => {
    const size = fitTunnelSize(width, height);
    expect(`${size.width}×${size.height}`).toBe(fit);
    expect(isTunnelSize(size.width, size.height)).toBe(true);
  });
  test.each([
    [3841, 2160],
    [3840, 2161],
    [8192, 8192],
    [199, 600],
    [Number.NaN, 600],
  ])('is never %i×%i', (width, height) => expect(isTunnelSize(width, height)).toBe(false));
});
