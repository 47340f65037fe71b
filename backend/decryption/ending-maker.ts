import { answerWords } from '#protocol/answer-words.ts';
import { type Envelope, placesOf } from '#protocol/envelope.ts';
import type { MapAnswer, Result } from '#protocol/messages.ts';
import type { OutputPolicy } from '#protocol/output-policy.ts';
import type { Clock } from '#runtime/clock.ts';
import type { InboxItem } from '../store/inbox.ts';
import type { ModelRecord } from '../store/models.ts';
import type { Store } from '../store/store.ts';
import type { CheckedAnswer, CheckedEnvelope, RefusedEnvelope } from './check-envelope.ts';
import { countZones } from './count-zones.ts';
import type { DecryptAnswer } from './decrypt-task.ts';
import { LabelEvents } from './label-events.ts';
import type { RegionAnswer } from './round-answer.ts';
import { type Ending, frameTime, type Verdict } from './settle.ts';

/** What a decryption came to; `no-end` for an envelope whose decryption never ends. */
export type Opened = DecryptAnswer | { readonly kind: 'withheld'; readonly reason: 'no-end' };

/** Says how the answers of an envelope end, by what the decryptor read. */
export class EndingMaker {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #events: LabelEvents;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#events = new LabelEvents(store);
  }

  /**
   * Call it in the order in which envelopes came: under the policy `event` what is news depends on it.
   *
   * @param begunMs when the envelope was taken up, on the monotonic clock
   */
  async endings(
    item: InboxItem,
    { answers, model, envelope }: Pick<CheckedEnvelope, 'answers' | 'model' | 'envelope'>,
    read: Opened,
    begunMs: number,
  ): Promise<readonly Ending[]> {
    if (read.kind === 'refused') return endAll(answers, { kind: 'refused', reason: 'ciphertext' });
    if (read.kind === 'gathered') {
      const endings: Ending[] = [];
      for (const [i, one] of answers.entries())
        endings.push(
          ...(await this.endings(item, { answers: [one], model, envelope }, read.each[i]!, begunMs)),
        );
      return endings;
    }
    // Of gathered answers none reaches the place of another: what stands where none is was put there.
    const isShared = answers.length > 1 && envelope.later === undefined;
    // It may be another camera's picture that spoils them all.
    const isOfAny = read.kind === 'withheld' && read.reason !== 'no-end' && isShared;
    if (read.kind === 'withheld')
      return endAll(answers, {
        kind: 'withheld',
        reason:
          isOfAny && (read.reason !== 'out-of-range' || !model.interpretation.expected.includes(-1))
            ? 'company'
            : read.reason,
      });
    const endings: Ending[] = [];
    let place = 0;
    for (const { answer, refusal } of answers) {
      const count = placesOf(answer);
      const own = read.answers.slice(place, place + count);
      place += count;
      const verdict: Verdict =
        refusal !== null
          ? { kind: 'passed', reason: refusal }
          : isTrusted(own)
            ? { kind: 'answer', results: await this.#resultsOf(item, answer, model, own, begunMs) }
            : { kind: 'withheld', reason: 'out-of-range' };
      endings.push({ answer, verdict });
    }
    return endings;
  }

  /** How the answers of an envelope end that is not decrypted; null where they take no place in the sequence. */
  refused({ reason, settles, passes }: RefusedEnvelope): readonly Ending[] | null {
    const answers = settles ?? passes;
    if (answers === null) return null;
    return endAll(answers, settles === null ? { kind: 'passed', reason } : { kind: 'refused', reason });
  }

  /**
   * What is given out of an answer about one picture.
   *
   * @param read one for each of its regions, and perhaps more
   */
  async #resultsOf(
    item: InboxItem,
    answer: Envelope,
    model: ModelRecord,
    read: readonly RegionAnswer[],
    begunMs: number,
  ): Promise<readonly Result[]> {
    const clock = this.#clock;
    const frameMs = frameTime(answer, item);
    const { prepareMs, encryptMs, evaluateMs } = answer.timings;
    const frame = {
      frameTime: new Date(frameMs).toISOString(),
      sequence: answer.sequence,
      historical: answer.historical,
      latencyMs: {
        prepare: prepareMs,
        encrypt: encryptMs,
        evaluate: evaluateMs,
        transport: Math.max(0, Math.round(item.receivedMs - answer.readyTimeMs)),
        decrypt: Math.round((clock.monotonic() - begunMs) * 10) / 10,
        total: Math.max(0, Math.round(clock.now() - frameMs)),
      },
    };
    const answers = await this.#inZones(answer.camera, read, answer);
    // Answers beyond the regions that were named are copies that fill the ciphertext.
    const results = (answer.regions ?? [undefined]).map(
      (region, i): Result => ({
        camera: answer.camera,
        ...(region !== undefined && { region }),
        model: model.name,
        modelVersion: model.version,
        ...answers[i]!,
        ...(model.output.output !== 'rounded' && { output: model.output.output }),
        ...frame,
      }),
    );
    return this.#news(results, model.output, frameMs);
  }

  /** Adds to a map how many of its points are in each zone of its camera. A camera that answers about named parts of its picture has none. */
  async #inZones(
    camera: string,
    answers: readonly RegionAnswer[],
    { regions }: Envelope,
  ): Promise<readonly (RegionAnswer | MapAnswer)[]> {
    if (regions !== undefined || answers[0]?.task !== 'map') return answers;
    const zones = await this.#store.zones.of(camera);
    return zones.length === 0 ? answers : answers.map((answer) => countZones(answer, zones));
  }

  /** What of an answer is given out: all of it, or under the policy `event` those regions whose label has changed. The rest is forgotten here. */
  async #news(results: readonly Result[], policy: OutputPolicy, frameMs: number): Promise<readonly Result[]> {
    if (policy.output !== 'event') {
      for (const { camera } of results) this.#events.forget(camera);
      return results;
    }
    const news: Result[] = [];
    for (const result of results)
      if (await this.#events.add({ ...result, label: answerWords(result), frameMs }, policy.equal))
        news.push(result);
    return news;
  }
}

/** All answers end alike, but for those that were refused by themselves before. */
function endAll(answers: readonly CheckedAnswer[], verdict: Verdict): readonly Ending[] {
  return answers.map(({ answer, refusal }) => ({
    answer,
    verdict: refusal === null ? verdict : { kind: 'passed', reason: refusal },
  }));
}

const isTrusted = (answers: readonly (RegionAnswer | null)[]): answers is readonly RegionAnswer[] =>
  !answers.includes(null);
