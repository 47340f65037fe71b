/** Builds the cockpit page into cockpit/dist, unless what lies there was made from these very sources. */
export function buildCockpit(options?: {
  readonly force?: boolean;
}): Promise<{ readonly built: boolean; readonly output: string }>;
