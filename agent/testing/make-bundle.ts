import { createHash, type KeyObject } from 'node:crypto';
import { encode } from 'cborg';
import { createEngineInterpreter, createReferenceInterpreter, encodeProgram, type Program } from '#fhe';
import { encryptInputs, type OwnerKeys } from '#fhe/secret';
import { makeMaterial, type TestProgram, testParameters, testPicture, testPrograms } from '#fhe/testing';
import {
  BUNDLE_PARTS,
  type BundlePartName,
  type Manifest,
  manifestDigest,
  signManifest,
} from '#protocol/manifest.ts';

/** Everything that an owner makes for one tiny network, 8×8 grey values to slots. */
export type TestNetwork = {
  readonly program: Program;
  readonly constants: readonly Float64Array[];
  readonly keys: OwnerKeys;
  readonly parts: Readonly<Record<BundlePartName, Uint8Array>>;
  /** SHA-256, hex, of the answer of each interpreter. */
  readonly selfTest: Readonly<Record<'reference' | 'engine', string>>;
};

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** How a test's network differs in what it looks at: 64 values all the same. */
export type NetworkChange = Partial<Pick<Program, 'picture' | 'regions'>>;

/** @param name one of the programs of fhe/testing */
export async function makeNetwork(name = 'inner', change: NetworkChange = {}): Promise<TestNetwork> {
  const parameters = testParameters(4096, 3, { bits: 26 });
  const found = testPrograms(parameters).find((candidate) => candidate.program.name === name)!;
  return networkOf({ ...found, program: { ...found.program, ...change } });
}

/** The same of a program of one's own. */
export async function networkOf(test: TestProgram): Promise<TestNetwork> {
  const { keys, material } = await makeMaterial(test);
  const inputs = await encryptInputs(material.program, keys.secretKey, testPicture);
  const interpreters = [
    await createReferenceInterpreter(material),
    await createEngineInterpreter(material, { threads: 1 }),
  ];
  const [reference, engine] = interpreters.map((each) => sha256(each.runEncrypted(inputs)));
  await Promise.all(interpreters.map((each) => each.close()));
  const selfTest = { reference: reference!, engine: engine! };
  const parts = {
    program: encodeProgram(test.program),
    'public-key': material.publicKey,
    constants: material.constants,
    'evaluation-keys': material.evaluationKeys,
    'self-test': encode(inputs),
  };
  return { ...test, keys, parts, selfTest };
}

export type TestBundle = {
  readonly wire: Uint8Array;
  readonly digest: string;
  readonly manifest: Manifest;
  readonly parts: TestNetwork['parts'];
};

/** Signs a release of a network. */
export function makeBundle(
  network: Pick<TestNetwork, 'parts' | 'selfTest'> & { readonly program: Pick<Program, 'name'> },
  ownerKey: KeyObject,
  change: Partial<Manifest> = {},
): TestBundle {
  const manifest: Manifest = {
    schema: 1,
    site: 'town',
    gateway: 'gate-1',
    model: network.program.name,
    modelVersion: 1,
    counter: 1,
    createdMs: 1_800_000_000_000,
    parts: BUNDLE_PARTS.map((name) => ({
      name,
      bytes: network.parts[name].length,
      sha256: sha256(network.parts[name]),
    })),
    selfTest: network.selfTest,
    ...change,
  };
  const wire = signManifest(manifest, ownerKey);
  return { wire, digest: manifestDigest(wire), manifest, parts: network.parts };
}
