import type { UplinkOptions } from '#agent/uplink/uplink.ts';
import { systemClock as clock } from '#runtime/clock.ts';

/** What an uplink says and does beside answers, for a gateway of one camera that always streams and one network that always runs: whatever else it is sent, it ignores. */
export function answersOnly(version: string, camera: string, bundle: string) {
  return {
    birth: () => ({ version, platform: version, cameras: [camera], bundle }),
    cameraStates: () => [
      {
        ...{ camera, state: 'streaming' as const, detail: '', nextRetry: null },
        ...{ since: new Date(clock.now()).toISOString(), captureRate: 1, inferenceRate: 1 },
      },
    ],
    goneCameras: { gone: [], forget: async () => {} },
    reported: () => ({
      bundle: {
        ...{ status: 'active', active: bundle, previous: null, counter: 1, progress: 1 },
        ...{ subject: bundle, error: null },
      },
    }),
    onManifest: () => {},
    onChunk: () => {},
    onConfiguration: () => {},
    onCommand: () => {},
    onChallenge: () => {},
    onSoftware: () => {},
    onTrust: () => {},
    onAuditor: () => {},
  } satisfies Partial<UplinkOptions>;
}
