import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { setRole } from '../backend/people/accounts.ts';
import { ApiBench, PASSWORD } from '../backend/testing/api-bench.ts';
import { buildCockpit } from './build.mjs';
import { launchBrowser, openPage, type WatchedPage } from './testing/browser.ts';

let browser: Browser;
let pageDirectory: string;
let bench: ApiBench;
let watched: WatchedPage;
beforeAll(async () => {
  pageDirectory = (await buildCockpit()).output;
  browser = await launchBrowser();
});
afterAll(() => browser.close());
afterEach(async () => {
  await watched.close();
  await bench.close();
});

async function open(token: string | null = null): Promise<WatchedPage['page']> {
  bench = await ApiBench.start({ pageDirectory, token });
  await bench.add('anna', 'owner');
  watched = await openPage(browser);
  await watched.page.goto(bench.url);
  return watched.page;
}

describe('the page of a site with accounts', () => {
  it('asks for name and password, says who is logged in, and logs out', async () => {
    const page = await open();
    await page.getByLabel('Name').fill('anna');
    await page.getByLabel('Password').fill('something else');
    await page.keyboard.press('Enter');
    await page.getByText('Name and password do not belong together.').waitFor();
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Open the cockpit' }).click();
    await page.getByText('anna owner').waitFor();
    await page.setViewportSize({ width: 360, height: 700 });
    const fits = () => document.documentElement.scrollWidth <= innerWidth;
    expect(await page.evaluate(fits)).toBe(true);
    const title = await page.locator('.site-title').boundingBox();
    expect(title?.height).toBeLessThan(80);
    const kept = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]),
    );
    expect(kept).not.toContain(PASSWORD);
    expect(kept).not.toContain('blindsight=');
    await page.reload();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Name').waitFor();
    await page.reload();
    await page.getByLabel('Name').waitFor();
    expect(watched.complaints.filter((text) => !text.includes('401'))).toEqual([]);
  });

  it('is locked as soon as the person who looks at it has another role', async () => {
    const page = await open();
    await page.getByLabel('Name').fill('anna');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByText('anna owner').waitFor();
    await setRole(bench.site, 'anna', 'viewer');
    await page.getByLabel('Name').waitFor();
    await page.getByLabel('Name').fill('anna');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByText('anna viewer').waitFor();
  });

  it('takes the token of the site, too, where there is one', async () => {
    const page = await open('a-long-token-for-tests');
    await page.getByRole('button', { name: 'Log in with the token of the site' }).click();
    await page.getByLabel('Token').fill('a-long-token-for-tests');
    await page.keyboard.press('Enter');
    await page.getByText('Token of the site owner').waitFor();
  });
});
