import { useRef } from 'preact/hooks';
import type { ModelView } from '#protocol/api.ts';
import type { MapResult } from '#protocol/messages.ts';
import type { Zone } from '#protocol/zone.ts';
import { useWidth } from '../hooks/use-width.ts';
import { useWords } from '../hooks/use-words.ts';
import { type FollowedPoint, followPoints } from '../view/follow-points.ts';
import { labelPlace } from '../view/label-place.ts';
import { countedWords, wholeAnswer } from '../view/label-words.ts';

/** Width of the drawing in its own units. */
const ACROSS = 1000;
/** Least radius of a dot and size of letters, in CSS pixels. */
const LEAST_DOT = 6;
const LETTERS = 15;
/** Most height of the plan, in rem. */
const MOST_REM = 28;
/** Lines over the empty plan, from edge to edge. */
const GRID = 8;

type Props = {
  readonly camera: string;
  readonly result: MapResult;
  readonly zones: readonly Zone[];
  readonly map: ModelView['map'];
  /** Width : height. */
  readonly ratio: number;
  /** CSS class that colors a label. */
  readonly color: (label: string) => string;
  readonly isStale: boolean;
};

/** An empty plan in the form of the picture, with a dot for each thing that the answer found, and the zones that are drawn in it. There is no picture. */
export function MapPlan({ camera, result, zones, map, ratio, color, isStale }: Props) {
  const words = useWords();
  const plan = useRef<SVGSVGElement>(null);
  const pixel = ACROSS / useWidth(plan, ACROSS);
  const height = Math.round(ACROSS / ratio);
  const points = useFollowed(result);
  const radius = Math.max((0.45 * ACROSS) / (map?.width ?? ACROSS), LEAST_DOT * pixel);
  const counts = new Map((result.zones ?? []).map((zone) => [zone.name, zone.counts]));
  return (
    <svg
      ref={plan}
      class={`plan ${isStale ? 'is-stale' : ''}`}
      style={{ maxWidth: `${MOST_REM * ratio}rem` }}
      viewBox={`0 0 ${ACROSS} ${height}`}
      role="img"
      aria-label={words.camera.plan(camera, wholeAnswer(result, words))}
    >
      <rect class="plan-ground" width={ACROSS} height={height} />
      <path class="plan-grid" d={gridPath(height)} />
      {zones.map((zone) => (
        <ZoneShape key={zone.name} {...{ zone, height, pixel }} counts={counts.get(zone.name)} />
      ))}
      {points.map(({ id, label, x, y }) => (
        <g
          key={id}
          class={`plan-dot ${color(label)}`}
          style={{ transform: `translate(${x * ACROSS}px, ${y * height}px)` }}
        >
          <circle r={radius} />
        </g>
      ))}
    </svg>
  );
}

/** The points of the newest answer, each with the number that it had in the answer before. */
function useFollowed({ points = [], frameTime, sequence }: MapResult): readonly FollowedPoint[] {
  const answer = `${frameTime} ${sequence}`;
  const last = useRef<{ readonly answer: string; readonly points: readonly FollowedPoint[] } | null>(null);
  if (last.current?.answer !== answer)
    last.current = { answer, points: followPoints(last.current?.points ?? [], points) };
  return [...last.current.points].sort((a, b) => a.id - b.id);
}

type ZoneProps = {
  readonly zone: Zone;
  /** Undefined until an answer has counted in it. */
  readonly counts: MapResult['counts'] | undefined;
  readonly height: number;
  readonly pixel: number;
};

function ZoneShape({ zone, counts, height, pixel }: ZoneProps) {
  const words = useWords();
  const corners = zone.corners.map(([x, y]) => [x * ACROSS, y * height] as const);
  const place = labelPlace(corners, LETTERS * pixel);
  const values = Object.values(counts ?? {});
  const count =
    counts === undefined ? '' : ` ${values.length === 1 ? values[0] : countedWords(counts, words)}`;
  return (
    <g class="plan-zone">
      <polygon points={corners.map((corner) => corner.join(',')).join(' ')} />
      <text {...place} font-size={LETTERS * pixel}>
        {zone.name}
        <tspan class="plan-count">{count}</tspan>
      </text>
    </g>
  );
}

function gridPath(height: number): string {
  const lines = Array.from({ length: GRID - 1 }, (_, i) => (i + 1) / GRID);
  return lines.map((at) => `M${at * ACROSS} 0V${height}M0 ${at * height}H${ACROSS}`).join('');
}
