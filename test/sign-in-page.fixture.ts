/** Signs in with a name and a password in Chromium, and waits for the page behind it. */
import type { Page } from 'playwright-core';

export async function signInPage(
  on: Page,
  city: { url: string; password: string },
  login: string,
  path: string,
): Promise<void> {
  await on.goto(`${city.url}${path}`);
  await on.fill('input[name=login]', login);
  await on.fill('input[name=password]', city.password);
  await on.keyboard.press('Enter');
  await on.waitForSelector('header .who');
}
