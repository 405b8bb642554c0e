/** Faults of a page: axe's violations and excess width. For tests in Chromium. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

export interface Violation {
  id: string;
  impact: string;
  nodes: { html: string }[];
}

/** A page comes in parts, its heading with the last: before that there is nothing to judge. Without
 * a heading axe says so itself. */
export async function axeViolations(page: Page): Promise<Violation[]> {
  await page
    .locator('h1')
    .first()
    .waitFor({ timeout: 5000 })
    .catch(() => undefined);
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(axe.source);
  return (
    (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as {
      violations: Violation[];
    }
  ).violations;
}

export const isTooWide = async (page: Page): Promise<boolean> =>
  (await page.evaluate('document.documentElement.scrollWidth > innerWidth')) === true;

/** A desktop screen, and a tablet. */
export const sizes = [
  [1280, 800],
  [768, 1024],
] as const;

/** The faults at both sizes; the page keeps the tablet's size. `look`: further checks, or
 * screenshots, at each width. */
export async function pageFaults(
  page: Page,
  label = '',
  look: (width: number) => Promise<readonly string[]> = async () => [],
): Promise<string[]> {
  const found: string[] = [];
  for (const [width, height] of sizes) {
    await page.setViewportSize({ width, height });
    found.push(
      ...(await axeViolations(page)).map(
        ({ id, nodes }) => `${label}${width} ${id}: ${nodes[0]?.html ?? ''}`,
      ),
    );
    if (await isTooWide(page)) found.push(`${label}${width}: the page is wider than the screen`);
    found.push(...(await look(width)).map((fault) => `${label}${width} ${fault}`));
  }
  return found;
}
