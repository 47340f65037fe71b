import type { KeyIndex } from '../../ckks/evaluation-keys.ts';
import type { PublicKey } from '../../ckks/serialization.ts';
import { FheError } from '../../errors.ts';
import type { VerifiedProgram } from '../../program/verifier.ts';
import { EngineContext } from '../evaluator/context.ts';
import { Encryptor } from '../evaluator/encryptor.ts';
import { RingSwitcher } from '../evaluator/ring-switcher.ts';
import type { KernelBuild } from '../threads/kernel-module.ts';
import { Window, type WindowPlan } from '../window/window.ts';
import { chooseResident } from './choose-resident.ts';
import { countUses, type MaterialUses } from './count-uses.ts';
import { listItems, type PlacedMaterial, placeMaterial } from './place-material.ts';
import { type Plan, planProgram } from './plan.ts';
import { type LaneInMemory, recordLane, type SharedMaterial } from './record-lane.ts';

/** What memory is made for. */
export type Subject = {
  readonly verified: VerifiedProgram;
  readonly publicKey: PublicKey;
  readonly index: KeyIndex;
};

export type MemoryLimits = {
  readonly threads: number;
  readonly build: KernelBuild;
  /** WebAssembly's 4 GiB where left out or above. */
  readonly memoryBytes?: number | undefined;
  /** Whether constants and keys may be read from disk. */
  readonly hasDisk: boolean;
};

/** An engine whose memory is given out and whose tapes are recorded; constants and keys are yet to be loaded. */
export type Prepared = {
  readonly engine: EngineContext;
  readonly shared: SharedMaterial;
  readonly lane: LaneInMemory;
  readonly placed: PlacedMaterial;
  /** What is read for every picture; null where all is in memory. */
  readonly window: Window | null;
  readonly plan: WindowPlan | null;
};

const MOST_BYTES = 2 ** 32;
const MIB = 2 ** 20;
/** Of a window, where there is memory for more than two chunks. A larger one takes memory from what could stay: see fhe/NOTEBOOK.md. */
const WINDOW_BYTES = 32 * MIB;
/** Waiting for a disk is not waiting for a dead thread. */
const DISK_PATIENCE_MS = 60_000;
/** How the memory that a recording takes differs from one to the next. */
const MARGIN_BYTES = MIB;

/**
 * Records a program in memory of the given size. Everything stays in memory where it fits: then there is no window, and a picture costs what it
 * costs without a limit. Else as much stays as fits beside a window.
 *
 * @throws FheError FHE_TOO_LARGE, FHE_MEMORY: see `createEngineInterpreter`
 */
export async function fitMemory(subject: Subject, limits: MemoryLimits): Promise<Prepared> {
  const { program } = subject.verified;
  const planned = planProgram(program);
  const uses = countUses(planned, program);
  const most = Math.min(limits.memoryBytes ?? MOST_BYTES, MOST_BYTES);
  const record = (choice: Choice): Promise<Prepared> => prepare(subject, planned, uses, choice);
  const { threads, build } = limits;
  try {
    return await record({ threads, build, mostBytes: most, isResident: () => true, windowBytes: null });
  } catch (error) {
    if (!(error instanceof FheError && error.code === 'FHE_TOO_LARGE' && limits.hasDisk)) throw error;
  }
  // How much memory everything else takes is known when all has been recorded once.
  const trial = await record({
    ...{ threads: 1, build, mostBytes: MOST_BYTES },
    ...{ isResident: () => false, windowBytes: MIB },
  });
  const items = listItems(trial.engine, program, uses, subject.index);
  const largest = trial.window!.largestBytes;
  const others = trial.engine.arena.usedBytes - MIB + MARGIN_BYTES;
  await trial.engine.close();
  if (others + largest > most) {
    const megabytes = (bytes: number): number => Math.ceil(bytes / MIB);
    throw new FheError(
      'FHE_MEMORY',
      `the engine may have ${megabytes(most)} MB of memory: the least that works is ${megabytes(others + largest)} MB`,
    );
  }
  const windowBytes = Math.min(Math.max(2 * largest, WINDOW_BYTES), most - others);
  const resident = chooseResident(items, most - others - windowBytes);
  return await record({
    ...{ threads, build, mostBytes: most, windowBytes },
    isResident: (item) => resident.has(item),
  });
}

type Choice = {
  readonly threads: number;
  readonly build: KernelBuild;
  readonly mostBytes: number;
  readonly isResident: (item: number) => boolean;
  readonly windowBytes: number | null;
};

async function prepare(
  { verified, publicKey, index }: Subject,
  plan: Plan,
  uses: MaterialUses,
  { isResident, windowBytes, ...options }: Choice,
): Promise<Prepared> {
  const { program, parameters } = verified;
  const patience = windowBytes === null ? {} : { patienceMs: DISK_PATIENCE_MS };
  const engine = new EngineContext(parameters, { ...options, ...patience });
  try {
    const { resultRing } = program;
    const encryptor = new Encryptor(engine, publicKey);
    const ringSwitcher =
      resultRing === undefined ? null : new RingSwitcher(engine, resultRing, index.ringSwitch!);
    const window = windowBytes === null ? null : new Window(engine.arena, windowBytes);
    const placed = placeMaterial(engine, program, uses, index, isResident);
    const shared: SharedMaterial = {
      encryptor,
      program: { engine, verified, plan, ringSwitcher, window, ...placed },
    };
    const lane = recordLane(shared, engine.pool.control);
    return {
      engine,
      shared,
      lane,
      placed,
      window,
      plan: window?.plan(lane.recorded.evaluation) ?? null,
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
}
