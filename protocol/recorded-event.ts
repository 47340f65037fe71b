/**
 * Something that was there for a while, as GET /api/recorded-events?camera=&since=&until=&reviewed=&limit= lists it, the latest start first. POST
 * /api/recorded-events/:id/review notes that somebody has looked at it.
 */
export type RecordedEvent = {
  readonly id: number;
  readonly camera: string;
  readonly region?: string;
  readonly zone?: string;
  readonly label: string;
  /** The network whose answers said so. */
  readonly model: string;
  readonly start: string;
  /** Null while it lasts. */
  readonly end: string | null;
  /** The most at once, of counts; of other answers the highest probability, or null where none is let out. */
  readonly peak: number | null;
  /** In how many answers it was seen; not fewer than 1. */
  readonly answers: number;
  /** Who has looked at it first, and when. */
  readonly reviewed: { readonly by: string; readonly at: string } | null;
};
