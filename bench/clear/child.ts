import { readFileSync } from 'node:fs';
import type { Finished, Frames, Opened, Reply, Request, Subject } from './messages.ts';
import type { Runner } from './runner.ts';

/** A process of its own for each form of a network, so that its memory and its processor time are nobody else's. */

/** Of a round, however long they take. */
const FEWEST_FRAMES = 3;

/** Not `maxRSS` of the process's own account: Linux begins that with the memory of the process that started this one. */
function peakBytes(): number {
  const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error('/proc/self/status does not say how much memory was used');
  return Number(kilobytes) * 1024;
}

let runner: Runner | null = null;
let pictures: readonly Float32Array[] = [];

async function openSubject(subject: Subject): Promise<Runner> {
  switch (subject.kind) {
    case 'engine':
      return (await import('./engine-runner.ts')).openEngine(subject.folder);
    case 'plain-engine':
      return (await import('./engine-runner.ts')).openPlainEngine(subject.folder);
    case 'onnx':
      return (await import('./onnx-runner.ts')).openOnnx(subject.file, subject.shape, subject.threads);
  }
}

async function open(request: Extract<Request, { type: 'open' }>): Promise<Opened> {
  const emptyBytes = peakBytes();
  runner = await openSubject(request.subject);
  pictures = request.pictures;
  return { runtime: runner.runtime, emptyBytes };
}

async function runFrames(milliseconds: number): Promise<Frames> {
  // Not counted: code gets compiled, and caches fill again after whatever ran in between.
  await runner!.run(pictures[0]!);
  const latencies: number[] = [];
  const before = process.cpuUsage();
  const start = performance.now();
  let now = start;
  while (latencies.length < FEWEST_FRAMES || now - start < milliseconds) {
    const began = now;
    await runner!.run(pictures[latencies.length % pictures.length]!);
    now = performance.now();
    latencies.push(now - began);
  }
  const { user, system } = process.cpuUsage(before);
  return { latenciesMs: Float64Array.from(latencies), processorMs: (user + system) / 1000 };
}

async function finish(): Promise<Finished> {
  const answers = [];
  for (const picture of pictures) answers.push(await runner!.run(picture));
  return { answers, peakBytes: peakBytes() };
}

async function serve(request: Request): Promise<Opened | Frames | Finished> {
  switch (request.type) {
    case 'open':
      return open(request);
    case 'frames':
      return runFrames(request.milliseconds);
    case 'finish':
      return finish();
  }
}

process.on('message', async (request: Request) => {
  let reply: Reply;
  try {
    reply = { result: await serve(request) };
  } catch (error) {
    const { message, code = null } = error as Error & { code?: string };
    reply = { failure: message, code };
  }
  process.send!(reply);
});
process.on('disconnect', () => process.exit());
