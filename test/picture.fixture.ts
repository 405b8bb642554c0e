/** What the picture of an open program shows. */
import type { Page } from 'playwright-core';

/** How many different colours it has: a program's picture is not plain. */
export const coloursOf = async (page: Page): Promise<number> =>
  Number(
    await page.evaluate(`(() => {
      const colours = new Set();
      for (const canvas of document.querySelectorAll('.screen canvas')) {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const pixels = new Uint32Array(data.buffer);
        for (let at = 0; at < pixels.length; at += 97) colours.add(pixels[at]);
      }
      return colours.size;
    })()`),
  );
