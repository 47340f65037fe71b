// The thread that decrypts, with a SEAL that is aborted while it decrypts unless the file $BLINDSIGHT_BROKEN is there, which it leaves then.
import { registerHooks } from 'node:module';

const SOURCE = `
import { existsSync, writeFileSync } from 'node:fs';
import start from './seal_throws.js';
export default async () => {
  const seal = await start({ locateFile: (path) => new URL(path, import.meta.url).href });
  const decrypt = seal.Decryptor.prototype.decrypt;
  seal.Decryptor.prototype.decrypt = function (...given) {
    const file = process.env.BLINDSIGHT_BROKEN;
    if (existsSync(file)) return decrypt.apply(this, given);
    writeFileSync(file, '');
    throw new WebAssembly.RuntimeError('Aborted(out of memory)');
  };
  return seal;
};`;

registerHooks({
  load: (url, context, next) =>
    url.endsWith('/node-seal/dist/index_throws.js')
      ? { format: 'module', shortCircuit: true, source: SOURCE }
      : next(url, context),
});
await import('../decryption/decrypt-thread.ts');
