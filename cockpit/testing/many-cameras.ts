import type { CameraView, SiteLines, SiteState } from '#protocol/api.ts';
import type { CameraState } from '#protocol/messages.ts';
import type { Situation } from '#protocol/situation.ts';
import { cameraOf, cameraStateOf, gatewayOf, mapResultOf, modelOf, resultOf, siteOf } from './fixtures.ts';

const PLACES = ['North gate', 'South gate', 'Platform', 'Ticket hall', 'Car park', 'Depot', 'Bridge', 'Quay'];
const GROUPS = ['Gates', 'Platforms', 'Yard'];
const HOUR_POINTS = 60;

export type ManyOptions = {
  /** The site's clock. */
  readonly nowMs: number;
  /** Cameras at each gateway. */
  readonly each?: number;
  readonly hasGroups?: boolean;
};

/** A site of many cameras that runs well; what they see differs and is always the same. Every third counts cars. */
export function manyCameras(count: number, { nowMs, each = 6, hasGroups = false }: ManyOptions): SiteState {
  const gateways = Array.from({ length: Math.ceil(count / each) }, (_, index) => `mast-${index + 1}`);
  const at = (agoMs: number) => new Date(nowMs - agoMs).toISOString();
  const cameras = Array.from({ length: count }, (_, index) => {
    const camera = `cam-${String(index + 1).padStart(2, '0')}`;
    const shared = { camera, frameTime: at(300 + 40 * (index % 7)), sequence: 1000 + index };
    const place = PLACES[index % PLACES.length]!;
    const round = Math.floor(index / PLACES.length);
    const isCount = index % 3 === 2;
    const cars = (index * 5) % 7;
    const person = index % 4 === 1;
    const { points: _points, ...counted } = mapResultOf({ ...shared, counts: { car: cars } });
    const label = isCount ? 'car' : 'person';
    const situation: Situation = {
      ...{ camera, label, present: isCount ? cars > 0 : person, since: at(60_000 * (7 + 13 * (index % 11))) },
      ...{ visitsToday: 1 + (index % 9) },
      ...(isCount && { count: cars, entriesToday: 12 + index, dwellSeconds: 340 }),
    };
    const result = isCount
      ? counted
      : resultOf({
          ...shared,
          label: person ? 'person' : 'empty',
          probability: 0.95,
          probabilities: person ? { empty: 0.05, person: 0.95 } : { empty: 0.95, person: 0.05 },
        });
    return cameraOf({
      ...{ camera, gateway: gateways[Math.floor(index / each)]!, result, situations: [situation] },
      displayName: round === 0 ? place : `${place} ${round + 1}`,
      ...(hasGroups && { groups: [GROUPS[index % GROUPS.length]!] }),
      // So slow that its answer holds for a minute: a test may take that long.
      state: cameraStateOf({
        ...{ camera, since: at(3_600_000), inferenceRate: 0.08 },
        size: { width: 1280, height: 720 },
      }),
    });
  });
  return siteOf({
    ...{ site: 'old-town', time: at(0), cameras },
    gateways: gateways.map((name) => gatewayOf({ name, since: at(9_000_000) })),
    models: [
      modelOf(),
      {
        ...modelOf({ name: 'carpark', version: 1, labels: ['car'], task: 'map' }),
        map: { height: 18, width: 32 },
      },
    ],
  });
}

/** The same site with some of its cameras changed, by number. */
export function withCameras(
  site: SiteState,
  changes: Readonly<Record<number, Partial<CameraView>>>,
): SiteState {
  return { ...site, cameras: site.cameras.map((camera, index) => ({ ...camera, ...changes[index] })) };
}

/** A camera that cannot be reached. */
export function deadState(camera: string, nowMs: number): CameraState {
  return cameraStateOf({
    ...{ camera, state: 'unreachable', captureRate: 0, inferenceRate: 0 },
    detail: 'No route to host 10.0.4.17.',
    since: new Date(nowMs - 1_500_000).toISOString(),
    nextRetry: new Date(nowMs + 21_000).toISOString(),
  });
}

/** The last hour of all cameras. */
export function linesOf({ cameras }: Pick<SiteState, 'cameras'>): SiteLines {
  const lines = cameras.map(({ camera }, index) => {
    const values = Array.from({ length: HOUR_POINTS }, (_, minute) => {
      const wave = Math.sin((minute + 7 * index) * 0.31) + Math.sin((minute * (3 + (index % 5))) / 7);
      return minute < (index % 4) * 3 ? null : Math.max(0, Math.round(wave * 10) / 10);
    });
    const answers = values.map((value) => (value === null ? 0 : 120));
    return { camera, labels: ['person'], answers, mean: [values], most: [values] };
  });
  return { sinceMs: 0, slotMs: 60_000, points: HOUR_POINTS, lines };
}
