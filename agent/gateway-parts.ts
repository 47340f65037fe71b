import type { CertificateKeeper } from './certificate/certificate-keeper.ts';
import type { Commands } from './command/commands.ts';
import type { LogLevels } from './command/log-levels.ts';
import type { Configurator } from './configuration/configurator.ts';
import type { readIdentity } from './identity.ts';
import type { NetworkFiles } from './networks/network-files.ts';
import type { Audits } from './opening/audits.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { PreviewServer } from './preview/preview-server.ts';
import type { Software } from './software/software.ts';
import type { Trust } from './trust/trust.ts';
import type { CameraList } from './uplink/camera-list.ts';
import type { SessionCounter } from './uplink/session-counter.ts';

/** What of a gateway is opened before the rest is joined with it: it reads files. */
export type GatewayParts = {
  readonly commands: Commands;
  readonly levels: LogLevels;
  readonly configurator: Configurator;
  readonly outbox: Outbox;
  readonly audits: Audits;
  readonly identity: Awaited<ReturnType<typeof readIdentity>>;
  readonly trust: Trust;
  readonly certificate: CertificateKeeper;
  readonly sessions: SessionCounter;
  /** Of the default network. */
  readonly network: NetworkFiles;
  readonly preview: PreviewServer | null;
  readonly cameraList: CameraList;
  readonly software: Software;
};
