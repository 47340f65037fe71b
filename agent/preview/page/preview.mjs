// The preview page: asks for the token, keeps it in memory only, and shows one camera with what the network sees of it.

/** @typedef {{ x: number, y: number, width: number, height: number, name?: string }} Region fractions of the picture */
/** @typedef {{ name: string, regions: Region[], masks: [number, number][][] }} Camera */
/** @typedef {{ write(bytes: Uint8Array): void }} Sink */
/** @typedef {{ Player: new (url: string, options: object) => { source: Sink, destroy(): void } }} Decoder */

const DECODER = './jsmpeg.mjs';
const RETRY_MS = 2000;
const SVG = 'http://www.w3.org/2000/svg';

/**
 * @template {HTMLElement} T
 * @param {string} selector
 * @param {new () => T} kind
 * @returns {T}
 */
function element(selector, kind) {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`the page has no ${selector}`);
  return found;
}

const login = element('#login', HTMLFormElement);
const token = element('#token', HTMLInputElement);
const nav = element('nav', HTMLElement);
const section = element('#camera', HTMLElement);
const overlay = element('#overlay', HTMLElement);
const legend = element('#legend', HTMLElement);
const status = element('#status', HTMLElement);

let secret = '';
/** @type {AbortController | null} */
let watching = null;

login.addEventListener('submit', (event) => {
  event.preventDefault();
  secret = token.value.trim();
  open().catch(() => say('The gateway does not answer. Is the tunnel to it (ssh -L …) still open?'));
});

/** @param {string} text */
function say(text) {
  status.textContent = text;
}

/**
 * @param {string} path
 * @param {AbortSignal} [signal]
 */
function ask(path, signal) {
  return fetch(path, {
    headers: { Authorization: `Bearer ${secret}` },
    cache: 'no-store',
    ...(signal && { signal }),
  });
}

async function open() {
  say('');
  const response = await ask('cameras.json');
  if (response.status === 401) return say('This is not the token of this gateway.');
  if (!response.ok) return say(await response.text());
  /** @type {Camera[]} */
  const cameras = await response.json();
  token.value = '';
  login.hidden = true;
  if (cameras.length === 0) return say('This gateway has no camera yet: add one to agent.yaml.');
  nav.replaceChildren(
    ...cameras.map((camera) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = camera.name;
      button.addEventListener('click', () => show(camera, button));
      return button;
    }),
  );
  nav.querySelector('button')?.click();
}

/**
 * Shows a camera in place of the one before it.
 *
 * @param {Camera} camera
 * @param {HTMLButtonElement} button
 */
async function show(camera, button) {
  watching?.abort();
  watching = new AbortController();
  const { signal } = watching;
  for (const other of nav.children) other.setAttribute('aria-current', String(other === button));
  drawOverlay(camera);
  section.hidden = false;
  const { default: JSMpeg } = await import(DECODER);
  while (!signal.aborted) {
    say('Waiting for the first picture …');
    const reason = await play(JSMpeg, camera.name, signal).catch(() => 'The stream was interrupted.');
    if (signal.aborted) return;
    say(`${reason} Trying again.`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/**
 * Plays until the stream ends. Resolves with the reason.
 *
 * @param {Decoder} JSMpeg
 * @param {string} name
 * @param {AbortSignal} signal
 */
async function play(JSMpeg, name, signal) {
  const response = await ask(name, signal);
  if (!response.ok || response.body === null) return await response.text();
  const old = element('canvas', HTMLCanvasElement);
  const canvas = old.cloneNode();
  old.replaceWith(canvas);
  const player = new JSMpeg.Player(name, {
    canvas,
    source: ResponseSource,
    audio: false,
    // Compiled code would need a laxer policy, and WebGL a graphics card; neither is worth it for 640 pixels.
    disableWebAssembly: true,
    disableGl: true,
    onVideoDecode: () => say(''),
  });
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return 'The stream ended.';
      player.source.write(value);
    }
  } finally {
    player.destroy();
  }
}

/** What the decoder takes for a source; it is written to from outside. */
class ResponseSource {
  streaming = true;
  established = true;
  completed = false;
  progress = 1;
  /** @type {Sink | null} */
  destination = null;
  /** @param {Sink} destination */
  connect(destination) {
    this.destination = destination;
  }
  /** @param {Uint8Array} bytes */
  write(bytes) {
    this.destination?.write(bytes);
  }
  start() {}
  resume() {}
  destroy() {}
}

/**
 * Frames of what the network looks at, and outlines of what is blackened before it does.
 *
 * @param {Camera} camera
 */
function drawOverlay({ regions, masks }) {
  const drawing = document.createElementNS(SVG, 'svg');
  drawing.setAttribute('viewBox', '0 0 1 1');
  drawing.setAttribute('preserveAspectRatio', 'none');
  if (regions.length > 0) {
    const holes = regions.map(({ x, y, width, height }) => `M${x} ${y}h${width}v${height}h${-width}z`);
    const dim = document.createElementNS(SVG, 'path');
    dim.setAttribute('class', 'dim');
    dim.setAttribute('d', `M0 0h1v1h-1z${holes.join('')}`);
    drawing.append(dim);
  }
  for (const polygon of masks) {
    const shape = document.createElementNS(SVG, 'polygon');
    shape.setAttribute('class', 'mask');
    shape.setAttribute('points', polygon.map((point) => point.join(',')).join(' '));
    drawing.append(shape);
  }
  const percent = (/** @type {number} */ fraction) => `${fraction * 100}%`;
  const frames = regions.map(({ x, y, width, height, name }) => {
    const frame = document.createElement('div');
    frame.className = 'region';
    const place = { left: percent(x), top: percent(y), width: percent(width), height: percent(height) };
    Object.assign(frame.style, place);
    const label = document.createElement('span');
    label.textContent = name ?? 'what the network sees';
    frame.append(label);
    return frame;
  });
  overlay.replaceChildren(drawing, ...frames);
  legend.textContent = [
    regions.length === 0 ? 'The network sees the entire picture.' : 'Framed: what the network sees.',
    masks.length === 0 ? 'No masks.' : 'Dashed: masks, blackened before anything else sees the picture.',
  ].join(' ');
}
