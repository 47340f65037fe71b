import type { SiteState } from '#protocol/api.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Result } from '#protocol/messages.ts';
import { systemClock } from '#runtime/clock.ts';
import { followEvents } from './event-stream.ts';
import { Patience } from './patience.ts';
import { resultLine } from './result-line.ts';

export type WatchOptions = {
  /** http://host:port of the page. */
  readonly origin: string;
  /** Lets this program in where the site has accounts; see `makePass`. */
  readonly pass?: () => Promise<string | null>;
  /** The camera of this run; the site may remember others from runs before. */
  readonly camera: string;
  readonly json: boolean;
  /** End after this many results, and with an error where they cannot come any more. */
  readonly once: number | null;
  /** The gateway that the camera belongs to. */
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
    const { subject = null, status, error = null } = reported?.bundle ?? {};
    const refused = status === 'refused' || status === 'rolled-back';
    if (refused && subject !== null && error !== null && !PASSING.includes(error.code))
      onRefused(subject, error);
  }
}

/** Sentences about a site's state, each given once until it changes. */
function stateNotes(state: SiteState, camera: string): Map<string, string> {
  const notes = new Map<string, string>();
  for (const gateway of state.gateways) {
    const bundle = gateway.reported?.bundle;
    if (bundle === undefined) continue;
    const { status, progress, error } = bundle;
    const key = `gateway ${gateway.name}`;
    if (status === 'fetching')
      notes.set(key, `${key} is fetching the encrypted network: ${Math.floor(progress * 10) * 10} %`);
    else if (status === 'testing') notes.set(key, `${key} is testing the encrypted network`);
    else if (status === 'active') notes.set(key, `${key} is running the encrypted network`);
    else if (error !== null) notes.set(key, `${key} refuses the network: ${error.message} (${error.code})`);
    if (gateway.quarantine !== null)
      notes.set(`${key} quarantine`, `${key} is in quarantine; look at the page`);
  }
  for (const view of state.cameras) {
    if (view.camera !== camera || view.state === null) continue;
    const { state: name, detail } = view.state;
    const key = `camera ${camera}`;
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
  const { origin, camera, json, once, print, note } = options;
  const said = new Map<string, string>();
  const enough = new AbortController();
  const signal = AbortSignal.any([options.signal, enough.signal]);
  let count = 0;
  const patience = new Patience(options, systemClock, options.patienceMs);
  let lost: string | null = null;
  const look = () => {
    lost = once === null ? null : patience.lost;
    if (lost !== null) enough.abort();
  };
  const looking = setInterval(look, Math.min(LOOK_MS, options.patienceMs ?? LOOK_MS));
  for await (const event of followEvents(`${origin}/api/events`, signal, options.pass)) {
    if (event.type === 'state') {
      const state = JSON.parse(event.data) as SiteState;
      for (const [key, sentence] of stateNotes(state, camera)) {
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
