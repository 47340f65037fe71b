import { useState } from 'preact/hooks';
import type { CameraView, SiteState } from '#protocol/api.ts';
import type { RecordedEvent } from '#protocol/recorded-event.ts';
import { useRead } from '../hooks/use-read.ts';
import { useWords } from '../hooks/use-words.ts';
import { request } from '../site/request.ts';
import { cameraName } from '../view/camera-name.ts';
import { eventWords } from '../view/event-words.ts';
import { cameraLink } from '../view/route.ts';

/** Of one camera; of all cameras. */
const LIMIT = { one: 10, all: 100 } as const;
/** Events begin and end with answers, which come without a word of them. */
const EVERY_MS = 15_000;

type Props = {
  readonly site: SiteState;
  /** Only its events; by default those of all cameras. */
  readonly camera?: CameraView;
  /** The site's clock. */
  readonly nowMs: number;
  readonly mayReview: boolean;
};

/** What was there for a while, the latest first, to be looked through. */
export function EventList({ site, camera, nowMs, mayReview }: Props) {
  const words = useWords();
  const [isOpenOnly, setIsOpenOnly] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const query = new URLSearchParams({
    limit: String(camera === undefined ? LIMIT.all : LIMIT.one),
    ...(camera !== undefined && { camera: camera.camera }),
    ...(isOpenOnly && { reviewed: 'false' }),
  });
  const { value, hasFailed, again } = useRead<readonly RecordedEvent[]>(
    `api/recorded-events?${query}`,
    '',
    EVERY_MS,
  );
  const review = async (id: number) => {
    const answer = await request('POST', `api/recorded-events/${id}/review`);
    setFailure(answer.ok ? null : answer.message);
    await again();
  };
  const names = new Map(site.cameras.map((one) => [one.camera, cameraName(one)]));
  return (
    <section class="card" aria-labelledby="events-title">
      <header class="card-head">
        {camera === undefined ? (
          <h2 id="events-title">{words.events.title}</h2>
        ) : (
          <h3 id="events-title">{words.events.title}</h3>
        )}
        <fieldset class="tabs choice">
          <legend class="unseen">{words.events.which}</legend>
          {[false, true].map((one) => (
            <label key={String(one)}>
              <input
                type="radio"
                name="events"
                checked={one === isOpenOnly}
                onChange={() => setIsOpenOnly(one)}
              />
              {one ? words.events.open : words.events.all}
            </label>
          ))}
        </fieldset>
      </header>
      {hasFailed && <p class="quiet">{words.events.failed}</p>}
      {failure !== null && (
        <p class="field-problem" role="alert">
          {failure}
        </p>
      )}
      {value?.length === 0 && <p class="quiet">{words.events.none}</p>}
      {value !== null && value.length > 0 && (
        <ol class="records">
          {value.map((event) => {
            const { what, when, span } = eventWords(event, nowMs, words);
            const name = names.get(event.camera) ?? event.camera;
            return (
              <li key={event.id} class={event.reviewed === null ? 'record' : 'record is-done'}>
                <span class="record-time">{when}</span>
                <span class="record-what">
                  <strong>{what}</strong>
                  {camera === undefined && <a href={cameraLink(event.camera)}>{name}</a>}
                  <span class="quiet">{span}</span>
                </span>
                {event.reviewed !== null ? (
                  <span class="quiet">{words.events.reviewedBy(event.reviewed.by)}</span>
                ) : (
                  mayReview && (
                    <button
                      type="button"
                      class="plain"
                      aria-label={words.events.reviewOf(`${what}, ${name}, ${when}`)}
                      onClick={() => review(event.id)}
                    >
                      {words.events.review}
                    </button>
                  )
                )}
              </li>
            );
          })}
        </ol>
      )}
    </section>
  );
}
