import { createHash } from 'node:crypto';

/** What gateway and backend both know of an envelope. */
export type EnvelopePlace = {
  readonly site: string;
  readonly gateway: string;
  readonly session: number;
  /** Of its first answer. */
  readonly sequence: number;
};

/** How OpenTelemetry calls what is told about an envelope, wherever it is told. */
export type TraceName = {
  /** 16 bytes, hex. */
  readonly traceId: string;
  /** 8 bytes, hex: of the span that all others belong to. */
  readonly rootId: string;
  /** From 0 to below 1: who traces a share of all envelopes traces those below it. Whoever traces a larger one traces all of these, too. */
  readonly point: number;
};

/**
 * The trace of an envelope, and whether it is one of those that are traced: from its place alone, so that nothing crosses the wire for it. It is no secret, and
 * proves nothing: whoever may write to the collector can add to any trace.
 */
export function traceName({ site, gateway, session, sequence }: EnvelopePlace): TraceName {
  const digest = createHash('sha256')
    .update(`blindsight trace 1\0${site} ${gateway} ${session} ${sequence}`)
    .digest();
  return {
    traceId: digest.toString('hex', 0, 16),
    rootId: digest.toString('hex', 16, 24),
    point: digest.readUIntBE(24, 6) / 2 ** 48,
  };
}
