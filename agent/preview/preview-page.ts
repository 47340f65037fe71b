import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

export type PageFile = { readonly type: string; readonly body: Uint8Array };

const SCRIPT = 'text/javascript; charset=utf-8';
const FILES = {
  '/': ['text/html; charset=utf-8', new URL('./page/index.html', import.meta.url)],
  '/preview.css': ['text/css; charset=utf-8', new URL('./page/preview.css', import.meta.url)],
  '/preview.mjs': [SCRIPT, new URL('./page/preview.mjs', import.meta.url)],
  // Decodes what node-rtsp-stream's muxer makes.
  '/jsmpeg.mjs': [SCRIPT, new URL(import.meta.resolve('@cycjimmy/jsmpeg-player'))],
} as const;

/** Own files only. The decoder brings its styles inline. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "connect-src 'self'",
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The files of the preview page by path; nothing in them is secret. */
export async function readPreviewPage(): Promise<ReadonlyMap<string, PageFile>> {
  const read = Object.entries(FILES).map(async ([path, [type, url]]) => {
    return [path, { type, body: await readFile(fileURLToPath(url)) }] as const;
  });
  return new Map(await Promise.all(read));
}
