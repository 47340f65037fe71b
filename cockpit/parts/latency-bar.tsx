import type { Result } from '#protocol/messages.ts';
import { useWords } from '../hooks/use-words.ts';
import { formatDuration } from '../view/format.ts';
import { latencySplit } from '../view/latency.ts';

/** Where the time between frame and answer went: a stacked bar, and the same in numbers. */
export function LatencyBar({ latencyMs }: { latencyMs: Result['latencyMs'] }) {
  const words = useWords();
  const { totalMs, parts } = latencySplit(latencyMs, words);
  return (
    <div class="latency">
      <p class="fact-value">{formatDuration(totalMs, words)}</p>
      <div class="latency-bar" aria-hidden="true">
        {parts.map(({ key, share }) => (
          <span key={key} class={`latency-part latency-${key}`} style={{ flexGrow: share }} />
        ))}
      </div>
      <dl class="latency-parts">
        {parts.map(({ key, name, durationMs }) => (
          <div key={key}>
            <dt>
              <span class={`swatch latency-${key}`} aria-hidden="true" />
              {name}
            </dt>
            <dd>{formatDuration(durationMs, words)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
