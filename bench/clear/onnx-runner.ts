import { createRequire } from 'node:module';
import { importDevelopmentPackage } from './development-package.ts';
import type { Runner } from './runner.ts';

/** What both packages export alike. */
type Onnxruntime = Pick<typeof import('onnxruntime-web'), 'env' | 'InferenceSession' | 'Tensor'>;

/**
 * The native runtime where somebody installed it (bench/README.md says how): it has 288 MB, and its install script downloads more, so it is no
 * dependency. Else the one in WebAssembly.
 */
async function findOnnxruntime(): Promise<{ readonly name: string; readonly runtime: Onnxruntime }> {
  // By `require`, which looks in NODE_PATH; imports do not.
  const require = createRequire(import.meta.url);
  const native = 'onnxruntime-node';
  try {
    require.resolve(native);
  } catch {
    const name = 'onnxruntime-web';
    return { name, runtime: await importDevelopmentPackage<Onnxruntime>(name) };
  }
  return { name: native, runtime: require(native) as Onnxruntime };
}

/** An ONNX file in onnxruntime, on processor threads only. @param shape of its one input */
export async function openOnnx(file: string, shape: readonly number[], threads: number): Promise<Runner> {
  const { name, runtime } = await findOnnxruntime();
  const { env, InferenceSession, Tensor } = runtime;
  env.wasm.numThreads = threads;
  const session = await InferenceSession.create(file, { intraOpNumThreads: threads, logSeverityLevel: 3 });
  const input = session.inputNames[0]!;
  const output = session.outputNames[0]!;
  return {
    runtime: `${name} ${env.versions.common}`,
    async run(picture) {
      const outputs = await session.run({ [input]: new Tensor('float32', picture, shape) });
      return outputs[output]!.data as Float32Array;
    },
  };
}
