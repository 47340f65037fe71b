import type { SiteState } from '#protocol/api.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Reported, ReportedBundle, Result } from '#protocol/messages.ts';
import { systemClock } from '#runtime/clock.ts';
import { followEvents } from './event-stream.ts';
import { Patience } from './patience.ts';
import { resultLine } from './result-line.ts';

export type WatchOptions = {
  /** http://host:port of the page. */
  readonly origin: string;
  /** Lets this program in where the site has accounts; see `makePass`. */
  readonly pass?: () => Promise<string | null>;
  /** The cameras of this run; the site may remember others from runs before. */
  readonly cameras: readonly string[];
  readonly json: boolean;
  /** End after this many results, and with an error where they cannot come any more. */
  readonly once: number | null;
  /** The gateway that they belong to. */
  readonly gateway: string;
  /** See {@link Patience}; for tests. */
  readonly patienceMs?: number;
  /** Prints a result. */
  readonly print: (line: string) => void;
  /** Tells the operator something that is not a result. */
  readonly note: (line: string) => void;
  /** Hears, for each state of the site, of bundles that gateways refuse for good. What it throws ends the watch. */
  readonly onRefused?: (subject: string, error: { readonly code: string; readonly message: string }) => void;
  readonly signal: AbortSignal;
};

const LOOK_MS = 1000;

/** The gateway tries these again by itself. */
const PASSING = ['BUNDLE_DIGEST', 'BUNDLE_UNAVAILABLE'];

function tellRefusals(state: SiteState, onRefused: NonNullable<WatchOptions['onRefused']>): void {
  for (const { reported } of state.gateways) {
    for (const { subject, status, error } of bundlesOf(reported)) {
      const refused = status === 'refused' || status === 'rolled-back';
      if (refused && subject !== null && error !== null && !PASSING.includes(error.code))
        onRefused(subject, error);
    }
  }
}

/** Of the default network of a gateway, and of those beside it. */
function bundlesOf(reported: Reported | null): (ReportedBundle & { readonly network?: string })[] {
  return reported === null ? [] : [reported.bundle, ...(reported.networks ?? [])];
}

/** Sentences about a site's state, each given once until it changes. */
function stateNotes(state: SiteState, cameras: readonly string[]): Map<string, string> {
  const notes = new Map<string, string>();
  for (const gateway of state.gateways) {
    const who = `gateway ${gateway.name}`;
    for (const { network = gateway.model?.name ?? '', status, progress, error } of bundlesOf(
      gateway.reported,
    )) {
      const key = `${who} ${network}`;
      const what = `the encrypted network ${network}`;
      if (status === 'fetching')
        notes.set(key, `${who} is fetching ${what}: ${Math.floor(progress * 10) * 10} %`);
      else if (status === 'testing') notes.set(key, `${who} is testing ${what}`);
      else if (status === 'active') notes.set(key, `${who} is running ${what}`);
      else if (error !== null)
        notes.set(key, `${who} refuses the network ${network}: ${error.message} (${error.code})`);
    }
    if (gateway.quarantine !== null)
      notes.set(`${who} quarantine`, `${who} is in quarantine; look at the page`);
  }
  for (const view of state.cameras) {
    if (!cameras.includes(view.camera) || view.state === null) continue;
    const { state: name, detail } = view.state;
    const key = `camera ${view.camera}`;
    notes.set(key, name === 'streaming' ? `${key} is streaming` : `${key}: ${name}. ${detail}`);
    if (view.unusual.length > 0)
      notes.set(`${key} unusual`, `${key} shows something the network was not trained for; look at the page`);
  }
  return notes;
}

/**
 * Prints results as they come, in the way any cockpit gets them, until enough came or `signal` aborts.
 *
 * @returns how many results were printed
 * @throws BlindsightError DEMO_NO_RESULTS where a number was asked for that will not be reached
 */
export async function watchResults(options: WatchOptions): Promise<number> {
  const { origin, cameras, json, once, print, note } = options;
  const said = new Map<string, string>();
  const enough = new AbortController();
  const signal = AbortSignal.any([options.signal, enough.signal]);
  let count = 0;
  const patience = new Patience(
    { gateway: options.gateway, camera: cameras[0]! },
    systemClock,
    options.patienceMs,
  );
  let lost: string | null = null;
  const look = () => {
    lost = once === null ? null : patience.lost;
    if (lost !== null) enough.abort();
  };
  const looking = setInterval(look, Math.min(LOOK_MS, options.patienceMs ?? LOOK_MS));
  for await (const event of followEvents(`${origin}/api/events`, signal, options.pass)) {
    if (event.type === 'state') {
      const state = JSON.parse(event.data) as SiteState;
      for (const [key, sentence] of stateNotes(state, cameras)) {
        if (said.get(key) !== sentence) note(sentence);
        said.set(key, sentence);
      }
      if (options.onRefused !== undefined) tellRefusals(state, options.onRefused);
      patience.heardState(state);
      look();
    } else if (event.type === 'result') {
      patience.heardResult();
      print(json ? event.data : resultLine(JSON.parse(event.data) as Result));
      if (++count !== once) continue;
      enough.abort();
      // More may have come in the same piece of the stream.
      break;
    }
  }
  clearInterval(looking);
  if (lost !== null && count !== once)
    throw new BlindsightError('DEMO_NO_RESULTS', `${count} of ${once} results came, then ${lost}`);
  return count;
}
