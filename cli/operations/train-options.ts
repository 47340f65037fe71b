/** Options of `blindsight train`. */
export type TrainOptions = {
  readonly images?: string;
  readonly labels?: string;
  readonly testImages?: string;
  readonly testLabels?: string;
  readonly pictures?: string;
  readonly testPictures?: string;
  readonly clip?: string;
  readonly boxes?: string;
  readonly region?: { x: number; y: number; width: number; height: number };
  readonly trainShare: number;
  readonly out?: string;
  readonly force?: boolean;
  readonly seed?: number;
  readonly epochs?: number;
  readonly patience?: number;
};
