/** Prints how busy the page keeps its main thread while every camera of a site answers ten times a second: `node cockpit/testing/measure-page.ts [CAMERAS]`. */
import { setTimeout as delay } from 'node:timers/promises';
import { buildCockpit } from '../build.mjs';
import { launchBrowser, openPage } from './browser.ts';
import { FakeSite } from './fake-site.ts';
import { linesOf, manyCameras } from './many-cameras.ts';

const ANSWERS_PER_SECOND = 10;
const SECONDS = 10;
/** Events of the backend: more answers than this within one are sent one after the other, as it does. */
const BATCH_MS = 50;
/** The state of the site is told once a second, whatever changes. */
const STATE_MS = 1000;

const cameras = Number(process.argv[2] ?? 20);
const site = new FakeSite({ pageFolder: (await buildCockpit()).output });
site.site = manyCameras(cameras, { nowMs: Date.now(), hasGroups: true });
site.records.lines = linesOf(site.site);
await site.start();
const browser = await launchBrowser();
const { page } = await openPage(browser, { viewport: { width: 1440, height: 900 } });
await page.goto(site.url);
await page.locator('h1').waitFor();
const session = await page.context().newCDPSession(page);
await session.send('Performance.enable');

/** Time that the main thread has worked, s. */
async function worked(): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration')!.value;
}

/** Has all cameras answer for a while. @returns answers sent, and the share of the time that the main thread worked */
async function measure(seconds: number): Promise<{ readonly sent: number; readonly share: number }> {
  const [beginMs, before] = [performance.now(), await worked()];
  let sent = 0;
  let statesMs = beginMs;
  while (performance.now() < beginMs + seconds * 1000) {
    const due = ((performance.now() - beginMs) / 1000) * cameras * ANSWERS_PER_SECOND;
    for (; sent < due; sent++) {
      const { result } = site.site.cameras[sent % cameras]!;
      const frameTime = new Date().toISOString();
      if (result !== null) site.sendResult({ ...result, frameTime, sequence: result.sequence + sent });
    }
    if (performance.now() - statesMs > STATE_MS) {
      site.setState({ ...site.site, time: new Date().toISOString() });
      statesMs += STATE_MS;
    }
    await delay(BATCH_MS);
  }
  const elapsed = (performance.now() - beginMs) / 1000;
  return { sent, share: ((await worked()) - before) / elapsed };
}

await measure(3);
const { sent, share } = await measure(SECONDS);
console.log(
  `${cameras} cameras, ${(sent / SECONDS).toFixed(0)} answers a second: ${(share * 100).toFixed(1)} %`,
);
await browser.close();
await site.stop();
