/** Headless Chromium for tests, screenshots and benchmarks. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';

export interface OpenBrowser {
  context: BrowserContext;
  close: () => Promise<void>;
}

/** A browser with its own profile: to the controller, a separate device. */
export async function openBrowser(
  width = 1280,
  height = 800,
  locale = 'fr-FR',
  more: readonly string[] = [],
  executablePath = '/usr/bin/chromium',
): Promise<OpenBrowser> {
  const profile = mkdtempSync(join(tmpdir(), 'preau-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    viewport: { width, height },
    locale,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...more,
    ],
  });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
