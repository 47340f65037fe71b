import { Writable } from 'node:stream';
import { destination as fileDescriptor, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import { SECRET_FIELDS } from '#protocol/redact.ts';
import { boundedLine } from './bounded-line.ts';

export type { Logger };
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type LoggerOptions = {
  /** Which daemon writes. */
  readonly name: string;
  readonly level: LogLevel;
  readonly format: 'json' | 'pretty';
  /** Where lines go; stderr by default, because stdout belongs to results. */
  readonly destination?: { write(line: string): unknown };
  /** Also gets each line, as JSON, redacted. */
  readonly recent?: { write(line: string): unknown };
};

/**
 * A pino logger whose lines are redacted and bounded as the last step before they leave, so that even error texts of other programs contain no
 * password, key or credential, and fill no disk. Writes synchronously: the last line before a crash is there.
 */
export function createLogger(options: LoggerOptions): Logger {
  const out = options.destination ?? fileDescriptor({ fd: 2, sync: true });
  const sink = options.format === 'pretty' ? prettySink(out) : out;
  return pino(
    {
      name: options.name,
      level: options.level,
      base: { name: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Redaction of lines sees strings; this also hides buffers and objects under such names.
      redact: {
        paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
        censor: '***',
      },
    },
    {
      write: (line: string) => {
        const bounded = boundedLine(line);
        options.recent?.write(bounded);
        sink.write(bounded);
      },
    },
  );
}

function prettySink(out: { write(line: string): unknown }): { write(line: string): unknown } {
  const stream = new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      out.write(line);
      done();
    },
  });
  return pretty({
    destination: stream,
    sync: true,
    colorize: process.stderr.isTTY,
    translateTime: 'HH:MM:ss',
    ignore: 'name',
  });
}
