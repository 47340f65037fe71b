import { listZoo } from '#network/model/description/zoo.ts';
import type { ClearResult } from './clear-result.ts';
import { compareForms, type Patience } from './compare-forms.ts';

export type ClearBenchOptions = {
  /** Names of bundled networks, or ONNX files; all bundled ones where there are none. */
  readonly networks?: readonly string[];
  /** One short round: the numbers scatter. */
  readonly quick?: boolean;
  readonly onProgress?: (text: string, share: number) => void;
  /** Called when a network is done. */
  readonly onResult?: (result: ClearResult) => Promise<void>;
  readonly signal?: AbortSignal;
};

const FULL: Patience = { rounds: 8, milliseconds: 1000 };
const QUICK: Patience = { rounds: 1, milliseconds: 100 };

/**
 * Measures networks encrypted and in the clear with onnxruntime, one network after the other.
 *
 * @throws as `compareForms`
 */
export async function benchClear({
  networks = [],
  quick = false,
  onProgress = () => {},
  onResult = async () => {},
  signal,
}: ClearBenchOptions = {}): Promise<ClearResult[]> {
  const names = networks.length > 0 ? networks : await listZoo();
  const patience = quick ? QUICK : FULL;
  const results: ClearResult[] = [];
  for (const [i, name] of names.entries()) {
    const share = (round: number): number => (i + round / patience.rounds) / names.length;
    onProgress(name, share(0));
    const result = await compareForms(name, patience, (round) => onProgress(name, share(round)), signal);
    results.push(result);
    await onResult(result);
  }
  return results;
}
