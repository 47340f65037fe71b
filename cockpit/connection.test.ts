import { describe, expect, it } from 'vitest';
import { agoTime, cockpitBench, presentSite } from './testing/cockpit-bench.ts';
import { cameraOf, resultOf } from './testing/fixtures.ts';

describe('while the backend goes and comes', () => {
  const bench = cockpitBench();

  it('says since when it is unreachable, keeps what it knew, and resumes by itself', async () => {
    const { page, complaints } = await bench.open();
    await page.getByText('Live').waitFor();
    await bench.site().stop();
    await page.getByText(/The backend has been unreachable since \d\d:\d\d:\d\d/).waitFor();
    await expect.poll(() => page.locator('.answer-label').textContent()).toBe('counter: Person');
    await expect.poll(() => page.getByRole('status').first().textContent()).toBe('Backend unreachable');

    complaints.length = 0;
    await bench.site().start();
    await page.getByText('Live').waitFor();
    await expect.poll(() => page.getByText(/The backend has been unreachable/).count()).toBe(0);
    bench.site().sendResult(resultOf({ label: 'empty', probability: 0.8, frameTime: agoTime(0) }));
    await page.getByText('80 %').first().waitFor();
    // While it was away Chromium itself complains of refused connections; the page must not.
    expect(complaints.filter((text) => !text.includes('ERR_CONNECTION_REFUSED'))).toEqual([]);
  });
});

describe('where the backend is down from the beginning', () => {
  const bench = cockpitBench();

  it('says so on an otherwise empty page, and opens by itself', async () => {
    bench.site().failing = true;
    const { page } = await bench.open();
    await page.getByText('The backend does not answer').waitFor();
    await expect.poll(() => page.locator('.card').count()).toBe(0);
    bench.site().failing = false;
    await page.locator('.answer-label').waitFor();
    await expect.poll(() => page.getByText('The backend does not answer').count()).toBe(0);
  });
});

describe('when the link dies without a word', () => {
  const bench = cockpitBench();

  it('asks after 45 s of silence', async () => {
    const { page, requests } = await bench.open();
    const asked = () => requests.filter((address) => address.endsWith('/api/state')).length;
    await page.getByText('Live').waitFor();
    const before = asked();
    await page.clock.install();
    await page.reload();
    await page.getByText('Live').waitFor();
    await page.clock.runFor(38_000);
    expect(asked()).toBe(before + 1);
    await page.clock.runFor(10_000);
    await expect.poll(asked).toBe(before + 2);
  });
});

describe('the time line after a break', () => {
  const bench = cockpitBench();

  it('is fetched again where answers came or were withheld meanwhile, and only there', async () => {
    const frameTime = agoTime(2000);
    const other = cameraOf({ camera: 'quay', result: resultOf({ camera: 'quay', frameTime }) });
    const cellar = cameraOf({ camera: 'cellar', result: null, withheld: 3 });
    const cameras = [cameraOf({ result: resultOf({ frameTime }) }), other, cellar];
    bench.site().site = presentSite({ cameras });
    const { page, requests } = await bench.open();
    const fetched = (camera: string) =>
      requests.filter((address) => address.includes(`/${camera}/history`)).length;
    const all = () => ['counter', 'quay', 'cellar'].map(fetched);
    await expect.poll(() => [...all(), bench.site().listeners]).toEqual([1, 1, 1, 1]);

    await bench.site().stop();
    await page.getByText(/The backend has been unreachable/).waitFor();
    bench.site().site = presentSite({
      cameras: [cameraOf({ result: resultOf({ frameTime: agoTime(0) }) }), other, { ...cellar, withheld: 4 }],
    });
    await bench.site().start();
    await expect.poll(() => bench.site().listeners).toBe(1);
    await expect.poll(all).toEqual([2, 1, 2]);
  });
});

describe('where a token is asked for', () => {
  const bench = cockpitBench({ token: 'correct horse' });

  it('lets in whoever has it, and remembers nothing of it', async () => {
    const { page, complaints, requests } = await bench.open();
    const field = page.getByLabel('Token');
    await field.fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('This is not the token of this site.').waitFor();
    await expect.poll(() => page.locator('.answer').count()).toBe(0);

    await field.fill('correct horse');
    await page.getByRole('button', { name: 'Open the cockpit' }).click();
    await page.locator('.answer-label').waitFor();

    const kept = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
    );
    expect(kept).not.toContain('correct');
    expect(requests.join()).not.toContain('correct');
    // Chromium notes each 401 by itself.
    expect(complaints.filter((text) => !text.includes('401'))).toEqual([]);

    await page.reload();
    await page.locator('.answer-label').waitFor();
  });

  it('asks again when the session ends, and shows nothing meanwhile', async () => {
    const { page } = await bench.open();
    await page.getByLabel('Token').fill('correct horse');
    await page.keyboard.press('Enter');
    await page.getByText('Live').waitFor();
    bench.site().endSessions();
    await page.getByLabel('Token').waitFor();
    await expect.poll(() => page.locator('.answer').count()).toBe(0);
  });
});
