import { afterAll, beforeAll, expect, it } from 'vitest';
import { enrolTestGateway, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { nameCamera } from './name-camera.ts';

let site: TestSite;
beforeAll(async () => {
  site = await makeTestSite();
  await enrolTestGateway(site, 'gate');
  await site.store.cameras.claim('cam-17', 'gate', 1);
});
afterAll(() => site.close());

it('keeps what is not given, and goes back to nothing', async () => {
  expect(await nameCamera(site, 'cam-17', { displayName: '  North gate ' })).toEqual({
    displayName: 'North gate',
  });
  expect(await nameCamera(site, 'cam-17', { groups: ['b', 'a', 'b'] })).toEqual({
    ...{ displayName: 'North gate', groups: ['a', 'b'] },
  });
  expect(await nameCamera(site, 'cam-17', { displayName: '' })).toEqual({ groups: ['a', 'b'] });
  expect(await nameCamera(site, 'cam-17', { groups: [] })).toEqual({});
});

it('refuses what cannot be shown', async () => {
  const refused = { code: 'CAMERA_NAME' };
  await expect(nameCamera(site, 'cam-17', { displayName: 'a\nb' })).rejects.toMatchObject(refused);
  await expect(nameCamera(site, 'cam-17', { displayName: 'x'.repeat(65) })).rejects.toMatchObject(refused);
  await expect(nameCamera(site, 'cam-17', { groups: ['\u202e'] })).rejects.toMatchObject(refused);
  const many = Array.from({ length: 9 }, (_, i) => `${i}`);
  await expect(nameCamera(site, 'cam-17', { groups: many })).rejects.toMatchObject(refused);
  await expect(nameCamera(site, 'door', { groups: [] })).rejects.toMatchObject({ code: 'CAMERA_NOT_FOUND' });
});
