/** Widths of the time slots that answers are added up in; slots begin at multiples of the width since the epoch, in UTC. */
export const ROLL_UP_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

export type RollUpLevel = keyof typeof ROLL_UP_MS;

export const ROLL_UP_LEVELS = ['minute', 'hour', 'day'] as const satisfies readonly RollUpLevel[];
