const VARIABLE = 'BLINDSIGHT_WEEK';

/** How simulated time goes: so many times faster, and what it was at a moment of real time. */
export type Pace = { readonly factor: number; readonly realMs: number; readonly simulatedMs: number };

/** @throws Error where no simulated week is going on */
export function readPace(): Pace {
  const text = process.env[VARIABLE];
  if (text === undefined) throw new Error(`${VARIABLE} says how fast time goes, and is not set`);
  return JSON.parse(text) as Pace;
}

/** What a process needs in its environment. */
export const paceEnvironment = (pace: Pace): Record<string, string> => ({ [VARIABLE]: JSON.stringify(pace) });
