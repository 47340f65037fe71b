import { describe, expect, it } from 'vitest';
import { ALL_KINDS } from './kinds/all.ts';
import { isExplained, lastWords, type Struck, type Surprise } from './surprise.ts';

const LOG = '{"level":"info","msg":"client connected"}\n';
const READ_ONLY = "blindsight: EROFS: read-only file system, rename '/site/broker.lock'";

const ended = (process: string, log: string, more: Partial<Surprise> = {}): Surprise => ({
  ...{ process, how: 'exit code 1', words: lastWords(log), atMs: 5_000 },
  ...more,
});
const struck = (name: string, target: string): Struck => ({
  kind: ALL_KINDS.find((kind) => kind.name === name)!,
  ...{ target, fromMs: 4_000, toMs: 6_000 },
});

describe('the end of a process that nobody asked for', () => {
  it('is told by what it said last, not by the log before', () => {
    expect(lastWords(`${LOG}${READ_ONLY}\n  Check the path.\n`)).toBe(`${READ_ONLY}\n  Check the path.`);
    expect(lastWords(LOG)).toBe('client connected');
    expect(lastWords('')).toBe('');
  });

  it('is explained by a fault of that kind, there and then', () => {
    const disk = [struck('disk-read-only', 'backend')];
    for (const process of ['backend', 'broker'])
      expect(isExplained(ended(process, LOG + READ_ONLY), disk)).toBe(true);
    expect(isExplained(ended('g-1', LOG + READ_ONLY), disk)).toBe(false);
    for (const atMs of [3_999, 90_000])
      expect(isExplained(ended('broker', LOG + READ_ONLY, { atMs }), disk)).toBe(false);
    expect(isExplained(ended('g-1', LOG + READ_ONLY), [struck('disk-read-only', 'g-1')])).toBe(true);
  });

  it('is not explained by a fault that ends nobody, or another way', () => {
    const bug =
      "blindsight: a bug in Blindsight: TypeError: Cannot read properties of undefined (reading 'x')";
    const all = ALL_KINDS.map(({ name }) => struck(name, 'backend'));
    expect(isExplained(ended('backend', LOG + bug), all)).toBe(false);
    expect(isExplained(ended('backend', LOG), all)).toBe(false);
    expect(isExplained(ended('backend', LOG + READ_ONLY), [struck('kill', 'backend')])).toBe(false);
    // What it logged about the fault before is no reason.
    const full = '{"level":"warn","msg":"the disk of the backend is full: no answers are accepted"}\n';
    expect(isExplained(ended('backend', full + bug), all)).toBe(false);
  });

  it('without a word is explained only by how it ended, and by nothing once it has spoken', () => {
    const descriptors = [struck('descriptors', 'backend')];
    expect(isExplained(ended('backend', '', { how: 'SIGSEGV' }), descriptors)).toBe(true);
    expect(isExplained(ended('backend', ''), descriptors)).toBe(false);
    expect(isExplained(ended('backend', LOG, { how: 'SIGSEGV' }), descriptors)).toBe(false);
    expect(isExplained(ended('backend', '', { how: 'SIGSEGV' }), [struck('disk-full', 'backend')])).toBe(
      false,
    );
  });
});
