/** What a gateway of a chaos run reads from its folder. */
export type GatewaySettings = {
  readonly site: string;
  readonly name: string;
  /** Digest of the release that its answers name. */
  readonly bundle: string;
  /** Of the broker. */
  readonly url: string;
  /** Answers a second. */
  readonly rate: number;
  readonly outboxBytes: number;
};

/** How its answers travel: once each; three times; in another order; with older ones between them. */
export type Delivery = 'once' | 'thrice' | 'shuffled' | 'again' | 'never';

/** What it is told, a line of JSON each. */
export type GatewayOrder = {
  readonly making?: boolean;
  readonly delivery?: Delivery;
  readonly certificate?: 'gateway' | 'expired';
  readonly sabotage?: 'lose' | 'double';
};

/** What it says of itself now and then. */
export type GatewayStatus = {
  readonly isMaking: boolean;
  readonly made: number;
  readonly waiting: number;
  readonly dropped: number;
  readonly isLive: boolean;
  /** Why answers cannot leave, if they cannot. */
  readonly obstacle: string | null;
};
