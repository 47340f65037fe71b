import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { SiteState } from '#protocol/api.ts';
import { buildCockpit } from '../build.mjs';
import { launchBrowser, openPage, type WatchedPage } from './browser.ts';
import { FakeSite } from './fake-site.ts';
import { cameraOf, cameraStateOf, resultOf, siteOf } from './fixtures.ts';

export type CockpitBench = {
  /** The backend of the running test; made anew for each. */
  readonly site: () => FakeSite;
  /** Opens the page in a browser of its own memory. */
  readonly open: (options?: BrowserContextOptions) => Promise<WatchedPage>;
};

/** Sets up, for the tests of one file, the built page, a Chromium and a fresh fake backend per test. */
export function cockpitBench(options: { readonly token?: string } = {}): CockpitBench {
  let browser: Browser;
  let pageFolder: string;
  let site: FakeSite;
  const opened: WatchedPage[] = [];

  beforeAll(async () => {
    pageFolder = (await buildCockpit()).output;
    browser = await launchBrowser();
  });
  beforeEach(async () => {
    site = new FakeSite({ pageFolder, ...options });
    site.site = presentSite();
    await site.start();
  });
  afterEach(async () => {
    for (const { close } of opened.splice(0)) await close();
    await site.stop();
  });
  afterAll(() => browser.close());

  return {
    site: () => site,
    open: async (contextOptions) => {
      const watched = await openPage(browser, contextOptions);
      opened.push(watched);
      await watched.page.goto(site.url);
      await watched.page.locator('h1').waitFor();
      return watched;
    },
  };
}

/** A moment so many milliseconds ago, as the API writes it. */
export function agoTime(agoMs: number): string {
  return new Date(Date.now() - agoMs).toISOString();
}

/** A site that runs well at this very moment. */
export function presentSite(change: Partial<SiteState> = {}): SiteState {
  const camera = cameraOf({
    state: cameraStateOf({ since: agoTime(60_000) }),
    result: resultOf({ frameTime: agoTime(500) }),
  });
  return siteOf({ time: agoTime(0), cameras: [camera], ...change });
}
