import type { EventHour } from '../store/recorded-events.ts';
import type { Store } from '../store/store.ts';

const HOUR_MS = 3_600_000;
/** Events of a camera that are kept in an hour: more than that nobody looks at, and a flickering label has thousands. */
export const MAX_HOURLY_EVENTS = 120;

/** Bounds how many events of a camera are kept in an hour. The journal tells when it begins to leave some out, and how many there were. */
export class EventHours {
  #hours: Map<string, EventHour> | null = null;

  async load(inside: Store): Promise<Map<string, EventHour>> {
    this.#hours ??= new Map(await inside.recordedEvents.hours());
    return this.#hours;
  }

  reset(): void {
    this.#hours = null;
  }

  /** Counts an event. @returns whether it is to be kept. */
  async add(inside: Store, camera: string, nowMs: number): Promise<boolean> {
    const hours = await this.load(inside);
    const hourMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
    const known = hours.get(camera);
    // Also an earlier one: a clock was set back.
    if (known === undefined || known.hourMs !== hourMs) {
      if (known !== undefined) await tell(inside, camera, known, nowMs);
      return this.#put(inside, camera, { hourMs, kept: 1, omitted: 0 }, true);
    }
    if (known.kept < MAX_HOURLY_EVENTS)
      return this.#put(inside, camera, { ...known, kept: known.kept + 1 }, true);
    if (known.omitted === 0)
      await inside.journal.add({
        ...{ timeMs: nowMs, level: 'warn', code: 'EVENTS_OMITTED', subject: camera },
        message: `${camera} has had ${MAX_HOURLY_EVENTS} events since ${isoTime(known.hourMs)}; further ones of this hour are counted, and not kept`,
      });
    return this.#put(inside, camera, { ...known, omitted: known.omitted + 1 }, false);
  }

  /** Tells of the hours that are over. */
  async tick(inside: Store, nowMs: number): Promise<void> {
    for (const [camera, hour] of await this.load(inside)) {
      if (hour.omitted === 0 || nowMs < hour.hourMs + HOUR_MS) continue;
      await tell(inside, camera, hour, nowMs);
      await this.#put(inside, camera, { ...hour, omitted: 0 }, false);
    }
  }

  async #put(inside: Store, camera: string, hour: EventHour, isKept: boolean): Promise<boolean> {
    this.#hours?.set(camera, hour);
    await inside.recordedEvents.putHour(camera, hour);
    return isKept;
  }
}

async function tell(
  inside: Store,
  camera: string,
  { hourMs, omitted }: EventHour,
  nowMs: number,
): Promise<void> {
  if (omitted === 0) return;
  await inside.journal.add({
    ...{ timeMs: nowMs, level: 'warn', code: 'EVENTS_OMITTED', subject: camera },
    message: `${camera} had ${omitted} more events in the hour from ${isoTime(hourMs)} than are kept`,
  });
}

const isoTime = (ms: number): string => new Date(ms).toISOString();
