const WEEK_DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

export type LocalMoment = {
  /** `2026-03-29`. */
  readonly date: string;
  /** 0 is Monday. */
  readonly weekDay: number;
  /** Of the day, by the clock on the wall: it leaps, or runs twice, when summer time begins and ends. */
  readonly minute: number;
};

/** What calendar and clock show in a time zone. */
export class LocalTime {
  readonly #format: Intl.DateTimeFormat;
  /** Formatting takes longer than all else that is done with an answer, and most are of the same minute. */
  #known: { readonly minuteMs: number; readonly moment: LocalMoment } | null = null;

  /** @param timeZone of the IANA; by default that of this machine */
  constructor(timeZone?: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      ...(timeZone !== undefined && { timeZone }),
      ...{ weekday: 'short', year: 'numeric', month: '2-digit', day: '2-digit' },
      ...{ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    });
  }

  get timeZone(): string {
    return this.#format.resolvedOptions().timeZone;
  }

  /** @param timeMs since the epoch */
  at(timeMs: number): LocalMoment {
    const minuteMs = Math.floor(timeMs / 60_000) * 60_000;
    if (this.#known?.minuteMs !== minuteMs) this.#known = { minuteMs, moment: this.#read(minuteMs) };
    return this.#known.moment;
  }

  #read(timeMs: number): LocalMoment {
    const part = new Map(this.#format.formatToParts(timeMs).map(({ type, value }) => [type, value]));
    return {
      date: `${part.get('year')}-${part.get('month')}-${part.get('day')}`,
      weekDay: WEEK_DAYS.indexOf(part.get('weekday')!),
      minute: Number(part.get('hour')) * 60 + Number(part.get('minute')),
    };
  }
}
