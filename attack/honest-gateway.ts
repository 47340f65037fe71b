import { randomBytes } from 'node:crypto';
import { createEngineInterpreter, type Interpreter } from '#fhe';
import { type AnswerPlace, encryptionSeed, OPENING_SEED_BYTES, type Opening } from '#protocol/opening.ts';
import { pictureInputs } from '#vision/picture-input.ts';
import type { HeldGateway } from './held-gateway.ts';

/** An answer, and what it was computed from. */
export type OpenableAnswer = { readonly ciphertext: Uint8Array; readonly opening: Opening };

/** The part of a liar that is an honest gateway: runs the network on gray pictures, and can open what comes of it. */
export class HonestGateway {
  readonly #gateway: HeldGateway;
  readonly #interpreter: Interpreter;

  private constructor(gateway: HeldGateway, interpreter: Interpreter) {
    this.#gateway = gateway;
    this.#interpreter = interpreter;
  }

  static async open(gateway: HeldGateway): Promise<HonestGateway> {
    return new HonestGateway(gateway, await createEngineInterpreter(gateway.material, { threads: 1 }));
  }

  /** @param place what the answer is about. @param gray 0 to 255 */
  answer(place: AnswerPlace, gray = 100): OpenableAnswer {
    const { picture: format, regions = 1 } = this.#gateway.material.program.program;
    const picture = new Uint8Array(regions * format.channels * format.height * format.width).fill(gray);
    const seed = new Uint8Array(randomBytes(OPENING_SEED_BYTES));
    const { ciphertext } = this.#interpreter.run(
      pictureInputs(picture, format, regions),
      encryptionSeed(seed, place),
    );
    return { ciphertext: new Uint8Array(ciphertext), opening: { picture, seed } };
  }

  close(): Promise<void> {
    return this.#interpreter.close();
  }
}
