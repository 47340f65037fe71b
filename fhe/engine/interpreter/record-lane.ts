import { pictureValues } from '../../program/picture-values.ts';
import type { Register } from '../../program/program.ts';
import type { Block } from '../evaluator/context.ts';
import type { Encryptor } from '../evaluator/encryptor.ts';
import type { RecordedLane } from './lane.ts';
import { type ProgramMaterial, recordProgram } from './recorder.ts';

/** What all lanes of an engine read. */
export type SharedMaterial = { readonly encryptor: Encryptor; readonly program: ProgramMaterial };

export type LaneInMemory = {
  readonly recorded: RecordedLane;
  /** By input of the program; none for one that is never encrypted. */
  readonly inputs: readonly Block[];
};

/** Records room and tapes for one picture at a time. @param control of the threads that will run them */
export function recordLane({ encryptor, program: material }: SharedMaterial, control: number): LaneInMemory {
  const { engine, verified, plan } = material;
  const { program } = verified;
  const registers = new Map<Register, Block>();
  const inputs: Block[] = [];
  for (const { input, register } of plan.inputs) {
    const block = engine.allocate(2, program.inputs[input]!.level);
    registers.set(register, block);
    inputs[input] = block;
  }
  const encryption = engine.recorder(control);
  const used = plan.inputs.map(({ input }) => input);
  const picture = encryptor.record(
    encryption,
    used.map((input) => program.inputs[input]!),
    used.map((input) => inputs[input]!),
    pictureValues(program),
  );
  const { tape: evaluation, answer: residues } = recordProgram(material, registers, engine.recorder(control));
  // Another lane must not find room in this one's registers.
  engine.arena.keepReturned();
  const { size, level, scale } = verified.registers.get(verified.output)!;
  const { moduli, specialModuli, ringDegree } = verified.resultParameters;
  const recorded: RecordedLane = {
    ...{ control, picture, encryption: encryption.finish(), evaluation, residues },
    shape: {
      picture: program.picture,
      ...(program.regions !== undefined && { regions: program.regions }),
    },
    answer: {
      parameters: { ringDegree, moduli, specialModuli },
      compact: program.resultRing !== undefined,
      ...{ size, level, scale },
    },
  };
  return { recorded, inputs };
}
