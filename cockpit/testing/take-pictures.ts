/**
 * Takes the pictures of docs/cockpit.md in Chromium, each of the same moment: `node cockpit/testing/take-pictures.ts [NAME…]`, all of them or
 * those whose names begin so.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { buildCockpit } from '../build.mjs';
import { launchBrowser, openPage } from './browser.ts';
import { FakeSite } from './fake-site.ts';
import { FIXTURE_TIME } from './fixtures.ts';
import { type Story, tell } from './story.ts';

const FOLDER = join(import.meta.dirname, '../../docs/cockpit');
const NOW_MS = Date.parse(FIXTURE_TIME);
/** Few colors are enough for a page, and keep a picture small. */
const COLORS = 64;

type Shot = Omit<Story, 'nowMs'> & {
  readonly name: string;
  readonly width: 1440 | 390;
  readonly colorScheme: 'light' | 'dark';
  readonly locale?: string;
  readonly hash?: string;
  /** What is pressed before, by its name. */
  readonly press?: readonly string[];
  readonly isAway?: boolean;
  readonly isWhole?: boolean;
};

const SIZES = ([1440, 390] as const).flatMap((width) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
);
const many = ([1, 6, 60] as const).flatMap((cameras) =>
  SIZES.map((size) => ({ ...size, cameras, name: `${cameras}-${size.width}-${size.colorScheme}` })),
);
const troubles = (['dead', 'cut', 'broker', 'alert'] as const).flatMap((trouble, index) =>
  ([1440, 390] as const).map((width, at) => ({
    ...{ width, trouble, cameras: index === 1 ? 60 : 6, name: `${trouble}-${width}` },
    colorScheme: (index + at) % 2 === 0 ? ('light' as const) : ('dark' as const),
  })),
);
const wide = { width: 1440, colorScheme: 'light', cameras: 6 } as const;
const SHOTS: readonly Shot[] = [
  { ...wide, name: 'two', cameras: 2, isWhole: true },
  ...many,
  ...troubles,
  { ...wide, name: 'away', isAway: true },
  { ...wide, name: 'german', trouble: 'dead', locale: 'de-AT' },
  { ...wide, name: 'camera', hash: '#/cameras/cam-03', isWhole: true },
  { ...wide, name: 'camera-390', width: 390, colorScheme: 'dark', hash: '#/cameras/cam-03', isWhole: true },
  {
    ...{ ...wide, name: 'zone', hash: '#/cameras/cam-03', isWhole: true },
    press: ['Draw a zone', 'Begin with a rectangle'],
  },
  { ...wide, name: 'alerts', trouble: 'alert', colorScheme: 'dark', hash: '#/alerts' },
  { ...wide, name: 'events', hash: '#/events' },
  { ...wide, name: 'rules', hash: '#/rules' },
];

const wanted = process.argv.slice(2);
const { output: pageFolder } = await buildCockpit();
const browser = await launchBrowser();
await mkdir(FOLDER, { recursive: true });
for (const shot of SHOTS) {
  if (wanted.length > 0 && !wanted.some((start) => shot.name.startsWith(start))) continue;
  await writeFile(join(FOLDER, `${shot.name}.png`), await take(shot));
  console.log(shot.name);
}
await browser.close();

async function take(shot: Shot): Promise<Buffer> {
  const { width, colorScheme, locale = 'en-GB', hash = '', press = [], isAway, isWhole } = shot;
  const site = new FakeSite({ pageFolder });
  tell(site, { ...shot, nowMs: NOW_MS });
  await site.start();
  const viewport = { width, height: width === 1440 ? 900 : 844 };
  const { page, close } = await openPage(browser, { viewport, colorScheme, locale, reducedMotion: 'reduce' });
  await page.clock.setFixedTime(NOW_MS);
  await page.goto(`${site.url}${hash}`);
  await page.locator('.headline').waitFor();
  await page.waitForLoadState('networkidle').catch(() => {});
  if (isAway === true) {
    await site.stop();
    await page.locator('.away').waitFor();
  }
  for (const name of press) await page.getByRole('button', { name }).click();
  // What is fetched and drawn last: the small lines, and the plots.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const picture = await page.screenshot({ fullPage: isWhole === true });
  await close();
  await site.stop();
  return sharp(picture).png({ palette: true, colors: COLORS, compressionLevel: 9, effort: 10 }).toBuffer();
}
