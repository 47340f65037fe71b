import type { CityReport } from './city-report.ts';

/** What a city came to, as sentences. */
export function formatCity(report: CityReport): string {
  const { machine, commit, network, broker, store, queue, decryptors, gateways, rate, seconds } = report;
  const processes = decryptors === 0 ? '' : ` and ${decryptors} decryptor${decryptors === 1 ? '' : 's'}`;
  const places = queue === 'inbox' ? `${broker} and ${store}` : `${broker}, ${queue} and ${store}`;
  const { offered, stored, lost, twice, latencyMs, memoryMegabytes, connectSeconds, flood } = report;
  const { cpuSecondsPerThousand: cpu, bytesPerAnswer, diskBytesPerAnswer, plan } = report;
  return [
    machine,
    `commit ${commit}`,
    '',
    `${gateways} gateways with ${network} at ${rate} Hz for ${seconds} s, ${places}${processes}:`,
    `offered ${offered}, stored ${stored}, lost ${lost}, twice ${twice}`,
    `from gateway to store: ${latencyMs.median} ms (median), ${latencyMs.p95} ms (95 %), ${latencyMs.p99} ms (99 %)`,
    ...(flood === undefined
      ? []
      : [
          `while one more sends ${flood.perSecond} messages a second (${flood.sent} in all): ${flood.latencyMs.median} ms (median), ${flood.latencyMs.p95} ms (95 %), ` +
            `${flood.latencyMs.p99} ms (99 %, ${flood.timesP99.toFixed(2)} times as long), lost ${flood.lost} of ${flood.offered}`,
        ]),
    `processor seconds for a thousand answers: broker ${cpu.broker.toFixed(2)}, verify ${cpu.verify.toFixed(2)}, decrypt ${cpu.decrypt.toFixed(2)}, store ${cpu.store.toFixed(2)}`,
    `an answer: ${bytesPerAnswer.toFixed(0)} bytes on the wire, ${diskBytesPerAnswer.toFixed(0)} on disk`,
    `memory: broker ${memoryMegabytes.broker.toFixed(0)} MB, backend ${memoryMegabytes.backend.toFixed(0)} MB`,
    `all back ${connectSeconds.toFixed(1)} s after the broker`,
    '',
    ...plan.map(
      (one) =>
        `${one.gateways} gateways at ${one.rate} Hz: ${one.machines} machine${one.machines === 1 ? '' : 's'} like this one, ` +
        `${one.networkMegabytesPerSecond.toFixed(1)} MB/s, ${one.diskGigabytesPerDay.toFixed(1)} GB a day ` +
        `(cores busy: broker ${one.cores.broker.toFixed(1)}, verify ${one.cores.verify.toFixed(1)}, decrypt ${one.cores.decrypt.toFixed(1)}, store ${one.cores.store.toFixed(1)})`,
    ),
  ].join('\n');
}
