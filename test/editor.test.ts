import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAgent } from '#agent/main.ts';
import { pushConfiguration } from '#backend/configuration/push-configuration.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { PushedSettings } from '#config/schema.ts';
import { validateConfig } from '#config/validate.ts';
import { decodeConfiguration } from '#protocol/configuration.ts';
import { freePort } from '#runtime/ports.ts';
import { buildCockpit } from '../cockpit/build.mjs';
import { launchBrowser, openPage, type WatchedPage } from '../cockpit/testing/browser.ts';
import { type RunningSite, startRunningSite } from './testing/running-site.ts';

const WAIT = { timeout: 120_000 };

/** The settings of a gateway on their way from a browser to the gateway: page, backend, broker and agent, all real. */
describe('the editor of settings', () => {
  let yard: RunningSite;
  let folder: string;
  let browser: Browser;
  let watched: WatchedPage;
  let address: string;
  const stop = new AbortController();
  const agents: Promise<void>[] = [];

  beforeAll(async () => {
    await buildCockpit();
    folder = mkdtempSync(join(tmpdir(), 'blindsight-editor-'));
    yard = await startRunningSite();
    address = `rtsp://127.0.0.1:${await freePort(0)}/door`;
    const { configFile } = await enrolGateway({
      ...{ site: yard.site, name: 'gate-1', outDirectory: join(folder, 'gate-1'), brokerUrl: yard.brokerUrl },
    });
    agents.push(runAgent({ configFile, log: yard.log, signal: stop.signal }));
    browser = await launchBrowser();
    watched = await openPage(browser, { viewport: { width: 1280, height: 900 } });
    await watched.page.goto(`http://127.0.0.1:${yard.backend.port}/#/gateways/gate-1/settings`);
  });
  afterAll(async () => {
    await browser?.close();
    stop.abort();
    await Promise.all(agents);
    await yard?.close();
    rmSync(folder, { recursive: true });
  });

  const push = async () => {
    const { page } = watched;
    await page.getByRole('button', { name: 'Review and push' }).click();
    await page.getByRole('button', { name: 'Push', exact: true }).click();
  };
  /** What the gateway itself holds of a version. */
  const running = (version: number) => {
    const settings = readFileSync(join(folder, `gate-1/data/configuration/${version}/settings.yaml`), 'utf8');
    return validateConfig(settings, PushedSettings, 'running').value;
  };

  it('gives a gateway its first camera, with a password that only the gateway can read', async () => {
    const { page, complaints } = watched;
    await page.getByText('runs the file that lies on it').waitFor();
    await page.getByRole('button', { name: 'Add a camera' }).click();
    await page.getByLabel('Name', { exact: true }).fill('door');
    await page.getByLabel('Address', { exact: true }).fill('http://door');
    await page.getByText(/Expected rtsp:\/\/host\[:port\]\/path, got "http:\/\/door"/).waitFor(WAIT);
    await page.getByLabel('Address', { exact: true }).fill(address);
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await page.getByLabel('User').fill('ann');
    await page.getByLabel('Password').fill('geheimnis');
    await push();
    await page.getByText('Version 1, pushed by the page, runs.').waitFor(WAIT);
    expect(running(1).cameras).toMatchObject([{ name: 'door', url: address }]);
    expect(readFileSync(join(folder, 'gate-1/data/configuration/1/door.credentials'), 'utf8')).toBe(
      'ann:geheimnis',
    );
    await page.getByText('Kept, readable by the gateway alone.').waitFor();
    expect(complaints).toEqual([]);
  });

  it('draws a mask with the mouse, and the gateway has it', async () => {
    const { page } = watched;
    await page.getByRole('button', { name: 'Draw a mask' }).click();
    const frame = page.locator('.frame');
    const { width, height } = (await frame.boundingBox())!;
    for (const [x, y] of [
      [0.1, 0.1],
      [0.4, 0.1],
      [0.4, 0.5],
      [0.1, 0.1],
    ] as const)
      await frame.click({ position: { x: x * width, y: y * height } });
    await push();
    await page.getByText('Version 2, pushed by the page, runs.').waitFor(WAIT);
    const [mask] = running(2).cameras[0]!.masks;
    expect(mask).toHaveLength(3);
    for (const [index, [x, y]] of [
      [0.1, 0.1],
      [0.4, 0.1],
      [0.4, 0.5],
    ].entries() as ArrayIterator<[number, [number, number]]>) {
      expect(mask![index]![0]).toBeCloseTo(x, 1);
      expect(mask![index]![1]).toBeCloseTo(y, 1);
    }
  });

  it('tells that somebody else pushed, loses nothing, and pushes on top of it', async () => {
    const { page } = watched;
    await page.getByLabel('Rate (pictures a second)').fill('4');
    const { settings } = decodeConfiguration(
      (await yard.site.store.configurations.newest('gate-1'))!.wire,
    ).configuration;
    await pushConfiguration({
      ...{ site: yard.site, gateway: 'gate-1', author: 'bob', origin: 'settings' },
      settings: `${settings}healthSeconds: 20\n`,
    });
    await page.getByText('bob pushed version 3 meanwhile').waitFor(WAIT);
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.getByText('-healthSeconds: 20').waitFor(WAIT);
    await page.getByRole('button', { name: 'Keep mine' }).click();
    await page.getByRole('button', { name: 'Push', exact: true }).click();
    await page.getByText('Version 4, pushed by the page, runs.').waitFor(WAIT);
    expect(running(4)).toMatchObject({ healthSeconds: 30, cameras: [{ rate: 4 }] });
  });

  it('goes back to a version of before', async () => {
    const { page, complaints } = watched;
    await page.getByRole('link', { name: 'History' }).click();
    const third = page.locator('.version').filter({ hasText: 'Version 3' });
    await third.getByRole('button', { name: 'Go back to it' }).click();
    await third.getByText('+healthSeconds: 20').waitFor(WAIT);
    await third.getByRole('button', { name: 'Push version 3 again' }).click();
    await page.locator('.version', { hasText: 'Version 5' }).getByText('runs').waitFor(WAIT);
    expect(running(5).healthSeconds).toBe(20);
    expect(complaints).toEqual([]);
  });
});
