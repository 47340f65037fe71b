import type { Clock } from '#runtime/clock.ts';
import type { Tracer } from '#runtime/tracing/tracer.ts';
import type { Answer } from '../inference/pipeline.ts';
import type { Entry } from './entry.ts';

export type AnswerTracesOptions = {
  readonly tracer: Tracer;
  readonly site: string;
  readonly gateway: string;
  readonly clock: Pick<Clock, 'now'>;
};

/** What of an answer its spans say: when, of which camera, by which network. */
type Traced = Pick<Answer, 'camera' | 'frameTimeMs' | 'preparedTimeMs' | 'readyTimeMs' | 'timings'> & {
  readonly host: { readonly bundle: { readonly manifest: { readonly model: string } } };
};

/** Tells of some answers when they were where on the gateway: one trace for each envelope, with all answers that were gathered in it. */
export class AnswerTraces {
  readonly #options: AnswerTracesOptions;

  constructor(options: AnswerTracesOptions) {
    this.#options = options;
  }

  /** An envelope is on disk. Its root ends here, not with the receipt: that may come days later, to another process. */
  recorded(answers: readonly Traced[], entry: Pick<Entry, 'session' | 'sequence' | 'storedMs'>): void {
    const { clock } = this.#options;
    const trace = this.#trace(entry);
    if (trace === null) return;
    for (const { camera, frameTimeMs, preparedTimeMs, readyTimeMs, timings, host } of answers) {
      const facts = { camera, network: host.bundle.manifest.model };
      const takenMs = preparedTimeMs - timings.prepareMs;
      const encryptedMs = readyTimeMs - timings.evaluateMs;
      trace.span('capture', frameTimeMs, takenMs, facts);
      trace.span('prepare', takenMs, preparedTimeMs, facts);
      trace.span('encrypt', encryptedMs - timings.encryptMs, encryptedMs, facts);
      trace.span('evaluate', encryptedMs, readyTimeMs, facts);
      if (answers.length > 1) trace.span('gather', readyTimeMs, entry.storedMs, facts);
    }
    const first = answers[0]!;
    const oldestMs = Math.min(...answers.map(({ frameTimeMs }) => frameTimeMs));
    trace.root('answer', oldestMs, clock.now(), {
      ...{ gateway: this.#options.gateway, camera: first.camera },
      network: first.host.bundle.manifest.model,
    });
  }

  /**
   * The backend's receipt of an envelope came.
   *
   * @param sentMs when it left on this connection; undefined where it has not
   */
  delivered(
    entry: Pick<Entry, 'session' | 'sequence' | 'storedMs' | 'camera' | 'bytes' | 'openingBytes'>,
    sentMs: number | undefined,
  ): void {
    const trace = this.#trace(entry);
    if (trace === null) return;
    const { camera, storedMs, bytes, openingBytes } = entry;
    const nowMs = this.#options.clock.now();
    const facts = { camera, bytes: bytes - openingBytes };
    trace.span('outbox', storedMs, sentMs ?? nowMs, facts);
    if (sentMs !== undefined) trace.span('publish', sentMs, nowMs, facts);
  }

  #trace({ session, sequence }: Pick<Entry, 'session' | 'sequence'>) {
    const { tracer, site, gateway } = this.#options;
    return tracer.trace({ site, gateway, session, sequence });
  }
}
