import type { Snapshot } from './snapshot.ts';

/** As long as the watchdog of systemd waits, and longer than any network takes. */
const STUCK_MS = 60_000;

/** Why a gateway does not do its work, or not all of it, in sentences without secrets; none where all is well. */
export function findProblems(snapshot: Snapshot): string[] {
  const { cameras, outbox, obstacle, reported, isRunning, stuckMs, certificateEndMs, nowMs } = snapshot;
  const dark = cameras.filter(({ state }) => state !== 'streaming' && state !== 'disabled');
  const { error } = reported.bundle;
  return [
    ...(stuckMs > STUCK_MS ? [`no picture has been finished for ${Math.round(stuckMs / 1000)} s`] : []),
    ...(certificateEndMs !== null && certificateEndMs <= nowMs ? ['its certificate has expired'] : []),
    ...(obstacle === null ? [] : [obstacle]),
    ...(outbox.trouble === undefined ? [] : [`answers are lost: ${outbox.trouble.message}`]),
    ...(isRunning ? [] : [`no network runs${error === null ? '' : `: ${error.message} (${error.code})`}`]),
    ...dark.map(({ camera, detail }) => `camera ${camera} sends no pictures: ${detail}`),
  ];
}
