/** What a person can choose for the all-in-one site. */
export type DemoOptions = {
  /** Where everything of the site is kept. */
  readonly data: string;
  /** RTSP address of an own camera, perhaps with user and password; the simulated camera without. */
  readonly camera: string | null;
  /** End after this many decrypted results. */
  readonly once: number | null;
  /** One JSON object a result on stdout, and nothing else. */
  readonly json: boolean;
  /** Port of the page; null picks 8480 or, where that is taken, a free one. */
  readonly port: number | null;
};
