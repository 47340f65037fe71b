import type { AgentConfig } from '#config/schema.ts';
import { CONTENT_MAX_BYTES } from '#protocol/command-answer.ts';
import { CONFIGURATION_MAX_BYTES, SETTINGS_MAX_BYTES } from '#protocol/configuration.ts';
import { MAX_NETWORKS } from '#protocol/names.ts';
import { ARCHIVE_MAX_BYTES } from '#protocol/software.ts';
import { UNPACKED_MAX_BYTES } from '#protocol/software-contents.ts';
import { MAX_KEPT_BYTES } from './command/command-journal.ts';
import { LOG_FILE_BYTES } from './command/log-file.ts';
import { SPARE_BYTES } from './opening/opening-log.ts';
import { PART_LIMITS } from './rollout/check-manifest.ts';

/** The most that one part of the program may hold in the data folder. */
export type DiskBound = {
  /** Of its folder or file in there. */
  readonly name: string;
  readonly maxBytes: number;
};

/** A small file with numbers and digests, its temporary copy included. */
const STATE_BYTES = 65_536;
/** Credentials of 64 cameras, in the clear. */
const CREDENTIALS_BYTES = 64 * 512;

/** Everything that a gateway writes, each with its bound; it writes nothing else and nowhere else. See docs/operations.md, "What a gateway keeps on its disk". */
export function diskBounds({ outbox }: Pick<AgentConfig, 'outbox'>): readonly DiskBound[] {
  const bundle = Object.values(PART_LIMITS).reduce((sum, bytes) => sum + bytes, STATE_BYTES);
  const version = SETTINGS_MAX_BYTES + CREDENTIALS_BYTES + CONFIGURATION_MAX_BYTES;
  return [
    // The answer that is being stored, and the count of those that were dropped. Openings of answers that wait count with them.
    { name: 'outbox', maxBytes: outbox.maxMegabytes * 2 ** 20 + 2 ** 20 },
    // Openings of answers that the backend has, up to a file more; openings of waiting answers count to the outbox.
    { name: 'openings', maxBytes: outbox.maxMegabytes * 2 ** 20 + SPARE_BYTES + 4 * 2 ** 20 },
    // The one that runs, the one before it, and one that is being fetched.
    { name: 'bundles', maxBytes: 3 * bundle },
    // The same of each network beside the default one.
    { name: 'networks', maxBytes: MAX_NETWORKS * (3 * bundle + 2 * STATE_BYTES) },
    // Two slots, and an archive that is being fetched.
    { name: 'software', maxBytes: 2 * UNPACKED_MAX_BYTES + ARCHIVE_MAX_BYTES + STATE_BYTES },
    // The version that runs, up to two before it, and one that is being written.
    { name: 'configuration', maxBytes: 4 * version + STATE_BYTES },
    { name: 'commands', maxBytes: MAX_KEPT_BYTES + CONTENT_MAX_BYTES + STATE_BYTES },
    { name: 'log', maxBytes: 2 * LOG_FILE_BYTES },
    ...['auditor', 'trust', 'counters', 'rollout.json', 'cameras.json', 'session.count', 'agent.lock'].map(
      (name) => ({
        name,
        maxBytes: STATE_BYTES,
      }),
    ),
  ];
}
