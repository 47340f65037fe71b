import type { AgentConfig } from '#config/schema.ts';
import type { OutboxBounds } from './outbox.ts';

/** The bounds that the settings give, in the outbox's units. */
export function outboxBounds({ outbox }: AgentConfig): OutboxBounds {
  return { maxBytes: outbox.maxMegabytes * 2 ** 20, maxAgeMs: outbox.maxAgeHours * 3_600_000 };
}
