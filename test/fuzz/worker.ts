import { parentPort, workerData } from 'node:worker_threads';
import { readCorpus } from './corpus.ts';
import { CurrentInput } from './current-input.ts';
import { Fuzzer } from './fuzzer.ts';
import { minimize } from './minimize.ts';
import { FAMILIES } from './targets/families.ts';
import type { WorkerMessage, WorkerTask } from './worker-messages.ts';

const { family, names, seed, inputs, mostSeconds, isGuided, buffer } = workerData as WorkerTask;
const current = new CurrentInput(buffer);
const say = (message: WorkerMessage) => parentPort!.postMessage(message);

const targets = (await FAMILIES[family]!()).filter(({ name }) => names.includes(name));

for (const target of targets) {
  const { name } = target;
  say({ kind: 'begins', target: name });
  const fuzzer = new Fuzzer(target, seed, isGuided, (input) => current.show(input));
  const bounds = { count: Math.ceil(inputs * (target.share ?? 1)), mostSeconds };
  const outcome = await fuzzer.run(readCorpus(name), bounds, (done) => say({ kind: 'progress', done }));
  const finds = [];
  for (const find of outcome.finds) {
    const input = await minimize(target, find.input);
    finds.push({ ...find, input });
  }
  say({ kind: 'ends', target: name, outcome: { ...outcome, finds } });
}
