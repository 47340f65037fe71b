import { createEngineInterpreter, type Interpreter, pictureValues } from '#fhe';
import type { HeldGateway } from './held-gateway.ts';

/** An answer of the network about a gray picture. @param gray 0 to 1 */
export async function honestAnswer(
  { material }: HeldGateway,
  gray = 0.4,
): Promise<ReturnType<Interpreter['run']>> {
  const interpreter = await createEngineInterpreter(material, { threads: 1 });
  try {
    const { program } = material.program;
    return interpreter.run(new Float32Array(pictureValues(program)).fill(gray));
  } finally {
    await interpreter.close();
  }
}
