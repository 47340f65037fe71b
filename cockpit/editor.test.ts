import type { BrowserContextOptions, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ConfigurationView } from '#protocol/api.ts';
import { cockpitBench, presentSite } from './testing/cockpit-bench.ts';
import { englishIn } from './testing/english-in.ts';
import { cameraOf, cameraStateOf, gatewayOf } from './testing/fixtures.ts';
import { until } from './testing/until.ts';

const bench = cockpitBench();

const SETTINGS = `# Ask Ann first.
cameras:
  - name: counter
    url: rtsp://10.0.4.17/live
    credentials: counter.credentials
    masks:
      - [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]] # windows
    rate: 4
`;
const pushed = (change: Partial<ConfigurationView> = {}): ConfigurationView => ({
  ...{ version: 1, author: 'ann', status: 'applied', since: new Date().toISOString(), error: null },
  ...{ running: 1, drift: false, ...change },
});
const withSettings = (configuration: ConfigurationView | null, size?: { width: number; height: number }) =>
  presentSite({
    gateways: [gatewayOf({ configuration })],
    cameras: [cameraOf({ state: cameraStateOf(size === undefined ? {} : { size }) })],
  });

async function open(context: BrowserContextOptions = {}, hash = '#/gateways/gate-1/settings') {
  const site = bench.site();
  site.settings.add('gate-1', SETTINGS, { credentials: ['counter'] });
  site.site = withSettings(pushed(), { width: 640, height: 480 });
  const watched = await bench.open({ viewport: { width: 1280, height: 900 }, ...context });
  await watched.page.goto(`${site.url}${hash}`);
  await until(
    async () => site.listeners,
    (count) => count >= 1,
  );
  return { ...watched, site };
}
/** What would be pushed, as text. */
async function textOf(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'YAML' }).click();
  const text = await page.getByLabel('Settings (YAML)').inputValue();
  await page.getByRole('button', { name: 'Form' }).click();
  return text;
}

describe('the editor', () => {
  it('changes one line of the text with one field, and keeps every comment', async () => {
    const { page, complaints } = await open();
    await page.getByLabel('Rate (pictures a second)').fill('1.05');
    await page.getByRole('button', { name: 'Gateway', exact: true }).click();
    await page.getByLabel('Space (MB)').fill('512');
    await expect
      .poll(() => textOf(page))
      .toBe(`${SETTINGS.replace('rate: 4', 'rate: 1.05')}outbox: { maxMegabytes: 512 }\n`);
    expect(complaints).toEqual([]);
  });

  it('speaks German, apart from what is written to agent.yaml', async () => {
    const { page } = await open({ locale: 'de' });
    const own = 'main :not(option, .difference *)';
    await page.getByRole('button', { name: 'Maske zeichnen' }).waitFor();
    await page.locator('polygon.shape').focus();
    await page.getByRole('button', { name: /^Maske 1, Ecke 3 bei/ }).waitFor();
    expect(await englishIn(page, own)).toEqual([]);
    await page.getByRole('navigation', { name: 'Teile der Einstellungen' }).getByText('Gateway').click();
    await page.getByLabel('Bericht alle (s)').waitFor();
    expect(await englishIn(page, own)).toEqual([]);
    await page.getByRole('button', { name: 'counter', exact: true }).click();
    await page.getByLabel('Rate (Bilder pro Sekunde)').fill('5');
    await page.getByRole('button', { name: 'Durchsehen und senden' }).click();
    await page.getByRole('region', { name: 'Was sich ändert' }).waitFor();
    expect(await englishIn(page, own)).toEqual([]);
    await page.getByRole('link', { name: 'Verlauf' }).click();
    await page.getByText('Fassung 1').waitFor();
    expect(await englishIn(page, own)).toEqual([]);
  });

  it('shows each mistake at its field, in the words of the validator, and pushes none', async () => {
    const { page, site } = await open();
    await page.getByLabel('Rate (pictures a second)').fill('80');
    await page.getByText('Expected at most 60, got 80 (line 8)').waitFor();
    await expect
      .poll(() => page.getByLabel('Rate (pictures a second)').getAttribute('aria-invalid'))
      .toBe('true');
    await page.getByRole('button', { name: 'Review and push' }).click();
    await page.getByText('Line 8: cameras[0].rate: expected at most 60, got 80').waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Push', exact: true }).isDisabled()).toBe(true);
    expect(site.settings.pushes).toEqual([]);
  });

  it('draws on a frame with the form of the picture: a region by a drag, corners by keys and numbers', async () => {
    const { page } = await open();
    const frame = page.locator('.frame');
    // The form of the picture comes with the state of the camera, and the layout follows it.
    const form = async () => {
      const { width, height } = (await frame.boundingBox())!;
      return width / height;
    };
    await expect.poll(form, { timeout: 20_000 }).toBeCloseTo(640 / 480, 1);

    await page.getByRole('button', { name: 'Draw a region' }).click();
    await page.getByRole('button', { name: 'Draw a region', pressed: true }).waitFor();
    const { x, y, width, height } = (await frame.boundingBox())!;
    await page.mouse.move(x + 0.2 * width, y + 0.6 * height);
    await page.mouse.down();
    await page.mouse.move(x + 0.5 * width, y + 0.7 * height);
    await page.mouse.move(x + 0.8 * width, y + 0.9 * height);
    await page.mouse.up();
    const { region } = parse(await textOf(page)).cameras[0];
    for (const [side, share] of Object.entries({ x: 0.2, y: 0.6, width: 0.6, height: 0.3 }))
      expect(region[side], side).toBeCloseTo(share, 1);

    await page.getByRole('button', { name: 'Mask 1', exact: true }).click();
    const corner = page.getByRole('button', { name: /^Mask 1, corner 2/ });
    await corner.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Shift+ArrowDown');
    await expect.poll(async () => parse(await textOf(page)).cameras[0].masks[0][1]).toEqual([0.51, 0.15]);

    await page.getByRole('button', { name: 'Mask 1', exact: true }).click();
    await page.getByLabel('Corner 3: y').fill('0.75');
    await expect.poll(() => textOf(page)).toContain('- [[0.1, 0.1], [0.51, 0.15], [0.5, 0.75]] # windows');
  });

  it('does everything by keyboard alone: draws a mask, adds a corner, moves it, removes it', async () => {
    const { page } = await open();
    const masks = async () => parse(await textOf(page)).cameras[0].masks ?? [];
    const draw = page.getByRole('button', { name: 'Draw a mask' });
    await draw.focus();
    await page.keyboard.press('Enter');
    await expect.poll(masks).toHaveLength(2);
    await page.getByRole('button', { name: 'Mask 2', exact: true }).click();
    await page.getByRole('button', { name: 'Mask 2: add a corner after corner 1' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await masks())[1]).toHaveLength(5);
    await page.getByRole('button', { name: 'Mask 2', exact: true }).click();
    await page.getByRole('button', { name: /^Mask 2, corner 5/ }).focus();
    await page.keyboard.press('Delete');
    await expect.poll(async () => (await masks())[1]).toHaveLength(4);
    for (const name of ['Mask 2', 'Mask 1']) {
      await page.getByRole('button', { name: `${name}; arrow keys` }).focus();
      await page.keyboard.press('Delete');
    }
    await expect.poll(masks).toEqual([]);
  });

  it('takes a login, hands it on with the push, and never shows it again', async () => {
    const { page, site } = await open();
    await page.getByText('Kept, readable by the gateway alone.').waitFor();
    await page.getByRole('button', { name: 'Replace' }).click();
    await page.getByLabel('User').fill('ann');
    await page.getByLabel('Password').fill('ge:heim');
    await page.getByRole('button', { name: 'Review and push' }).click();
    await page.getByText('New login for counter.').waitFor();
    await page.getByRole('button', { name: 'Push', exact: true }).click();
    await page.getByRole('button', { name: 'Replace' }).waitFor();
    expect(site.settings.pushes).toMatchObject([
      { credentials: { counter: 'ann:ge:heim' }, expectedVersion: 1, settings: SETTINGS },
    ]);
    expect(await page.content()).not.toContain('heim');
  });

  it('shows a push on its way, and its end with the reason', async () => {
    const { page, site } = await open();
    const state = page.locator('.push-state');
    for (const [status, words] of [
      ['pending', 'waits for the gateway'],
      ['received', 'is being tried'],
      ['applied', 'Version 2, pushed by ann, runs.'],
    ] as const) {
      site.setState(withSettings(pushed({ version: 2, status, running: status === 'applied' ? 2 : 1 })));
      await state.getByText(words).waitFor();
    }
    const error = { code: 'CONFIGURATION_NO_LINK', message: 'version 2: no connection within 60 s' };
    site.setState(withSettings(pushed({ version: 2, status: 'reverted', error })));
    await state.getByText('version 2: no connection within 60 s').waitFor();
    site.setState(withSettings(pushed({ version: 2, running: 2, drift: true })));
    await state.getByText('agent.yaml was edited on the gateway').waitFor();
  });

  it('keeps what was changed while somebody looks elsewhere, and through another’s push', async () => {
    const { page, site } = await open();
    await page.getByLabel('Rate (pictures a second)').fill('7');
    await page.getByRole('link', { name: 'History' }).click();
    await page.getByText('Version 1').waitFor();
    await page.getByRole('link', { name: 'Settings' }).click();
    await expect.poll(() => page.getByLabel('Rate (pictures a second)').inputValue()).toBe('7');
    site.settings.add('gate-1', `${SETTINGS}healthSeconds: 9\n`, { author: 'bob' });
    site.setState(withSettings(pushed({ version: 2, running: 2, author: 'bob' })));
    await page.getByText('bob pushed version 2 meanwhile').waitFor();
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.getByText('-healthSeconds: 9').waitFor();
    await page.getByRole('button', { name: 'Take version 2, drop mine' }).click();
    await page.getByRole('button', { name: 'Gateway', exact: true }).click();
    await expect.poll(() => page.getByLabel('Report every (s)').inputValue()).toBe('9');
  });

  it('says what it cannot show as a form, and leaves the text to be mended', async () => {
    const { page } = await open();
    await page.getByRole('button', { name: 'YAML' }).click();
    await page.getByLabel('Settings (YAML)').fill('cameras: [\n');
    await page.locator('#settings-text-help .field-problem').first().waitFor();
    await page.getByRole('button', { name: 'Form' }).click();
    await expect.poll(() => page.getByLabel('Settings (YAML)').inputValue()).toBe('cameras: [\n');
    await page.getByLabel('Settings (YAML)').fill('cameras: []\n');
    await page.getByRole('button', { name: 'Add a camera' }).waitFor();
  });

  it('shows at its field what the gateway itself rejected', async () => {
    const { page, site } = await open();
    const error = {
      code: 'CONFIG_INVALID',
      message: 'version 1:8:11: cameras[0].rate: expected at most 2, got 4',
    };
    site.setState(withSettings(pushed({ status: 'rejected', running: 0, error })));
    await page.getByText('Expected at most 2, got 4 (line 8)').waitFor();
  });

  it('has a field for a setting that came after it', async () => {
    const site = bench.site();
    const schema = site.settings.schema as { properties: Record<string, object> };
    const lid = {
      type: 'object',
      properties: { openSeconds: { type: 'number', default: 3, description: 'How long' } },
    };
    site.settings.schema = { ...schema, properties: { ...schema.properties, lid } };
    const { page } = await open();
    await page.getByRole('button', { name: 'Gateway', exact: true }).click();
    const field = page.getByLabel('Open (s)');
    await expect.poll(() => field.getAttribute('placeholder')).toBe('3');
    await field.fill('4');
    await expect.poll(() => textOf(page)).toBe(`${SETTINGS}lid: { openSeconds: 4 }\n`);
  });

  it('lets an integrator read, and push nothing', async () => {
    bench.site().role = 'integrator';
    const { page, complaints } = await open();
    await page.getByLabel('Rate (pictures a second)').waitFor();
    await expect
      .poll(() => page.getByLabel('Rate (pictures a second)').getAttribute('readonly'))
      .not.toBeNull();
    await expect.poll(() => page.getByRole('button', { name: 'Review and push' }).isDisabled()).toBe(true);
    for (const name of ['Draw a mask', 'Add a camera', 'Remove this camera', 'Replace'])
      expect(await page.getByRole('button', { name }).isDisabled(), name).toBe(true);
    await page.getByRole('button', { name: 'YAML' }).click();
    await expect.poll(() => page.getByLabel('Settings (YAML)').getAttribute('readonly')).not.toBeNull();
    expect(complaints).toEqual([]);
  });

  it('never scrolls sideways on a phone, whatever stands in the settings', async () => {
    const site = bench.site();
    const long = 'a-name-of-thirty-two-characters0';
    const points = Array.from({ length: 9 }, (_, index) => [0.1 * index, index % 2]);
    site.settings.add(
      'gate-1',
      `cameras:\n  - { name: ${long}, url: "rtsp://${'x'.repeat(200)}", rate: 99, masks: [${JSON.stringify(points)}] }\n`,
    );
    const error = { code: 'CONFIG_INVALID', message: `version 1:1:1: ${'x'.repeat(300)}` };
    site.site = withSettings(pushed({ author: 'y'.repeat(100), status: 'rejected', error }));
    const { page } = await bench.open({
      viewport: { width: 360, height: 740 },
      isMobile: true,
      hasTouch: true,
    });
    for (const tab of ['', '/settings', '/history']) {
      await page.goto(`${site.url}#/gateways/gate-1${tab}`);
      await page.locator('.card, .frame').first().waitFor();
      if (tab === '/settings') {
        await page.getByRole('button', { name: 'Mask 1', exact: true }).click();
        await page.getByLabel('Corner 9: y').waitFor();
      }
      expect(await page.evaluate(() => document.documentElement.scrollWidth), tab).toBe(360);
    }
  });

  it('begins with the cameras that a gateway has where the site has not seen its file', async () => {
    const site = bench.site();
    site.site = withSettings(null);
    const { page } = await bench.open();
    await page.goto(`${site.url}#/gateways/gate-1/settings`);
    await page.getByText('which this site has not seen').waitFor();
    await expect.poll(() => page.getByLabel('Name', { exact: true }).inputValue()).toBe('counter');
    await page.getByText(/Expected rtsp:/).waitFor();
  });
});

describe('after a session ended', () => {
  const locked = cockpitBench({ token: 'a-token-of-the-site' });

  it('the changes go on after the next log-in, and no login that was typed', async () => {
    const site = locked.site();
    site.settings.add('gate-1', SETTINGS, { credentials: ['counter'] });
    site.site = withSettings(pushed());
    const { page } = await locked.open();
    const logIn = async () => {
      await page.getByLabel('Token').fill('a-token-of-the-site');
      await page.getByRole('button', { name: 'Open the cockpit' }).click();
    };
    await logIn();
    await page.locator('.camera').waitFor();
    await page.evaluate(() => location.assign('#/gateways/gate-1/settings'));
    await page.getByLabel('Rate (pictures a second)').fill('7');
    await page.getByRole('button', { name: 'Replace' }).click();
    await page.getByLabel('User').fill('ann');
    await page.getByLabel('Password').fill('geheim');
    site.endSessions();
    await page.getByText('This cockpit is locked').waitFor();
    await logIn();
    await page.getByRole('button', { name: 'Replace' }).waitFor();
    await expect.poll(() => page.getByLabel('Rate (pictures a second)').inputValue()).toBe('7');
    await expect.poll(() => page.getByLabel('Password').count()).toBe(0);
    await page.getByRole('button', { name: 'Review and push' }).click();
    await page.getByText('+    rate: 7').waitFor();
    await expect.poll(() => page.getByText('New login').count()).toBe(0);
  });
});
