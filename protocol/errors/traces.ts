/** Codes of OpenTelemetry traces; part of the one registry in ../errors.ts. */
export const TRACE_ERRORS = {
  TRACING_HEADERS: {
    meaning: 'The file of `tracing.headersFile` has a line that is no header. Nothing is traced.',
    action: 'Write one header a line, as `name: value`, and start again.',
  },
  TRACING_UNAVAILABLE: {
    meaning:
      'The collector does not take traces. Those that it should have had are lost; answers go their way as always.',
    action:
      'Check `tracing.endpoint`, that the collector runs there and takes OTLP over HTTP, and its certificate where it is https.',
  },
} as const;
