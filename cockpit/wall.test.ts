import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { AlertView } from '#protocol/alert.ts';
import { agoTime, cockpitBench } from './testing/cockpit-bench.ts';
import { resultOf } from './testing/fixtures.ts';
import { deadState, linesOf, manyCameras, withCameras } from './testing/many-cameras.ts';
import { until } from './testing/until.ts';

const bench = cockpitBench();
const ALERT: AlertView = {
  ...{ id: 3, rule: 'night', severity: 'critical', title: 'Someone at South gate', message: 'for 10 s' },
  subject: { kind: 'camera', name: 'cam-02' },
  ...{ raised: agoTime(240_000), ended: null, acknowledged: null, times: 2 },
};

/** A site where one camera is dead. */
function needySite(count: number) {
  const nowMs = Date.now();
  const well = manyCameras(count, { nowMs, hasGroups: true });
  const site = withCameras(well, { 8: { state: deadState('cam-09', nowMs) } });
  bench.site().records.lines = linesOf(site);
  return site;
}

const names = (page: Page) => page.locator('.tile h3').allTextContents();

describe('a wall of sixty cameras', () => {
  it('begins with whatever needs somebody, also in the tab, and finds the others', async () => {
    const site = needySite(60);
    bench.site().site = { ...site, alerts: { open: [ALERT], count: 1 } };
    const { page, complaints, requests } = await bench.open();
    await page.locator('.tile').nth(59).waitFor();
    await expect.poll(() => page.locator('.headline').textContent()).toBe('2 need youSomeone at South gate');
    await expect.poll(() => page.title()).toBe('(2) Someone at South gate · old-town');
    expect((await names(page))[0]).toBe('North gate 2');
    await expect.poll(() => page.locator('.tile').first().textContent()).toMatch(/^North gate 2Unreachable/);
    // A status, an answer and since when; nothing of an hour of answers of each.
    await expect
      .poll(() => page.locator('.tile', { hasText: 'South gate 8' }).textContent())
      .toMatch(/^South gate 8WatchingPerson?.*since \d\d:\d\d/);
    expect(requests.filter((address) => address.includes('/history'))).toEqual([]);
    await page.getByLabel('Only those that need you').check();
    await expect.poll(() => names(page)).toEqual(['North gate 2']);
    await page.getByLabel('Only those that need you').uncheck();
    await page.getByLabel('Search the cameras').fill('bridge platforms');
    await page.getByText('2 of 60').waitFor();
    await page.getByRole('link', { name: 'Bridge 3', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Bridge 3' }).waitFor();
    await until(
      async () => requests.filter((address) => address.includes('/history')).length,
      (count) => count === 1,
    );
    expect(complaints).toEqual([]);
  });

  it('keeps both of two changes that come before it draws again', async () => {
    bench.site().site = needySite(60);
    const { page } = await bench.open();
    await page.locator('.tile').nth(59).waitFor();
    await page.getByLabel('Only those that need you').check();
    await expect.poll(() => names(page)).toEqual(['North gate 2']);
    await page.evaluate(() => {
      document.querySelector<HTMLInputElement>('.fleet-needy input')!.click();
      const search = document.querySelector<HTMLInputElement>('.fleet-search')!;
      search.value = 'bridge platforms';
      search.dispatchEvent(new Event('input', { bubbles: true }));
    });
    await page.getByText('2 of 60').waitFor();
  });

  it('draws no tile anew that says the same', async () => {
    bench.site().site = needySite(20);
    const { page } = await bench.open();
    await page.locator('.spark path').nth(19).waitFor({ state: 'attached' });
    await until(
      async () => bench.site().listeners,
      (count) => count === 1,
    );
    await page.evaluate(() => {
      const changes: string[] = [];
      new MutationObserver((records) => {
        for (const { target } of records) {
          const element = target instanceof Element ? target : target.parentElement;
          changes.push(element?.closest('.tile')?.querySelector('h3')?.textContent ?? 'elsewhere');
        }
      }).observe(document.querySelector('.wall')!, {
        subtree: true,
        childList: true,
        characterData: true,
        attributes: true,
      });
      Object.assign(window, { changes });
    });
    for (const { camera } of bench.site().site.cameras.filter((_, index) => index % 3 !== 2))
      bench.site().sendResult(resultOf({ camera, label: 'empty', frameTime: agoTime(0), sequence: 5000 }));
    const next = resultOf({ camera: 'cam-01', label: 'person', frameTime: agoTime(0), sequence: 5001 });
    bench.site().sendResult(next);
    const tile = page.locator('.tile', { has: page.getByText('North gate', { exact: true }) });
    await tile.getByText('Person').waitFor();
    const changes = await page.evaluate(() => (window as unknown as { changes: string[] }).changes);
    // Those that saw somebody until now, and the one that does now.
    expect(new Set(changes)).toEqual(new Set(['North gate', 'South gate', 'South gate 2', 'Depot 2']));
  });

  it('says of nothing that it is well while the backend is away', async () => {
    bench.site().site = needySite(12);
    const { page } = await bench.open();
    await page.locator('.tile.tone-good').first().waitFor();
    await until(
      async () => bench.site().listeners,
      (count) => count === 1,
    );
    await bench.site().stop();
    await page.getByText('No word from the backend').waitFor();
    await expect
      .poll(() => page.locator('.chip.tone-good, .tile.tone-good, .headline.tone-good').count())
      .toBe(0);
    await expect.poll(() => page.locator('link[rel=icon]').getAttribute('href')).toContain('eye-bad');
  });
});

describe('the language', () => {
  it('is that of the browser, can be switched, and is kept', async () => {
    bench.site().site = needySite(12);
    const { page } = await bench.open({ locale: 'de-AT' });
    await page.getByText('North gate 2: Nicht erreichbar').waitFor();
    await expect.poll(() => page.locator('html').getAttribute('lang')).toBe('de');
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByText('North gate 2: Unreachable').waitFor();
    await page.reload();
    await page.getByText('North gate 2: Unreachable').waitFor();
    await expect.poll(() => page.locator('html').getAttribute('lang')).toBe('en');
  });
});

describe('the inbox', () => {
  it('is a click away from the cameras, and takes what somebody acknowledges', async () => {
    const site = bench.site();
    site.site = { ...needySite(6), alerts: { open: [ALERT], count: 1 } };
    const { page, complaints } = await bench.open();
    await page.getByRole('link', { name: 'Someone at South gate' }).click();
    const line = page.getByRole('listitem').filter({ hasText: 'Someone at South gate' });
    await expect
      .poll(() => line.textContent())
      .toMatch(/Critical.*South gate.*for 10 s · since .* · 2 times · rule night/);
    await page.getByRole('button', { name: 'Acknowledge: Someone at South gate' }).click();
    await until(
      async () => site.records.told,
      (told) => told.length === 1,
    );
    expect(site.records.told[0]?.slice(0, 2)).toEqual(['POST', '/api/alerts/3/acknowledge']);
    const acknowledged = { by: 'ann', at: agoTime(0) };
    site.setState({ ...site.site, alerts: { open: [{ ...ALERT, acknowledged }], count: 1 } });
    await line.getByText('acknowledged by ann').waitFor();
    site.records.alerts = [{ ...ALERT, acknowledged, ended: agoTime(0) }];
    site.setState({ ...site.site, alerts: { open: [], count: 0 } });
    await page.getByText('No open alert.').waitFor();
    await page.getByLabel('All', { exact: true }).check();
    await page.getByText('acknowledged by ann').waitFor();
    expect(complaints).toEqual([]);
  });

  it('offers a viewer nothing to acknowledge', async () => {
    bench.site().role = 'viewer';
    bench.site().site = { ...needySite(6), alerts: { open: [ALERT], count: 1 } };
    const { page } = await bench.open();
    await page.getByRole('link', { name: /^Alerts/ }).click();
    await page.getByText('Someone at South gate').last().waitFor();
    await expect.poll(() => page.getByRole('button', { name: /Acknowledge/ }).count()).toBe(0);
    await expect.poll(() => page.getByRole('link', { name: 'Journal' }).count()).toBe(0);
  });
});
