/**
 * The one registry of error codes: what a person can cause, what it means and what to do. Codes are stable; a test holds
 * this table and docs/errors.md together, and another that every code used in the sources is here.
 */
export const ERRORS = {
  // fhe/ (thrown as FheError; listed here for the page)
  FHE_PARAMETERS: {
    meaning: 'Encryption parameters do not fit together.',
    action: 'Use parameters that `blindsight explain` or the compiler chose.',
  },
  FHE_SECURITY: {
    meaning: 'The parameters would be below 128-bit security.',
    action: 'Use fewer or smaller primes, or a larger ring degree.',
  },
  FHE_FORMAT: {
    meaning: 'Bytes that should be a program, key or ciphertext are not well formed.',
    action: 'Deploy the bundle again; if it persists, protect the network again.',
  },
  FHE_TOO_LARGE: {
    meaning: 'A program, key or ciphertext exceeds the size limit.',
    action: 'Choose a smaller network or ring degree.',
  },
  FHE_PROGRAM: {
    meaning: 'A ciphertext program is not valid.',
    action: 'Protect the network again with this version of Blindsight.',
  },
  FHE_KEY_MISSING: {
    meaning: 'A program needs an evaluation key that did not come with it.',
    action: 'Protect the network again.',
  },
  FHE_RANGE: {
    meaning: 'A value is outside the range that the scale can hold.',
    action: 'Scale the network down or calibrate it on wider data.',
  },
  FHE_WORKER: {
    meaning: 'A computing thread stopped.',
    action: 'It restarts by itself; if this repeats, look at the memory of the machine.',
  },
  FHE_STATE: {
    meaning: 'Encrypted arithmetic was used after it was closed, or before it was ready.',
    action: 'Report this: it is a defect of Blindsight.',
  },

  // protocol/: bytes from the network
  MESSAGE_INVALID: {
    meaning: 'A JSON message is too large or not what its topic promises.',
    action: 'Run the same version of Blindsight on both sides; look for a foreign publisher on this topic.',
  },
  ENVELOPE_INVALID: {
    meaning: 'The bytes of an encrypted answer are not a well-formed envelope.',
    action: 'Run the same version of Blindsight on both sides; look for a foreign publisher on this topic.',
  },
  MANIFEST_INVALID: {
    meaning: 'The bytes of a bundle manifest are not well formed.',
    action: 'Deploy the network again with this version of Blindsight.',
  },
  CONFIGURATION_INVALID: {
    meaning: 'The bytes of a pushed configuration are not well formed.',
    action: 'Push it again with this version of Blindsight.',
  },
  CONFIGURATION_CREDENTIAL: {
    meaning: 'The credentials of a camera were not sealed for this gateway.',
    action: 'Push the configuration again with the credentials of the camera.',
  },
  CHUNK_INVALID: {
    meaning: 'The bytes of a bundle chunk are not well formed.',
    action: 'It is fetched again by itself; if this repeats, deploy the network again.',
  },

  // config/
  CONFIG_INVALID: {
    meaning:
      'A configuration has a mistake; the message names file, line, column, path and what was expected.',
    action: 'Correct the named lines; the commented examples in config/ show every setting.',
  },
  CONFIG_UNREADABLE: {
    meaning: 'A configuration file cannot be read.',
    action: 'Check that the path is right and that the daemon may read it.',
  },

  // runtime/
  FILE_UNREADABLE: {
    meaning: 'A file that is needed cannot be read.',
    action: 'Check that the path is right and that the daemon may read it.',
  },
  SECRET_EXPOSED: {
    meaning: 'A file with a secret can be read or changed by other users of the machine.',
    action: 'Run `chmod 600` on the named file, and make a new secret if others may have read it.',
  },
  WRONG_USER: {
    meaning: 'A site or a secret belongs to another user of the machine than the one who runs the command.',
    action:
      'Run the same command as the user that the message names. Leave owners and modes as they are: the daemons of the site run as that user.',
  },
  DISK_FULL: {
    meaning: 'A disk has no space left; the message says whose. Answers are lost, or none are taken.',
    action: 'Free space on the disk that the message names; work goes on by itself then.',
  },
  LINK_DOWN: {
    meaning: 'The connection to the MQTT broker is down.',
    action: 'It reconnects by itself; if it stays down, check address, network and that the broker runs.',
  },
  LINK_REFUSED: {
    meaning:
      'The MQTT broker refuses this identity or a topic, or shows a certificate that is not to be trusted.',
    action:
      'Read the message: it names whose certificate it is and what is wrong with it. Certificate, authority, name and site come from one ' +
      'enrolment; dates need a clock that is right.',
  },
  LINK_CREDENTIALS: {
    meaning:
      'Certificate, key and authority for the connection to the broker do not fit together, or are those of another.',
    action:
      'Put back the files that were enrolled together (ca.pem, gateway.pem, gateway.key), with the `site` and `gateway` that came with them.',
  },
  LINK_TAKEN_OVER: {
    meaning:
      'Another program connects to the broker under the same name, so that the two push one another out.',
    action:
      'End one of them. Where a package was copied to a second machine, enrol that one under a name of its own; where nobody copied it, look ' +
      'for a thief, and remove the gateway.',
  },

  // backend/
  STORE_UNAVAILABLE: {
    meaning: 'The store cannot be opened.',
    action: 'Check that the path or server is right, and that this user may read and write it.',
  },
  STORE_TOO_NEW: {
    meaning: 'A newer version of Blindsight has written the store.',
    action: 'Run that version, or restore a backup that this version wrote.',
  },
  INSTALLATION_KEY_INVALID: {
    meaning: 'The installation key is missing, malformed, or not the one that sealed this store.',
    action:
      'Restore the installation key that belongs to this data folder; without it the sealed keys are lost.',
  },
  SECRET_TAMPERED: {
    meaning: 'A sealed secret was changed, or moved to another record.',
    action: 'Restore the store from a backup and find out who wrote to it.',
  },
  SECRET_MISSING: {
    meaning: 'A secret that should be in the store is not there.',
    action: 'Initialize the site again, or restore the store from a backup.',
  },
  SITE_EXISTS: {
    meaning: 'The folder holds a site already.',
    action: 'Use another folder, or keep using the site that is there.',
  },
  NAME_INVALID: {
    meaning: 'A name has characters or a length that topics and files cannot carry.',
    action: 'Use lower-case letters, digits and inner hyphens, at most 32 characters, and no reserved name.',
  },
  MODEL_NOT_FOUND: {
    meaning: 'There is no protected network of this name or version.',
    action: 'List the networks with `blindsight model list`.',
  },
  MODEL_UNREADABLE: {
    meaning: 'The network to protect cannot be read or is not supported.',
    action: 'Read the message: it names the file and the operator; see the README for what is supported.',
  },
  BUNDLE_DAMAGED: {
    meaning: 'A file of a protected network is missing or was changed.',
    action: 'Restore the folder `bundles` of the site from a backup, or protect the network again.',
  },
  SELF_TEST_FAILED: {
    meaning: 'The encrypted network does not agree with the clear network.',
    action: 'Protect the network again; if it repeats, report it with the network.',
  },
  GATEWAY_EXISTS: {
    meaning: 'A gateway of this name is enrolled already.',
    action: 'Choose another name.',
  },
  ANSWER_TOO_LARGE: {
    meaning: 'The encrypted answers of a network would be larger than the messages that the broker takes.',
    action:
      'Raise the limit of the broker (`maxMessageKilobytes`, or max_packet_size of Mosquitto) and then `broker.maxMessageKilobytes` in ' +
      'backend.yaml, or deploy a smaller network.',
  },
  GATEWAY_RUNS_TWICE: {
    meaning: 'Two processes with the identity of one gateway take the connection from each other.',
    action:
      'End the one that should not run; a second machine needs an identity of its own (`blindsight gateway enrol`). If you know of no second one, somebody may have copied the key: `blindsight gateway remove` shuts it out.',
  },
  GATEWAY_NOT_FOUND: {
    meaning: 'No gateway of this name is enrolled.',
    action: 'List the gateways with `blindsight gateway list`.',
  },
  OUTPUT_EXISTS: {
    meaning: 'A folder or file that is to be written is there already.',
    action: 'Name a new or empty folder.',
  },
  BACKUP_INVALID: {
    meaning: 'A folder is no whole backup of a site: a part is missing or was changed.',
    action: 'Use another backup; if this one is a copy, copy it again.',
  },
  API_TOKEN_MISSING: {
    meaning: 'The page would be open to the network without a token.',
    action: 'Set api.tokenFile, or keep api.host on loopback.',
  },
  API_TOKEN_WEAK: {
    meaning: 'The API token is too short.',
    action:
      'Put at least 16 random characters into the token file, for example from `openssl rand -base64 24`.',
  },
  API_PORT_TAKEN: {
    meaning: 'The address of the page is in use or not allowed.',
    action: 'Choose another api.port, or stop the program that holds it.',
  },
  API_HOST_REFUSED: {
    meaning: 'The page was asked under another name than localhost while it has no token.',
    action: 'Open http://127.0.0.1 on the machine itself, or set api.tokenFile.',
  },
  API_TOKEN_WRONG: {
    meaning: 'A request to the page had no token, or a wrong one.',
    action: 'Log in with the token of the site.',
  },
  API_READERS_FULL: {
    meaning: 'Too many pages of this site are open.',
    action: 'Close some of them.',
  },
  API_REQUEST_INVALID: {
    meaning: 'A request to the page is malformed, or asks for what does not exist.',
    action: 'Read the message: it names the parameter.',
  },
  API_REQUEST_FAILED: {
    meaning: 'The backend could not answer a request of the page.',
    action: 'Read the log of the backend: it says why.',
  },
  WORKER_FAILED: {
    meaning: 'A computing thread of the backend stopped.',
    action: 'It starts again by itself; if this repeats, look at the memory of the machine and the log.',
  },

  // network/ (thrown as NetworkError; listed here for the page)
  NETWORK_FILE: {
    meaning: 'A network file is not an ONNX model that can be read.',
    action: 'Export the network again as one ONNX file, opset 13 or later, without control flow.',
  },
  NETWORK_TOO_LARGE: {
    meaning: 'A network exceeds the limits of the importer or of the packings.',
    action: 'Use fewer maps or units, or a smaller picture.',
  },
  NETWORK_OPERATOR: {
    meaning: 'A network uses an operator, attribute or wiring that is not supported.',
    action: 'Replace the node that the message names.',
  },
  NETWORK_SHAPE: {
    meaning: 'The input or output of a network does not have the expected shape.',
    action: 'Export with one picture of fixed size as input and the logits as output.',
  },
  NETWORK_NOT_POLYNOMIAL: {
    meaning: 'A network has an activation that cannot be computed on encrypted values.',
    action: 'Approximate it with calibration data: `blindsight model import FILE --calibrate DATA`.',
  },
  NETWORK_TOO_DEEP: {
    meaning: 'A network has more layers than the largest ring can evaluate.',
    action: 'Use fewer layers, or activations of lower degree.',
  },
  NETWORK_DATA: {
    meaning: 'Pictures, labels or calibrated ranges do not fit the network.',
    action: 'Check the files and values that the message names.',
  },
  NETWORK_ACCURACY: {
    meaning: 'A network answers too badly once its activations are approximated.',
    action:
      'Win accuracy back with --fine-tune, on more pictures if need be, or accept the loss with --tolerance.',
  },
  NETWORK_TRAINING: {
    meaning: 'A network cannot be trained as asked.',
    action: 'Follow the message; a lower learning rate or a smaller batch often helps.',
  },

  // agent/
  CAMERA_ADDRESS: {
    meaning: 'The address or the credentials of a camera cannot be read.',
    action: 'Write the URL as rtsp://host[:port]/path and the credentials file as one line, user:password.',
  },
  CAMERA_STREAM: {
    meaning: 'The decoder delivered something that is not a picture.',
    action: 'Choose another profile of the camera: H.264, at most 8192 pixels a side.',
  },
  OUTBOX_UNAVAILABLE: {
    meaning: 'An encrypted answer could not be written to the disk of the gateway.',
    action: 'Check that the data directory exists, may be written, and that its disk is sound.',
  },
  OUTBOX_DROPPED: {
    meaning: 'Encrypted answers were dropped from the disk of a gateway before the backend had them.',
    action: 'Bring the backend back, or raise outbox.maxMegabytes and outbox.maxAgeHours.',
  },
  BUNDLE_SIGNATURE: {
    meaning: 'A bundle was not signed by the owner of this installation.',
    action: 'Deploy again from the right backend; if nobody deployed, look for an intruder on the broker.',
  },
  BUNDLE_TARGET: {
    meaning: 'A bundle was made for another site or gateway.',
    action: 'Deploy the network to this gateway.',
  },
  BUNDLE_COUNTER: {
    meaning: 'A bundle is older than one that this gateway accepted before.',
    action: 'Deploy again: every deployment gets a new release counter, also one that goes back.',
  },
  BUNDLE_TOO_LARGE: {
    meaning: 'A bundle does not fit: the limit or the free space of the gateway is exceeded.',
    action: 'Free disk space on the gateway, or protect the network with a smaller ring.',
  },
  BUNDLE_DIGEST: {
    meaning: 'A part of a bundle is not what its manifest says.',
    action: 'It is fetched again at the next connection; if this repeats, check broker and disk.',
  },
  BUNDLE_PROGRAM: {
    meaning: 'The ciphertext program of a bundle is not valid.',
    action: 'Protect the network again with a backend of the same version as the gateway.',
  },
  BUNDLE_KEY_MISSING: {
    meaning: 'A bundle lacks an evaluation key that its program needs.',
    action: 'Protect the network again.',
  },
  BUNDLE_SELF_TEST: {
    meaning: 'A bundle computes another answer on this gateway than on the backend.',
    action: 'Check the memory of the gateway; protect the network again with this version.',
  },
  BUNDLE_CRASHED: {
    meaning: 'The computing thread stopped again and again under this bundle.',
    action: 'Check the memory of the gateway, or deploy a smaller network.',
  },
  BUNDLE_UNAVAILABLE: {
    meaning: 'A bundle is announced but its parts could not be stored.',
    action: 'Check the free space and the permissions of the data directory of the gateway.',
  },

  // command line
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
    meaning: 'The port that was asked for the page is in use.',
    action: 'Choose another with --port N, or leave it out and a free one is taken.',
  },
  DEMO_REFUSED: {
    meaning: 'The gateway of the all-in-one site refuses the encrypted network, also one that was just made.',
    action: 'Read the log that the message names. `npm start -- --data DIR` with a new folder starts afresh.',
  },
  DEMO_NO_RESULTS: {
    meaning: 'The results that --once asked for cannot come any more; the message says why.',
    action:
      'Mend what the message names; the page shows more. Without --once the site waits until answers come.',
  },
  DATA_IN_USE: {
    meaning: 'Another process works on this data folder in the same role.',
    action:
      'End it first, or name another folder: `data` in the configuration of a daemon, --data DIR for the all-in-one site.',
  },
  SITE_MISSING: {
    meaning: 'A folder holds no Blindsight site.',
    action:
      'Name another folder with --data DIR, or make a site in this one with `blindsight site init --site NAME`.',
  },
  // broker/
  BROKER_LISTEN: {
    meaning: 'The broker cannot listen on its address.',
    action: 'Stop what else uses this port (perhaps another broker), or choose another host or port.',
  },
  BROKER_CERTIFICATE: {
    meaning: 'Certificate, key and authority of the broker do not fit together.',
    action: 'Issue the broker a new certificate with the authority of this installation.',
  },
  BROKER_ACCESS: {
    meaning:
      'A client of the broker was refused: its identity, its last will, a topic or the size of a packet.',
    action: 'Look at who it is and what it wanted; a gateway may use its own topics only.',
  },

  // backend/enrolment/
  BROKER_ADDRESS: {
    meaning: 'The address of the broker is malformed, or the certificate of the broker does not cover it.',
    action:
      'Write it as mqtts://host:port with a name that the certificate covers; `blindsight site broker-host NAME` adds one.',
  },
  CERTIFICATE_INVALID: {
    meaning: 'A certificate cannot be issued as asked, or the files of an authority do not fit together.',
    action: 'Check names and days; restore the authority from its copy if its files are damaged.',
  },
} as const satisfies Record<string, { meaning: string; action: string }>;

export type ErrorCode = keyof typeof ERRORS;

/**
 * An error that a person can cause or must hear of. `message` says what happened and where (file, line, path, address
 * without password); the registry's action says what to do.
 */
export class BlindsightError extends Error {
  override readonly name = 'BlindsightError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** What the registry says can be done. */
  get action(): string {
    return ERRORS[this.code].action;
  }
}
