import { keepNetwork } from '#backend/protection/keep-network.ts';
import type { ProtectedNetwork } from '#backend/protection/protect-task.ts';
import { enrolTestGateway, makeTestSite, releaseTo, type TestSite } from '#backend/testing/test-site.ts';
import { decodeProgram, type InterpreterMaterial, verifyProgram } from '#fhe';
import type { HeldGateway } from './held-gateway.ts';

/** Its name at the site. */
export const NETWORK = 'network';

/**
 * Makes a site in a temporary folder with one gateway, two days old, in the hands of a liar, that runs a network.
 *
 * @param network stays as it is; its keys are copied.
 */
export async function enrolLiar(
  network: ProtectedNetwork,
  nowMs: number,
): Promise<{ readonly site: TestSite; readonly gateway: HeldGateway }> {
  const site = await makeTestSite();
  const { labels, interpretation } = network;
  await keepNetwork(site, NETWORK, copyOf(network), nowMs);
  const signingKey = await enrolTestGateway(site, 'gate', '01', nowMs - 2 * 86_400_000);
  const bundle = await releaseTo(site, 'gate', NETWORK);
  const gateway: HeldGateway = {
    ...{ name: 'gate', signingKey, bundle, material: heldMaterial(network), labels },
    ...{ regions: interpretation.regions ?? 1, layout: interpretation.expected },
  };
  return { site, gateway };
}

function partOf(network: ProtectedNetwork, name: string): Uint8Array {
  return network.parts.find((part) => part.name === name)!.bytes;
}

function heldMaterial(network: ProtectedNetwork): InterpreterMaterial {
  return {
    program: verifyProgram(decodeProgram(partOf(network, 'program'))),
    constants: partOf(network, 'constants'),
    publicKey: partOf(network, 'public-key'),
    evaluationKeys: partOf(network, 'evaluation-keys'),
  };
}

function copyOf(network: ProtectedNetwork): ProtectedNetwork {
  const copy = (bytes: Uint8Array) => Uint8Array.from(bytes);
  return {
    ...network,
    onnx: copy(network.onnx),
    secretKey: copy(network.secretKey),
    resultSecretKey: network.resultSecretKey && copy(network.resultSecretKey),
  };
}
