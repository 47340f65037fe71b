import { AnswerBounds } from '../decryption/answer-bounds.ts';
import type { EnvelopeChecks } from '../decryption/check-envelope.ts';
import { ReadEnvelopes } from '../decryption/read-envelopes.ts';
import { SignatureChecks } from '../decryption/signature-checks.ts';
import type { Site } from '../site.ts';

/** What envelopes of a site are checked with, whose limits nothing in a test reaches. */
export function makeEnvelopeChecks({ store, name }: Pick<Site, 'store' | 'name'>): EnvelopeChecks {
  const limits = { perCameraPerSecond: 640, ofCameras: new Map(), maxAgeMs: 1e9, formerReleaseMs: 1e9 };
  return {
    ...{ store, site: name, acceptsReference: true, formerReleaseMs: 1e9 },
    bounds: new AnswerBounds(store, limits),
    ...{ signatures: new SignatureChecks(), read: new ReadEnvelopes() },
  };
}
