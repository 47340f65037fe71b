/** Where an installed site lies: one folder for each user, and one for what the backend writes for the broker. */
export type Places = {
  /** 0700, the backend's: store, bundles, certificates, `backend.yaml`. */
  readonly backend: string;
  /** 0700, the broker's: retained messages. */
  readonly broker: string;
  /** 2750, the backend's, with the group of the broker: settings and certificate of the broker, removed gateways. */
  readonly forBroker: string;
  /** Root's: the installation key and the key of the broker, 0600. systemd hands each to the one service that needs it. */
  readonly settings: string;
};

export const INSTALLED: Places = {
  backend: '/var/lib/blindsight-backend',
  broker: '/var/lib/blindsight-broker',
  forBroker: '/var/lib/blindsight-for-broker',
  settings: '/etc/blindsight',
};

/** Where blindsight-broker.service finds its key. */
export const BROKER_CREDENTIAL = '/run/credentials/blindsight-broker.service/broker.key';
