import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { traceName } from '#protocol/trace-name.ts';
import { systemClock } from '../clock.ts';
import { createLogger } from '../log.ts';
import { OtlpReceiver } from '../testing/otlp-receiver.ts';
import { openTracer } from './open-tracer.ts';

const run = promisify(execFile);
const service = { name: 'gateway', site: 'north', gateway: 'gate-1' } as const;
const placeOf = (sequence: number) => ({ site: 'north', gateway: 'gate-1', session: 1, sequence });

describe('traces', () => {
  let receiver: OtlpReceiver;
  let folder: string;
  let lines: Record<string, unknown>[];
  const open = (settings: { endpoint?: string; share?: number; headersFile?: string } = {}) => {
    const destination = { write: (line: string) => lines.push(JSON.parse(line)) };
    const log = createLogger({ name: 'test', level: 'warn', format: 'json', destination });
    return openTracer(
      { endpoint: receiver.endpoint, share: 1, ...settings },
      { service, clock: systemClock, log },
    );
  };

  beforeEach(async () => {
    receiver = await OtlpReceiver.start();
    folder = mkdtempSync(join(tmpdir(), 'blindsight-traces-'));
    lines = [];
  });
  afterEach(async () => {
    await receiver.close();
    rmSync(folder, { recursive: true });
  });

  /** Before the end, as that waits for no more than 3 s. */
  const come = (count: number) => expect.poll(() => receiver.spans.length).toBe(count);

  it('come to the collector with the times that were said, all below the root that the place names', async () => {
    const tracer = await open();
    const trace = tracer!.trace(placeOf(5))!;
    trace.span('prepare', 1_790_000_000_000.25, 1_790_000_000_004, { camera: 'door', bytes: 12 });
    trace.root('answer', 1_790_000_000_000, 1_790_000_000_010);
    // A clock that was never set, and one that was set back.
    trace.span('outbox', 5, 1000.5);
    trace.span('publish', 2000, 1000);
    await come(4);
    await tracer!.close();

    const { traceId, rootId } = traceName(placeOf(5));
    const [prepare, root, outbox, publish] = receiver.spans;
    expect(root).toMatchObject({ name: 'answer', traceId, spanId: rootId, parentId: '', attributes: {} });
    for (const span of [prepare, outbox, publish]) expect(span).toMatchObject({ traceId, parentId: rootId });
    expect(prepare).toMatchObject({
      ...{ fromMs: 1_790_000_000_000.25, toMs: 1_790_000_000_004 },
      attributes: { 'blindsight.camera': 'door', 'blindsight.bytes': 12 },
    });
    expect(outbox).toMatchObject({ fromMs: 5, toMs: 1000.5 });
    expect(publish).toMatchObject({ fromMs: 2000, toMs: 2000 });
    // Nothing of the machine, its processes and their arguments.
    expect(root!.resource).toEqual({
      'service.name': 'blindsight-gateway',
      'service.version': expect.any(String),
      'blindsight.site': 'north',
      'blindsight.gateway': 'gate-1',
    });
    expect(lines).toEqual([]);
  });

  it('come all of them before the end, as many as may wait', { retry: 2 }, async () => {
    const tracer = (await open())!;
    for (let i = 0; i < 2300; i++) tracer.trace(placeOf(i))!.root('answer', i, i + 1);
    await tracer.close();
    expect(receiver.spans).toHaveLength(2300);
    expect(lines).toEqual([]);
  });

  it('are those of the share, and no others', async () => {
    const tracer = (await open({ share: 0.1 }))!;
    const all = Array.from({ length: 500 }, (_, i) => i);
    const traced = all.filter((i) => tracer.trace(placeOf(i)) !== null);
    expect(traced).toEqual(all.filter((i) => traceName(placeOf(i)).point < 0.1));
    expect(traced.length).toBeGreaterThan(10);
    await tracer.close();
    const none = (await open({ share: 0 }))!;
    expect(all.every((i) => none.trace(placeOf(i)) === null)).toBe(true);
    await none.close();
  });

  it('have the headers of a file, which may be a password', async () => {
    const headersFile = join(folder, 'tracing.headers');
    writeFileSync(headersFile, 'authorization: Bearer hunter2\n\nx-scope: north:1\n', { mode: 0o600 });
    const tracer = await open({ headersFile });
    tracer!.trace(placeOf(1))!.root('answer', 1, 2);
    await come(1);
    await tracer!.close();
    expect(receiver.headers[0]).toMatchObject({ authorization: 'Bearer hunter2', 'x-scope': 'north:1' });

    writeFileSync(headersFile, 'Bearer hunter2');
    expect(await open({ headersFile })).toBeNull();
    chmodSync(headersFile, 0o644);
    expect(await open({ headersFile })).toBeNull();
    expect(await open({ headersFile: join(folder, 'none') })).toBeNull();
    expect(lines.map(({ err }) => (err as { code: string }).code)).toEqual([
      'TRACING_HEADERS',
      'SECRET_EXPOSED',
      'FILE_UNREADABLE',
    ]);
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });

  it('that nobody takes are lost, which is said once a minute; nothing waits for them', async () => {
    receiver.status = 400;
    const tracer = (await open())!;
    for (let i = 0; i < 3000; i++) tracer.trace(placeOf(i))!.root('answer', i, i + 1);
    await expect.poll(() => receiver.headers.length).toBeGreaterThan(2);
    await tracer.close();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ code: 'TRACING_UNAVAILABLE', endpoint: receiver.endpoint });
  });

  it('end with the daemon where the collector never answers, or is not there', async () => {
    receiver.status = 0;
    const silent = (await open())!;
    silent.trace(placeOf(1))!.root('answer', 1, 2);
    const absent = (await open({ endpoint: 'http://127.0.0.1:9/v1/traces' }))!;
    absent.trace(placeOf(1))!.root('answer', 1, 2);
    await Promise.all([silent.close(), absent.close()]);
    // After the end, too, somebody may still say something.
    silent.trace(placeOf(2))!.root('answer', 1, 2);
    expect(receiver.spans).toEqual([]);
  });

  it.each([
    ['never answers', { status: 0 }],
    ['answers a byte at a time, for ever', { isDribbling: true }],
    ['can be asked again, for ever', { status: 503 }],
  ])(
    'keep no process that has ended from its exit where the collector %s',
    async (_, behavior) => {
      Object.assign(receiver, behavior);
      const script = `
      const { openTracer } = await import('#runtime/tracing/open-tracer.ts');
      const tracer = await openTracer({ endpoint: '${receiver.endpoint}', share: 1 }, {
        service: { name: 'gateway' }, clock: { monotonic: () => 0 }, log: { info() {}, warn() {}, error(error) { throw error.err } },
      });
      for (let i = 0; i < 600; i++)
        tracer.trace({ site: 'north', gateway: 'gate-1', session: 1, sequence: i }).root('answer', i, i + 1);
      await tracer.close();
      console.log('closed');`;
      const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
        ...{ cwd: join(import.meta.dirname, '..', '..'), timeout: 200_000 },
      });
      expect(stdout).toBe('closed\n');
      expect(receiver.headers.length).toBeGreaterThan(0);
    },
    240_000,
  );

  it('go on: a response that never ends is cut, and what is told afterwards arrives', {
    retry: 2,
  }, async () => {
    receiver.isDribbling = true;
    const tracer = (await open())!;
    tracer.trace(placeOf(1))!.root('answer', 1, 2);
    await expect.poll(() => receiver.cut).toBe(1);
    receiver.isDribbling = false;
    tracer.trace(placeOf(2))!.root('answer', 1, 2);
    await come(1);
    // On one connection that is kept: what a request takes is counted from its own begin.
    tracer.trace(placeOf(3))!.root('answer', 1, 2);
    await come(2);
    await tracer.close();
    expect(receiver.cut).toBe(1);
  });

  it('cost nothing where they are off: nothing of OpenTelemetry is loaded with agent and backend', async () => {
    // prom-client loads the interfaces (`api`) for itself.
    const script = `
      import { registerHooks } from 'node:module';
      const loaded = new Set();
      registerHooks({
        load(url, context, next) {
          const name = /@opentelemetry\\/([^/]+)/.exec(url)?.[1];
          if (name !== undefined && name !== 'api') loaded.add(name);
          return next(url, context);
        },
      });
      const { openTracer } = await import('#runtime/tracing/open-tracer.ts');
      await import('#agent/main.ts');
      await import('#backend/main.ts');
      const options = {
        service: { name: 'gateway' }, clock: { monotonic: () => 0 }, log: { info() {}, error(error) { throw error.err } },
      };
      const off = await openTracer(undefined, options);
      const before = [...loaded];
      const on = await openTracer({ endpoint: 'http://127.0.0.1:9/v1/traces', share: 1 }, options);
      console.log(JSON.stringify({ off, before, isOn: on !== null, after: [...loaded].length }));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: join(import.meta.dirname, '..', '..'),
    });
    expect(JSON.parse(stdout)).toEqual({
      ...{ off: null, before: [], isOn: true },
      after: expect.any(Number),
    });
    expect(JSON.parse(stdout).after).toBeGreaterThan(3);
  });
});
