import { createPublicKey } from 'node:crypto';
import { PushedSettings } from '#config/schema.ts';
import { type Validated, validateConfig } from '#config/validate.ts';
import { decodeConfiguration, type SealedCredential } from '#protocol/configuration.ts';
import { sealCredential } from '#protocol/credential-seal.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Site } from '../site.ts';
import type { GatewayRecord } from '../store/gateways.ts';

type Camera = PushedSettings['cameras'][number];

/** Longer ones no camera takes, and no configuration carries. */
const MAX_BYTES = 400;

/**
 * Seals what `credentials` of cameras stand for. A camera of which none are given keeps those that were sealed for it last, unless its address
 * leads elsewhere now: a password is not shown to another machine than the one that it was meant for.
 *
 * @param given `user:password` by camera
 * @throws BlindsightError SEALING_KEY_MISSING, CONFIGURATION_CREDENTIAL, CAMERA_ADDRESS
 */
export async function sealCredentials(
  { name: site, store }: Pick<Site, 'name' | 'store'>,
  { name: gateway, sealingKey, sealedAfter }: GatewayRecord,
  { value, locate }: Validated<PushedSettings>,
  given: ReadonlyMap<string, string>,
): Promise<SealedCredential[]> {
  for (const camera of given.keys()) {
    if (!value.cameras.some(({ name, credentials }) => name === camera && credentials !== undefined))
      throw new BlindsightError(
        'CONFIGURATION_CREDENTIAL',
        `credentials came for camera ${camera}, whose settings name none`,
      );
  }
  const sealed: SealedCredential[] = [];
  for (const [index, camera] of value.cameras.entries()) {
    if (camera.credentials === undefined) continue;
    const place = `${locate(['cameras', index, 'credentials'])}: cameras[${index}].credentials`;
    if (sealingKey === null)
      throw new BlindsightError(
        'SEALING_KEY_MISSING',
        `${place}: gateway ${gateway} was enrolled by an earlier version and has no key that credentials could be sealed to`,
      );
    const text = given.get(camera.name);
    if (text !== undefined) {
      checkText(text, camera.name);
      const place = { site, gateway, camera: camera.name };
      const bytes = await sealCredential(createPublicKey(sealingKey), text, place);
      sealed.push({ camera: camera.name, sealed: bytes });
      continue;
    }
    const kept = await keptCredential({ store }, gateway, sealedAfter, camera);
    if (kept === null)
      throw new BlindsightError(
        'CONFIGURATION_CREDENTIAL',
        `${place}: no user and password came with the settings (on the command line: the file ${camera.credentials} beside them), and none were pushed before for camera ${camera.name} at this address`,
      );
    sealed.push(kept);
  }
  return sealed;
}

function checkText(text: string, camera: string): void {
  if (/^[^:\s]+:\S(.*\S)?$/.test(text) && Buffer.byteLength(text) <= MAX_BYTES) return;
  throw new BlindsightError(
    'CAMERA_ADDRESS',
    `the credentials of camera ${camera} are not one line user:password of at most ${MAX_BYTES} bytes`,
  );
}

async function keptCredential(
  { store }: Pick<Site, 'store'>,
  gateway: string,
  sealedAfter: number,
  camera: Camera,
): Promise<SealedCredential | null> {
  for (const { version, wire } of await store.configurations.history(gateway)) {
    // From here on only the box of before could open them.
    if (version <= sealedAfter) return null;
    const { settings, credentials } = decodeConfiguration(wire).configuration;
    const sealed = credentials.find((one) => one.camera === camera.name);
    if (sealed === undefined) continue;
    const before = validateConfig(settings, PushedSettings, 'before').value.cameras;
    const { url } = before.find(({ name }) => name === camera.name)!;
    return machineOf(url) === machineOf(camera.url) ? sealed : null;
  }
  return null;
}

/** Whom a password is shown to, and whether over TLS. */
function machineOf(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? url : `${parsed.protocol}//${parsed.host}`;
}
