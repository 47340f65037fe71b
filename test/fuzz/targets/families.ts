import type { Target } from '../target.ts';

/** Every parser of bytes that others write, by families: each is loaded by itself, because V8 counts the slower, the more it has loaded. */
export const FAMILIES: Readonly<Record<string, () => Promise<readonly Target[]>>> = {
  signed: async () => (await import('./signed.ts')).SIGNED_TARGETS,
  protocol: async () => (await import('./protocol.ts')).PROTOCOL_TARGETS,
  fhe: async () => (await import('./fhe.ts')).FHE_TARGETS,
  network: async () => (await import('./network.ts')).NETWORK_TARGETS,
  files: async () => (await import('./files.ts')).FILE_TARGETS,
  texts: async () => (await import('./texts.ts')).TEXT_TARGETS,
  archives: async () => (await import('./archives.ts')).ARCHIVE_TARGETS,
};
