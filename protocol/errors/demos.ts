/** Codes of the all-in-one site; part of the one registry in ../errors.ts. */
export const DEMO_ERRORS = {
  DEMO_CAMERA: {
    meaning: 'The simulated camera does not start.',
    action:
      'Install the RTSP server of GStreamer (see README.md), or watch your own: `npm start -- --camera rtsp://host/path`.',
  },
  DEMO_NOT_READY: {
    meaning: 'A part of the all-in-one site did not become ready in time.',
    action: 'Read the log that the message names. `npm start -- --data DIR` with a new folder starts afresh.',
  },
  DEMO_PORT_TAKEN: {
    meaning: 'The port requested for the page is in use.',
    action: 'Choose another with --port N, or omit it to use a free one.',
  },
  DEMO_REFUSED: {
    meaning: 'The gateway of the all-in-one site refuses the encrypted network, even a newly made one.',
    action: 'Read the log that the message names. `npm start -- --data DIR` with a new folder starts afresh.',
  },
  DEMO_NO_RESULTS: {
    meaning: 'The results that --once waits for can no longer come; the message says why.',
    action:
      'Fix what the message names; the page shows more. Without --once the site keeps waiting for answers.',
  },
} as const satisfies Record<string, { meaning: string; action: string }>;
