import { describe, expect, it } from 'vitest';
import type { RolloutSummary } from '#protocol/api.ts';
import { agoTime, cockpitBench, presentSite } from './testing/cockpit-bench.ts';
import { englishIn } from './testing/english-in.ts';
import { cameraOf, gatewayOf } from './testing/fixtures.ts';
import { until } from './testing/until.ts';

const bench = cockpitBench();

const fleet = (count: number, rollouts: readonly RolloutSummary[] = []) => {
  const gateways = Array.from({ length: count }, (_, index) =>
    gatewayOf({ name: `mast-${index + 1}`, state: index === 7 ? 'offline' : 'online' }),
  );
  const cameras = gateways.map(({ name }) => cameraOf({ camera: `${name}-a`, gateway: name }));
  return presentSite({ gateways, cameras, rollouts });
};
const rollout: RolloutSummary = {
  ...{ id: 4, kind: 'model', title: 'counter version 3', target: { name: 'counter', version: '3' } },
  ...{ author: 'ann', undoes: null, state: 'running', error: null, wave: 1, waves: 2 },
  gateways: { waiting: 6, released: 1, done: 2, failed: 1, timedOut: 0, skipped: 0, left: 0 },
  ...{ created: agoTime(60_000), deadline: agoTime(-3_600_000), pausedSince: null, ended: null },
};

describe('a fleet', () => {
  it('is a table, the one in need first, searched and opened by keyboard', async () => {
    bench.site().site = fleet(60);
    const { page, complaints } = await bench.open();
    await page.goto(`${bench.site().url}#/gateways`);
    await page.getByText('1 of 60 needs a hand').waitFor();
    const names = page.locator('.fleet-table tbody th');
    await expect.poll(() => names.count()).toBe(60);
    await expect.poll(() => names.first().textContent()).toBe('mast-8');
    await page.getByLabel('Search the gateways').fill('mast-4 online');
    await expect.poll(() => names.count()).toBe(11);
    await page.getByLabel('Search the gateways').fill('');
    await page.getByLabel('Only those that need a hand').check();
    await expect.poll(() => names.allTextContents()).toEqual(['mast-8']);
    await page.getByRole('link', { name: 'mast-8' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'mast-8' }).waitFor();
    await page.getByText(/^Gateway mast-8 is offline .since/).waitFor();
    expect(complaints).toEqual([]);
  });

  it('is shown to whoever asked for it while the page was drawn for the first time', async () => {
    bench.site().site = fleet(60);
    const { page } = await bench.open();
    await page.addInitScript(() => {
      new MutationObserver((_, observer) => {
        if (document.querySelector('#cockpit h1') === null) return;
        observer.disconnect();
        // In the task of the first drawing, before anybody listens; and without an event, as one that nobody heard.
        history.replaceState(null, '', '#/gateways');
      }).observe(document, { subtree: true, childList: true });
    });
    await page.reload();
    await page.locator('.fleet-table').waitFor();
  });

  it('draws no row anew that says the same', async () => {
    const site = bench.site();
    site.site = fleet(60);
    const { page } = await bench.open();
    await page.goto(`${site.url}#/gateways`);
    await page.getByText('1 of 60 needs a hand').waitFor();
    await until(
      async () => site.listeners,
      (count) => count === 1,
    );
    await page.evaluate(() => {
      const changes: string[] = [];
      new MutationObserver((records) => {
        for (const { target } of records)
          changes.push((target.parentElement ?? document.body).closest('tr')?.textContent ?? 'elsewhere');
      }).observe(document.querySelector('.fleet-table')!, {
        subtree: true,
        childList: true,
        characterData: true,
        attributes: true,
      });
      Object.assign(window, { changes });
    });
    const next = fleet(60);
    const [first, ...others] = next.gateways;
    site.setState({ ...next, gateways: [{ ...first!, version: '0.2.0' }, ...others] });
    await page.getByText('0.2.0').waitFor();
    const changes = await page.evaluate(() => (window as unknown as { changes: string[] }).changes);
    expect(changes.length).toBeGreaterThan(0);
    expect(changes.filter((text) => !text.startsWith('mast-1'))).toEqual([]);
  });

  it('of two shows cameras and gateways side by side, and the one of a site among its details', async () => {
    bench.site().site = fleet(2);
    const { page } = await bench.open();
    await page.locator('.camera').first().waitFor();
    await page.getByRole('link', { name: 'Gateways' }).click();
    await page.getByText('All 2 gateways are fine').waitFor();
    await until(
      async () => bench.site().listeners,
      (count) => count === 1,
    );
    bench.site().setState(fleet(1));
    await page.getByText('The gateway is fine').waitFor();
    await page.goto(`${bench.site().url}#/`);
    await page.locator('.site-details > summary').click();
    await page.getByRole('article', { name: 'Gateway mast-1' }).waitFor();
  });

  it('shows a rollout, pauses it, and aborts it when asked twice', async () => {
    const site = bench.site();
    site.site = fleet(10, [rollout]);
    const { page } = await bench.open();
    await page.goto(`${site.url}#/gateways`);
    await page.getByText(/2 of 10 gateways, 1 failed; wave 1 of 2/).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Abort …' }).click();
    await page.getByRole('button', { name: 'Abort the rollout' }).click();
    await until(
      async () => site.acts,
      (acts) => acts.length === 2,
    );
    expect(site.acts).toEqual(['/api/rollouts/4/pause', '/api/rollouts/4/abort']);
  });
});

describe('a gateway', () => {
  it('shows a viewer its state, and neither settings nor anything to do', async () => {
    bench.site().role = 'viewer';
    bench.site().site = fleet(2, [rollout]);
    const { page } = await bench.open();
    await page.goto(`${bench.site().url}#/gateways/mast-1/settings`);
    await page.getByText('Disk free').waitFor();
    await expect.poll(() => page.getByRole('link', { name: 'Settings' }).count()).toBe(0);
    await expect.poll(() => page.getByRole('button', { name: 'Restart …' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Gateways' }).click();
    await page.getByRole('article', { name: /counter version 3/ }).waitFor();
    await expect.poll(() => page.getByRole('button', { name: /Pause|Abort/ }).count()).toBe(0);
  });

  it('is shown in German without a word of English, but for names and what it says itself', async () => {
    const site = bench.site();
    site.site = fleet(10, [rollout]);
    const { page } = await bench.open({ locale: 'de-CH' });
    await page.goto(`${site.url}#/gateways`);
    await page.getByText('1 von 10 braucht Hilfe').waitFor();
    await page.getByText(/2 von 10 Gateways, 1 gescheitert; Welle 1 von 2/).waitFor();
    expect(await englishIn(page)).toEqual([]);
    await page.getByRole('link', { name: 'mast-8' }).click();
    await page.getByRole('button', { name: 'Neue Schlüssel …' }).click();
    await page.getByText(/^Das Gateway mast-8 ist nicht verbunden .seit/).waitFor();
    expect(await englishIn(page)).toEqual([]);
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByText('Disk free').waitFor();
    expect((await englishIn(page)).length).toBeGreaterThan(5);
  });

  it('is restarted when asked twice, and says what became of it', async () => {
    const site = bench.site();
    const { page } = await bench.open();
    await page.goto(`${bench.site().url}#/gateways/gate-1`);
    await page.getByRole('button', { name: 'Restart …' }).click();
    expect(site.commands.list).toEqual([]);
    await page.getByRole('button', { name: 'Restart gate-1' }).click();
    const last = page.getByRole('list', { name: 'Last commands' }).getByRole('listitem').first();
    await last.getByText('Waiting').waitFor();
    site.commands.settle({ status: 'failed', code: 'COMMAND_FAILED', message: 'no supervisor' });
    await last.getByText('no supervisor. Mend what the message says').waitFor();
  });

  it('gets new keys of its owner when asked twice, who is told why it did not', async () => {
    const site = bench.site();
    const { page } = await bench.open();
    await page.goto(`${bench.site().url}#/gateways/gate-1`);
    site.rekey = {
      status: 409,
      body: { error: { code: 'KEY_SET_SOURCE', message: 'its network is not kept' } },
    };
    await page.getByRole('button', { name: 'New keys …' }).click();
    expect(site.acts).toEqual([]);
    await page.getByRole('button', { name: 'Make new keys for gate-1' }).click();
    await page.getByRole('alert').getByText('its network is not kept').waitFor();
    const made = { gateway: 'gate-1', model: 'counter', version: 3, keySet: 7, release: 12 };
    site.rekey = { status: 200, body: made };
    await page.getByRole('button', { name: 'New keys …' }).click();
    await page.getByLabel('Reason').fill('the box was opened');
    await page.getByRole('button', { name: 'Make new keys for gate-1' }).click();
    await page.getByText('Key set 7 is release 12; it is sent to gate-1 now.').waitFor();
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
    expect(site.acts).toEqual(['/api/gateways/gate-1/rekey', '/api/gateways/gate-1/rekey']);
  });

  it('offers new keys to nobody but its owner', async () => {
    bench.site().role = 'operator';
    const { page } = await bench.open();
    await page.goto(`${bench.site().url}#/gateways/gate-1`);
    await page.getByRole('button', { name: 'Restart …' }).waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'New keys …' }).count()).toBe(0);
  });

  it('hands out its log, and takes a level for a time', async () => {
    const site = bench.site();
    const { page } = await bench.open();
    await page.goto(`${bench.site().url}#/gateways/gate-1`);
    await page.getByRole('button', { name: 'Fetch the log' }).click();
    const last = page.getByRole('list', { name: 'Last commands' }).getByRole('listitem').first();
    await last.getByText('Waiting').waitFor();
    site.commands.settle({ status: 'done', content: { mediaType: 'application/x-ndjson', bytes: 4200 } });
    const link = last.getByRole('link', { name: /Download/ });
    await link.waitFor();
    const id = site.commands.list[0]!.id;
    await expect.poll(() => link.getAttribute('href')).toBe(`api/gateways/gate-1/commands/${id}/content`);
    await page.getByLabel('for', { exact: true }).selectOption('one day');
    await page.getByRole('button', { name: 'Set' }).click();
    await until(
      async () => site.commands.list[0],
      (command) => command?.type === 'log-level',
    );
    expect(site.commands.list[0]!.arguments).toEqual({ level: 'debug', forSeconds: 86_400 });
  });
});
