import { createLogger, type Logger } from '#runtime/log.ts';

/** A log of the broker at its finest level, and the lines that it has written so far. */
export function logLines(): { readonly lines: string[]; readonly log: Logger } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { lines, log: createLogger({ name: 'broker', level: 'debug', format: 'json', destination }) };
}
