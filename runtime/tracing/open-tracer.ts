import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '../clock.ts';
import { readSecretFile } from '../files.ts';
import type { Logger } from '../log.ts';
import type { OtlpTracerOptions } from './otlp-tracer.ts';
import type { Tracer } from './tracer.ts';

export type TracerSettings = {
  /** Where an OTLP receiver takes traces over HTTP. */
  readonly endpoint: string;
  /** Of all envelopes, which is traced. */
  readonly share: number;
  /** Lines `name: value` that each request has as headers. */
  readonly headersFile?: string | undefined;
};

/**
 * Makes what traces are told to. The library behind it is loaded here and nowhere else: where nothing is traced, it costs nothing.
 *
 * @returns null where tracing is off, and where it cannot begin, which is logged: it must not keep a daemon from its work
 */
export async function openTracer(
  settings: TracerSettings | undefined,
  options: Pick<OtlpTracerOptions, 'service'> & { readonly clock: Clock; readonly log: Logger },
): Promise<Tracer | null> {
  if (settings === undefined) return null;
  const { endpoint, share, headersFile } = settings;
  try {
    const headers = headersFile === undefined ? {} : await readHeaders(headersFile);
    const { OtlpTracer } = await import('./otlp-tracer.ts');
    options.log.info({ endpoint, share }, 'traces are sent');
    return new OtlpTracer({ ...options, endpoint, share, headers });
  } catch (err) {
    options.log.error({ err }, 'nothing is traced: tracing cannot begin');
    return null;
  }
}

const HEADER = /^([A-Za-z0-9-]{1,64}):[ \t]*([\x20-\x7e]{1,4096})$/;

/** @throws BlindsightError FILE_UNREADABLE, SECRET_EXPOSED, WRONG_USER, TRACING_HEADERS */
async function readHeaders(file: string): Promise<Record<string, string>> {
  const lines = (await readSecretFile(file)).toString('utf8').split(/\r?\n/);
  const headers: Record<string, string> = {};
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const [, name, value] = HEADER.exec(line.trim()) ?? [];
    // Not what it says: it may be a password.
    if (name === undefined || value === undefined)
      throw new BlindsightError('TRACING_HEADERS', `${file}: line ${i + 1} is not "name: value"`);
    headers[name] = value;
  }
  return headers;
}
