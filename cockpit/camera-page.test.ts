import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '#protocol/recorded-event.ts';
import type { Rule } from '#protocol/rule.ts';
import { violations } from './testing/accessibility.ts';
import { agoTime, cockpitBench } from './testing/cockpit-bench.ts';
import { mapResultOf } from './testing/fixtures.ts';
import { hourOf } from './testing/hour.ts';
import { linesOf, manyCameras, withCameras } from './testing/many-cameras.ts';
import { until } from './testing/until.ts';

const bench = cockpitBench();
const EVENT: RecordedEvent = {
  ...{ id: 7, camera: 'cam-03', label: 'car', model: 'carpark', answers: 40, peak: 4, reviewed: null },
  ...{ start: agoTime(600_000), end: agoTime(500_000) },
};
const RULE: Rule = {
  ...{ name: 'night', enabled: true, severity: 'critical', coolDownSeconds: 300, notify: [] },
  when: { kind: 'answer', cameras: ['cam-03'], label: 'car', forSeconds: 10 },
};

/** A site whose third camera answers with a map, with one of everything. */
function fullSite() {
  const site = bench.site();
  const nowMs = Date.now();
  const zone = {
    name: 'entrance',
    corners: [
      [0, 0.3],
      [0.5, 0.3],
      [0.5, 0.6],
    ] as [number, number][],
  };
  const result = mapResultOf({ camera: 'cam-03', frameTime: agoTime(300) });
  site.site = withCameras(manyCameras(12, { nowMs }), { 2: { result, zones: [zone] } });
  site.records.lines = linesOf(site.site);
  site.records.events = [EVENT];
  site.records.rules = [{ ...RULE, changed: agoTime(0), author: 'ann' }];
  site.records.journal = [
    {
      ...{ id: 1, time: agoTime(60_000), level: 'warn', code: 'GATEWAY_OFFLINE', subject: 'mast-1' },
      message: 'gateway mast-1 went offline',
    },
  ];
  site.histories.set('cam-03', hourOf('cam-03', nowMs, 20_000));
  return site;
}

const told = (count: number) =>
  until(
    async () => bench.site().records.told,
    (list) => list.length === count,
  );

describe('the page of a camera', () => {
  it('shows longer spans, reviews an event, and names the camera', async () => {
    const site = fullSite();
    const { page, complaints, requests } = await bench.open();
    await page.goto(`${site.url}#/cameras/cam-03`);
    await page.getByRole('img', { name: /^Plan of Platform: 3 cars/ }).waitFor();
    await expect
      .poll(() => page.locator('.answer').textContent())
      .toMatch(/3 cars.*Since \d\d:\d\d · 14 today · 5.min each/);
    await page.getByLabel('24 h').check();
    await until(
      async () => requests.filter((address) => address.endsWith('cam-03/history?minutes=1440')).length,
      (count) => count === 1,
    );
    await expect
      .poll(() => page.getByRole('link', { name: 'Download as CSV' }).getAttribute('href'))
      .toMatch(
        /^api\/cameras\/cam-03\/export\?format=csv&by=minute&from=\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z$/,
      );
    await page.getByRole('button', { name: /^Mark as reviewed: Car, Platform/ }).click();
    await page.getByText('reviewed by ann').waitFor();
    await page.getByText('Name and groups').click();
    await page.getByLabel('Shown as').fill('Kiss and ride');
    await page.getByLabel('Groups, separated by commas').fill('North, Gates ,');
    const nextAnswer = mapResultOf({
      camera: 'cam-03',
      counts: { car: 5 },
      frameTime: agoTime(0),
      sequence: 2,
    });
    site.sendResult(nextAnswer);
    await page.locator('.answer', { hasText: '5 cars' }).waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    expect(site.records.told).toEqual([
      ['POST', '/api/recorded-events/7/review', undefined],
      ['PUT', '/api/cameras/cam-03', { displayName: 'Kiss and ride', groups: ['North', 'Gates'] }],
    ]);
    expect(complaints).toEqual([]);
  });

  it('draws a zone by keyboard and by pointer, and removes one when asked twice', async () => {
    const site = fullSite();
    const { page } = await bench.open({ viewport: { width: 1280, height: 1400 } });
    await page.goto(`${site.url}#/cameras/cam-03`);
    await page.getByRole('button', { name: 'Draw a zone' }).click();
    await page.getByRole('button', { name: 'Begin with a rectangle' }).click();
    await page.getByRole('button', { name: /^New zone, corner 1 at/ }).focus();
    await page.keyboard.press('ArrowLeft');
    await page.getByLabel('Name of the zone').fill('exit');
    await page.keyboard.press('Enter');
    const [[, , drawn]] = (await told(1)) as [[string, string, { name: string; corners: number[][] }]];
    expect(drawn.name).toBe('exit');
    expect(drawn.corners.slice(1)).toEqual([
      [0.7, 0.3],
      [0.7, 0.7],
      [0.3, 0.7],
    ]);
    expect(drawn.corners[0]![0]).toBeLessThan(0.3);

    await page.getByRole('button', { name: 'Draw a zone' }).click();
    const frame = page.getByRole('group', { name: 'Plan of Platform, to draw on' });
    await frame.scrollIntoViewIfNeeded();
    const { width, height } = (await frame.boundingBox())!;
    for (const [x, y] of [
      [0.1, 0.1],
      [0.5, 0.1],
      [0.5, 0.5],
      [0.1, 0.1],
    ] as const)
      await frame.click({ position: { x: x * width, y: y * height } });
    await page.getByLabel('Name of the zone').fill('left');
    await page.getByRole('button', { name: 'Save the zone' }).click();
    const [, [, , byPointer]] = (await told(2)) as [unknown, [string, string, { corners: number[][] }]];
    const expected = [
      [0.1, 0.1],
      [0.5, 0.1],
      [0.5, 0.5],
    ];
    for (const [index, [x, y]] of expected.entries()) {
      expect(byPointer.corners[index]![0]).toBeCloseTo(x!, 1);
      expect(byPointer.corners[index]![1]).toBeCloseTo(y!, 1);
    }
    await page.getByRole('button', { name: 'Remove entrance' }).click();
    await page.getByRole('button', { name: 'Really remove entrance' }).click();
    await told(3);
    expect(site.records.told[2]?.slice(0, 2)).toEqual(['DELETE', '/api/cameras/cam-03/zones/entrance']);
  });
});

describe('the rules', () => {
  it('are tried before they are saved, and saved in spite of a doubt only when somebody says so', async () => {
    const site = fullSite();
    site.records.ruleTest = { ...site.records.ruleTest, count: 3, mostInAnHour: 2, doubts: ['often'] };
    const { page } = await bench.open();
    await page.goto(`${site.url}#/rules`);
    await page.getByText('Car on Platform · for 10 s').waitFor();
    await page.getByLabel('Rule night is on').click();
    await told(1);
    expect(site.records.told[0]?.[2]).toEqual({ ...RULE, enabled: false });
    await page.getByRole('button', { name: 'Add a rule' }).click();
    await page.getByLabel('Name', { exact: false }).first().fill('yard-empty');
    await page.getByLabel('When').selectOption('absence');
    await page.getByLabel('Cameras').selectOption('cam-02');
    await page.getByLabel('Only at certain times').check();
    await page.locator('[name=severity]').selectOption('critical');
    await page.locator('[name=forSeconds]').fill('900');
    await page.locator('[name=from]').fill('21:00');
    site.setState(withCameras(site.site, { 0: { displayName: 'Main gate' } }));
    await page.getByRole('option', { name: 'Main gate' }).waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Try it on the last day' }).click();
    await page
      .getByText('It would have been raised 3 times in the last day, at most 2 within an hour.')
      .waitFor();
    expect(site.records.told.length).toBe(1);
    await page.getByRole('button', { name: 'Save it all the same' }).click();
    await told(2);
    expect(site.records.told[1]).toEqual([
      ...['POST', '/api/rules'],
      {
        ...{ name: 'yard-empty', severity: 'critical', notify: [] },
        when: { kind: 'absence', cameras: ['cam-02'], forSeconds: 900 },
        schedule: { from: '21:00', to: '06:00' },
      },
    ]);
  });
});

describe('whoever does not see the page', () => {
  it.each(['light', 'dark'] as const)('finds nothing in the way, %s', async (colorScheme) => {
    const site = fullSite();
    const { page } = await bench.open({ colorScheme, reducedMotion: 'reduce' });
    const found: Record<string, string[]> = {};
    const views: readonly (readonly [hash: string, shown: string, press?: readonly string[]])[] = [
      ['#/cameras', '.tile'],
      ['#/cameras/cam-03', '.plan', ['Draw a zone', 'Begin with a rectangle']],
      ['#/alerts', '#alerts-title'],
      ['#/events', '.record'],
      ['#/rules', '.record', ['Add a rule']],
      ['#/gateways', '.fleet-table'],
      ['#/gateways/mast-1', '.commands'],
      ['#/journal', '.record'],
    ];
    for (const [hash, shown, press = []] of views) {
      await page.goto(`${site.url}${hash}`);
      await page.locator(shown).first().waitFor();
      for (const name of [null, ...press]) {
        if (name !== null) await page.getByRole('button', { name }).click();
        const wrong = await violations(page);
        if (wrong.length > 0) found[`${hash} ${name ?? ''}`] = wrong;
      }
    }
    expect(found).toEqual({});
    // It does look.
    await page.evaluate(() => document.body.append(document.createElement('img')));
    expect(await violations(page)).toContainEqual(expect.stringContaining('image-alt'));
  });
});
