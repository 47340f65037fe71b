import type { TargetedKeyboardEvent } from 'preact';
import { useMemo, useRef, useState } from 'preact/hooks';
import type { History } from '#protocol/api.ts';
import { historyColumns } from '#protocol/history-columns.ts';
import type { Result } from '#protocol/messages.ts';
import { bestLabel } from '#protocol/thin-history.ts';
import { usePlot } from '../hooks/use-plot.ts';
import type { Theme } from '../hooks/use-theme.ts';
import { useWords } from '../hooks/use-words.ts';
import { formatClock, formatCount, formatMoment, formatPercent } from '../view/format.ts';
import { historyWords, spanWords, startMs, WINDOW_MS } from '../view/history.ts';
import { keyMoment } from '../view/key-moment.ts';
import { seriesClass } from '../view/label-order.ts';
import { labelWords } from '../view/label-words.ts';
import { plotColumns } from '../view/plot-columns.ts';
import { countTop, ownBands, stackedBands } from '../view/stacked-columns.ts';

/** Time advances in steps, smaller for a shorter line: a plot that moves every second is distracting. */
const STEPS = 700;
const LEAST_STEP_MS = 1000;

type Props = {
  readonly history: History;
  readonly order: readonly string[];
  /** The newest answer. */
  readonly present: Result | null;
  readonly theme: Theme;
  /** What it spans at most, ms; by default an hour. */
  readonly windowMs?: number;
  readonly nowMs: number;
};

/** Probability or count of every label over the last hour or a longer span, and the numbers at the moment under the pointer; where no numbers are told, the labels alone. */
export function TimeLine({ history, order, present, theme, windowMs = WINDOW_MS, nowMs }: Props) {
  const words = useWords();
  const host = useRef<HTMLDivElement>(null);
  const [pointMs, setPointMs] = useState<number | null>(null);
  const counts = history.counts ?? present?.counts;
  const color = (label: string) => seriesClass(order, label, counts !== undefined);
  const stepMs = Math.max(
    LEAST_STEP_MS,
    Math.floor((nowMs - startMs(history, nowMs, windowMs)) / STEPS / 1000) * 1000,
  );
  const endMs = Math.ceil(nowMs / stepMs) * stepMs;
  const fromMs = startMs(history, endMs, windowMs);
  const isEvents = history.output === 'event';
  const plot = useMemo(() => plotColumns(history, endMs), [history, isEvents && endMs]);
  const isCount = counts !== undefined;
  const bands = useMemo(
    () =>
      history.task === 'labels'
        ? ownBands(plot)
        : stackedBands(plot, order, isCount ? Number.POSITIVE_INFINITY : 1),
    [plot, order.join('\n'), isCount],
  );
  const top = useMemo(() => (isCount ? countTop(bands) : 1), [bands, isCount]);
  const moveTo = usePlot(host, {
    ...{ times: plot.times, bands, color, theme, fromMs, endMs, top, onPoint: setPointMs },
    marks: history.withheld,
    formatDay: words.formatDay,
  });

  const index =
    pointMs === null
      ? -1
      : history.times.findLastIndex((time) => (isEvents ? time <= pointMs : time === pointMs));
  const span = spanWords(fromMs, endMs, words);
  const momentWords = (atMs: number) =>
    windowMs > WINDOW_MS ? formatMoment(atMs, nowMs, words) : formatClock(atMs);
  const title =
    index < 0 ? span : words.history.at(momentWords((isEvents ? pointMs : history.times[index]) ?? 0));
  const shownValue = (label: string) => {
    const known = present?.counts ?? present?.probabilities ?? {};
    if (index < 0) return Object.hasOwn(known, label) ? known[label] : undefined;
    return historyColumns(history)[history.labels.indexOf(label)]?.[index];
  };
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLDivElement>) => {
    const moved = keyMoment(event.key, history.times, pointMs, fromMs);
    if (moved === undefined) return;
    event.preventDefault();
    moveTo(moved);
  };
  const said = useMemo(() => historyWords(history, span, words), [history, span, words]);
  const withheld = history.withheld.filter((time) => time >= fromMs).length;
  const tells = isCount || (history.output === undefined && present?.output === undefined);
  const valueWords = (label: string) =>
    (isCount ? formatCount : formatPercent)(shownValue(label) ?? Number.NaN);
  const shownLabel = index < 0 ? present?.label : history.labels[bestLabel(history, index)];
  const shown = tells
    ? order.map((label) => `${labelWords(label, words)} ${valueWords(label)}`)
    : [labelWords(shownLabel ?? '', words)];
  return (
    <figure class="time-line">
      <figcaption>
        <span class="time-line-title">{title}</span>
        <ul class="legend">
          {order.map((label) => (
            <li key={label}>
              <span class={`swatch ${color(label)}`} aria-hidden="true" />
              {tells || label !== shownLabel ? labelWords(label, words) : <b>{labelWords(label, words)}</b>}
              {tells && <b> {valueWords(label)}</b>}
            </li>
          ))}
          {withheld > 0 && (
            <li title={words.history.withheldTitle}>
              <span class="swatch withheld-mark" aria-hidden="true" />
              {words.history.withheld}
            </li>
          )}
        </ul>
      </figcaption>
      <div
        class="plot"
        ref={host}
        role="slider"
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={() => moveTo(null)}
        aria-label={said}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, history.times.length - 1)}
        aria-valuenow={index < 0 ? Math.max(0, history.times.length - 1) : index}
        aria-valuetext={[index < 0 ? words.history.now : title, ...shown].join(', ')}
      />
      {history.times.length === 0 && <p class="plot-empty">{words.history.nothing(span)}</p>}
    </figure>
  );
}
