import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { NetworkError } from '#network/errors.ts';

/**
 * Compiles the matrix kernel (`assembly/`, options in `asconfig.json`) to WebAssembly, the same bytes on every machine; takes about a second.
 *
 * @throws NetworkError NETWORK_TRAINING if the sources do not compile.
 */
export async function compileKernel(): Promise<Uint8Array> {
  let binary: Uint8Array | null = null;
  const baseDir = fileURLToPath(new URL('.', import.meta.url));
  const { error, stderr } = await asc.main(
    ['--config', 'asconfig.json', '--baseDir', baseDir, '--outFile', 'kernel.wasm'],
    {
      // Kept in memory: kernel-binary.ts is what runs.
      writeFile: (_name, contents) => {
        if (typeof contents !== 'string') binary = contents;
      },
    },
  );
  if (error !== null || binary === null) {
    throw new NetworkError('NETWORK_TRAINING', `the matrix kernel does not compile: ${stderr.toString()}`, {
      cause: error,
    });
  }
  return binary;
}
