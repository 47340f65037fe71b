import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { type Arrival, saysLate } from '../store/inbox.ts';
import type { Head } from './stream-index.ts';

const CAMERA = 'Blindsight-Camera';
const DIGEST = 'Blindsight-Digest';
const RECEIVED = 'Blindsight-Received';
const LATE = 'Blindsight-Late';

/** Twice as many as the name of a camera has at most. */
const MOST_CHARACTERS = 64;

/** What its message says beside the envelope; the gateway is in the subject. */
export function headersOf(waiting: Arrival): MsgHdrs {
  const said = headers();
  // As JSON: it is whatever the gateway named in its topic, also nothing, spaces or the end of a line. Longer ones than any camera has are refused
  // cut as they would be whole, and take no memory of those who settle.
  said.set(CAMERA, JSON.stringify(waiting.camera.slice(0, MOST_CHARACTERS)));
  said.set(DIGEST, waiting.digest);
  said.set(RECEIVED, String(waiting.receivedMs));
  if (saysLate(waiting.envelope)) said.set(LATE, '1');
  return said;
}

/** @param id its place in the stream */
export function readHeaders(id: number, gateway: string, said: MsgHdrs | undefined): Head | null {
  const [camera, digest] = [cameraIn(said?.get(CAMERA)), said?.get(DIGEST)];
  const receivedMs = Number(said?.get(RECEIVED));
  if (said === undefined || camera === null || !digest || !Number.isFinite(receivedMs)) return null;
  return { id, gateway, camera, digest, receivedMs, isLate: said.has(LATE) };
}

function cameraIn(text = ''): string | null {
  try {
    return String(JSON.parse(text));
  } catch {
    return null;
  }
}
