import { afterEach, beforeEach, expect, it } from 'vitest';
import { pushConfiguration } from '../configuration/push-configuration.ts';
import { enrolTestGateway, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { assignCamera, listCameras, releaseCamera } from './cameras.ts';

let site: TestSite;
beforeEach(async () => {
  site = await makeTestSite();
  await enrolTestGateway(site, 'honest');
  await enrolTestGateway(site, 'squatter', '02');
});
afterEach(() => site.close());

/** What a gateway does that announces a camera, or sends an answer about it. */
const claim = (camera: string, gateway: string) => site.store.cameras.claim(camera, gateway, 5);

const settings = (...names: string[]) =>
  ['cameras:', ...names.flatMap((name) => [`  - name: ${name}`, '    url: rtsp://10.0.0.1/live'])].join('\n');
const push = (gateway: string, ...names: string[]) =>
  pushConfiguration({ site, gateway, author: 'ann', settings: settings(...names), origin: 'gate.yaml' });

it('keeps the cameras in pushed settings for their gateway, before it has announced them', async () => {
  await push('honest', 'door', 'yard');
  for (const camera of ['door', 'yard']) expect(await claim(camera, 'squatter')).toBe('honest');
  expect(await claim('door', 'honest')).toBe('honest');
});

it('gives a camera back that another gateway claimed first, at the word of the owner, for good', async () => {
  expect(await claim('door', 'squatter')).toBe('squatter');
  await expect(push('honest', 'door')).rejects.toMatchObject({ code: 'CAMERA_TAKEN' });
  expect(await assignCamera(site, 'door', 'honest')).toBe('squatter');
  expect(await claim('door', 'squatter')).toBe('honest');
  await push('honest', 'door');
  expect(await assignCamera(site, 'door', 'honest')).toBe('honest');
  expect((await site.store.journal.latest(9)).map(({ code }) => code)).toEqual([
    'CONFIGURATION_PUSHED',
    'CAMERA_ASSIGNED',
  ]);
});

it('does not lose a released camera to whoever is quickest, if it is assigned instead', async () => {
  await claim('door', 'squatter');
  await releaseCamera(site, 'door');
  expect(await claim('door', 'squatter')).toBe('squatter');
  await assignCamera(site, 'door', 'honest');
  expect(await claim('door', 'squatter')).toBe('honest');
});

it('bounds how many names a gateway can take from others, and takes none that is no name', async () => {
  for (let i = 0; i < 100; i++) await claim(`camera-${i}`, 'squatter');
  expect((await listCameras(site)).filter(({ gateway }) => gateway === 'squatter')).toHaveLength(64);
  // Settings of the owner count even then.
  await push('honest', 'camera-80');
  await expect(assignCamera(site, 'No Name', 'honest')).rejects.toMatchObject({ code: 'NAME_INVALID' });
  await expect(assignCamera(site, 'door', 'nobody')).rejects.toMatchObject({ code: 'GATEWAY_NOT_FOUND' });
});
