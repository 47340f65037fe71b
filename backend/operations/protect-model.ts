import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import { Name } from '#protocol/names.ts';
import type { OutputPolicy } from '#protocol/output-policy.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { keepNetwork } from '../protection/keep-network.ts';
import { findNetwork } from '../protection/network-source.ts';
import type { ProtectProgress } from '../protection/protect-task.ts';
import { ProtectingThread } from '../protection/protecting-thread.ts';
import type { Site } from '../site.ts';
import type { NewModel } from '../store/models.ts';
import { checkOutput } from './check-output.ts';

export type ProtectModelOptions = {
  readonly site: Site;
  /** Name of a bundled network, or path of an ONNX file with its description `<file>.json` beside it. */
  readonly network: string;
  /** Name of the protected network; the one of the file by default. */
  readonly name?: string;
  /** Regions of interest that one ciphertext answers, a power of two; 1 where left out. */
  readonly regions?: number;
  /** What its answers tell; as the version before it where left out. */
  readonly output?: OutputPolicy;
  /** @param step a few words. @param fraction share that is done, 0 to 1. */
  readonly onProgress?: (step: string, fraction: number) => void;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
};

/**
 * Protects a network: compiles it, makes its keys, encrypts every parameter, proves the result by a self-test, and keeps it as the next
 * version of its name. Runs in a thread of its own; takes seconds to minutes.
 *
 * @throws BlindsightError NAME_INVALID, MODEL_UNREADABLE, SELF_TEST_FAILED, OUTPUT_TASK, and the codes of the layers below; the signal's reason.
 */
export async function protectModel(options: ProtectModelOptions): Promise<NewModel> {
  const { site, network, onProgress, signal, clock = systemClock } = options;
  signal?.throwIfAborted();
  const name = options.name ?? basename(network, '.onnx').toLowerCase();
  if (!Name.safeParse(name).success) {
    throw new BlindsightError('NAME_INVALID', `"${name}" cannot be the name of a network`);
  }
  const { regions = 1 } = options;
  const fingerprint = Uint8Array.from(randomBytes(32));
  const source = { name, source: await findNetwork(network), regions };
  const progress = {
    onProgress: ({ step, fraction }: ProtectProgress) => onProgress?.(step, fraction),
    ...(signal && { signal }),
  };
  const thread = new ProtectingThread();
  try {
    await thread.read(source, progress);
    const protectedNetwork = await thread.protect(fingerprint, 'both', progress);
    if (options.output !== undefined) checkOutput(options.output, protectedNetwork.interpretation);
    const made = await keepNetwork(site, name, protectedNetwork, clock.now(), fingerprint);
    if (options.output !== undefined) await site.store.models.setOutput(name, made.version, options.output);
    return made;
  } finally {
    await thread.close();
  }
}
