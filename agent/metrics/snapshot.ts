import type { CameraState, Health, Reported } from '#protocol/messages.ts';

/** How a gateway does at one moment: what its metrics, its health, and its diagnostics tell. */
export type Snapshot = {
  readonly site: string;
  readonly gateway: string;
  /** Of the software. */
  readonly version: string;
  readonly nowMs: number;
  /** With the last words of their decoders. */
  readonly cameras: readonly (CameraState & { readonly lastLines: readonly string[] })[];
  readonly pictures: NonNullable<Health['pictures']>;
  readonly outbox: Health['outbox'];
  /** What is kept of answers for an auditor, and what became of challenges since the start. */
  readonly openings: {
    readonly kept: number;
    readonly bytes: number;
    readonly dropped: number;
    readonly missing: number;
    readonly answered: number;
    readonly ignored: number;
  };
  readonly isLinkUp: boolean;
  /** Why answers cannot be sent now, or null. */
  readonly obstacle: string | null;
  readonly reported: Pick<Reported, 'bundle' | 'networks' | 'configuration' | 'software' | 'trust'>;
  /** Whether a network runs. */
  readonly isRunning: boolean;
  /** How long the pipeline has not moved although it could. */
  readonly stuckMs: number;
  /** When its certificate expires; null if that is not known. */
  readonly certificateEndMs: number | null;
};
