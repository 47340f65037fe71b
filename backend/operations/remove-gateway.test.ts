import 'reflect-metadata'; // before @peculiar/x509
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { X509Crl } from '@peculiar/x509';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  enrolTestGateway,
  keepTestModel,
  makeTestSite,
  releaseTo,
  type TestSite,
} from '../testing/test-site.ts';
import { listCameras, releaseCamera } from './cameras.ts';
import { removeGateway } from './remove-gateway.ts';

let site: TestSite;
beforeEach(async () => {
  site = await makeTestSite();
  await enrolTestGateway(site, 'gate', '01');
  await enrolTestGateway(site, 'other', '02');
  await site.store.cameras.claim('door', 'gate', 1);
});
afterEach(() => site.close());

function revokedSerials(): string[] {
  const { entries } = new X509Crl(readFileSync(join(site.dataDirectory, 'certificates/revoked.crl'), 'utf8'));
  return entries.map(({ serialNumber }) => serialNumber);
}

it('withdraws a gateway: unknown, without cameras and release, on the list of the broker, and never back', async () => {
  const { store } = site;
  await keepTestModel(site, 'counter');
  await releaseTo(site, 'gate', 'counter');
  await removeGateway(site, 'gate');
  expect(await store.gateways.get('gate')).toBeNull();
  expect((await store.gateways.list()).map(({ name }) => name)).toEqual(['other']);
  expect(await store.deployments.current()).toEqual([]);
  await expect(releaseTo(site, 'gate', 'counter')).rejects.toMatchObject({ code: 'GATEWAY_NOT_FOUND' });
  expect(await store.cameras.claim('door', 'other', 2)).toBe('other');
  await removeGateway(site, 'other');
  expect(readFileSync(join(site.dataDirectory, 'revoked-gateways'), 'utf8')).toBe(
    'gate\nother\nserial:01\nserial:02\n',
  );
  expect(revokedSerials()).toEqual(['01', '02']);
  await expect(enrolTestGateway(site, 'gate')).resolves.toBeDefined();
  expect(await store.gateways.get('gate')).toBeNull();
});

it('can be repeated, and names a gateway that never was', async () => {
  await removeGateway(site, 'gate');
  await removeGateway(site, 'gate');
  expect((await site.store.journal.latest(9)).map(({ code }) => code)).toEqual(['GATEWAY_REMOVED']);
  await expect(removeGateway(site, 'nobody')).rejects.toMatchObject({ code: 'GATEWAY_NOT_FOUND' });
});

it('frees the name of a camera for another gateway', async () => {
  await site.store.cameras.setPresent('gate', [], 5);
  expect(await listCameras(site)).toEqual([{ camera: 'door', gateway: 'gate', retired: true }]);
  expect(await site.store.cameras.claim('door', 'other', 6)).toBe('gate');
  expect(await releaseCamera(site, 'door')).toBe('gate');
  expect(await releaseCamera(site, 'door')).toBeNull();
  expect(await site.store.cameras.claim('door', 'other', 7)).toBe('other');
});
