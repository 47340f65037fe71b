import { ALERT_ERRORS } from './errors/alerts.ts';
import { AUDIT_ERRORS } from './errors/audits.ts';
import { BENCH_ERRORS } from './errors/benches.ts';
import { CERTIFICATE_ERRORS } from './errors/certificates.ts';
import { COMMAND_ERRORS } from './errors/commands.ts';
import { DEMO_ERRORS } from './errors/demos.ts';
import { ENGINE_ERRORS } from './errors/engine.ts';
import { KEY_ERRORS } from './errors/keys.ts';
import { NETWORK_ERRORS } from './errors/networks.ts';
import { PEOPLE_ERRORS } from './errors/people.ts';
import { ROLLOUT_ERRORS } from './errors/rollouts.ts';
import { RULE_ERRORS } from './errors/rules.ts';
import { SOFTWARE_ERRORS } from './errors/software.ts';
import { STORE_ERRORS } from './errors/stores.ts';
import { TRACE_ERRORS } from './errors/traces.ts';
import { TRUST_ERRORS } from './errors/trust.ts';

/**
 * The one registry of error codes: what a person can cause, what it means and what to do. Codes are stable. Tests check
 * that docs/errors.md agrees with this table and that every code used in the sources is listed here.
 */
export const ERRORS = {
  ...KEY_ERRORS,
  ...TRUST_ERRORS,

  ...ENGINE_ERRORS,

  // protocol/: bytes from the network
  MESSAGE_INVALID: {
    meaning: 'A JSON message is too large, or is not what belongs on its topic.',
    action:
      'Run the same version of Blindsight on both sides; look for another program that publishes on this topic.',
  },
  ENVELOPE_INVALID: {
    meaning: 'The bytes of an encrypted answer are not a well-formed envelope.',
    action:
      'Run the same version of Blindsight on both sides; look for another program that publishes on this topic.',
  },
  MANIFEST_INVALID: {
    meaning: 'The bytes of a bundle manifest are malformed.',
    action: 'Deploy the network again with this version of Blindsight.',
  },
  ...SOFTWARE_ERRORS,
  CONFIGURATION_INVALID: {
    meaning: 'The bytes of a pushed configuration are malformed.',
    action: 'Push it again with this version of Blindsight.',
  },
  ...COMMAND_ERRORS,
  ...AUDIT_ERRORS,
  ...ALERT_ERRORS,
  CONFIGURATION_CREDENTIAL: {
    meaning: 'The camera credentials were not sealed for this gateway.',
    action: 'Push the configuration again, including the camera credentials.',
  },
  CONFIGURATION_FOREIGN: {
    meaning: 'A configuration came that is not for this gateway, or not signed by the owner of its site.',
    action:
      'Push it again from the site that the gateway belongs to; look for a foreign publisher on this topic.',
  },
  CONFIGURATION_FAILED: {
    meaning: 'A pushed configuration could not be applied; what ran before runs again.',
    action: 'Mend what the message says, and push it again.',
  },
  CONFIGURATION_NO_LINK: {
    meaning:
      'A pushed configuration was given up, because the gateway had no connection within a minute of it.',
    action: 'Look at what it changed: rates and cameras may be more than the machine or its line can bear.',
  },
  CONFIGURATION_DEATHS: {
    meaning: 'A pushed configuration was given up, because the gateway ended twice within a minute of it.',
    action: 'Look at the log of the gateway; push fewer cameras or lower rates.',
  },
  CONFIGURATION_EDITED: {
    meaning:
      'The file agent.yaml was edited on the gateway after a configuration was pushed, and wins there.',
    action: 'Push again; `configuration.onEdit: pushed` in agent.yaml lets pushed configurations win.',
  },
  CONFIGURATION_LOST: {
    meaning: 'A pushed configuration is damaged on the disk of the gateway; the one before it runs.',
    action: 'Push it again; look at the disk.',
  },
  CHUNK_INVALID: {
    meaning: 'The bytes of a bundle chunk are malformed.',
    action: 'It is fetched again automatically; if this repeats, deploy the network again.',
  },

  // config/
  CONFIG_INVALID: {
    meaning:
      'A configuration has a mistake; the message names the file, line, column, path and what was expected.',
    action: 'Correct the named lines; the commented examples in config/ show every setting.',
  },
  CONFIG_UNREADABLE: {
    meaning: 'A configuration file cannot be read.',
    action: 'Check that the path is right and that whoever runs this may read the file.',
  },

  // runtime/
  ...TRACE_ERRORS,
  FILE_UNREADABLE: {
    meaning: 'A required file cannot be read.',
    action: 'Check that the path is right and that whoever runs this may read the file.',
  },
  SECRET_EXPOSED: {
    meaning: 'Other users of the machine can read or change a file that holds a secret.',
    action: 'Run `chmod 600` on the named file, and make a new secret if others may have read it.',
  },
  WRONG_USER: {
    meaning: 'A site or a secret does not belong to the user who runs the command.',
    action:
      'Run the command as the user named in the message. Do not change owners or modes: the daemons of the site run as that user.',
  },
  DISK_FULL: {
    meaning: 'A disk is full; the message says which. Answers are lost, or no longer accepted.',
    action: 'Free space on that disk; work then resumes by itself.',
  },
  LINK_DOWN: {
    meaning: 'The connection to the MQTT broker is down.',
    action:
      'It reconnects by itself; if it stays down, check the address, the network and that the broker is running.',
  },
  LINK_REFUSED: {
    meaning:
      'The MQTT broker refused this identity or a topic, or presented a certificate that cannot be trusted.',
    action:
      'Read the message: it names the certificate and what is wrong with it. Certificate, authority, name and site must come from the ' +
      'same enrolment, and the clock must be right.',
  },
  TPM_UNAVAILABLE: {
    meaning: "The machine's TPM, which holds a key, is absent or cannot be used.",
    action: 'Do what the message says. A key in a TPM works on its own machine only: elsewhere, enrol again.',
  },
  LINK_CREDENTIALS: {
    meaning:
      'The certificate, key and authority for the connection to the broker do not match, or belong to another identity.',
    action:
      'Put back the files that were enrolled together (ca.pem, gateway.pem, gateway.key), with the `site` and `gateway` that came with them.',
  },
  LINK_TAKEN_OVER: {
    meaning:
      'Another program connects to the broker under the same name, so each keeps disconnecting the other.',
    action:
      'Stop one of them. If a package was copied to a second machine, enrol that machine under its own name; if nobody copied it, the key ' +
      'may be stolen: remove the gateway.',
  },

  // backend/
  ...STORE_ERRORS,
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
    meaning: 'The folder already holds a site.',
    action: 'Use another folder, or keep using the site that is there.',
  },
  NAME_INVALID: {
    meaning: 'A name is too long, or has characters that topics and files do not allow.',
    action:
      'Use at most 32 lower-case letters, digits and hyphens (none at either end), and no reserved name.',
  },
  MODEL_NOT_FOUND: {
    meaning: 'There is no protected network with this name or version.',
    action: 'List the networks with `blindsight model list`.',
  },
  MODEL_UNREADABLE: {
    meaning: 'The network to protect cannot be read or is not supported.',
    action: 'Read the message: it names the file and the operator; see the README for what is supported.',
  },
  BUNDLE_DAMAGED: {
    meaning: 'A file of a protected network is missing or was changed.',
    action: 'Restore the `bundles` folder of the site from a backup, or protect the network again.',
  },
  SELF_TEST_FAILED: {
    meaning: 'The encrypted network does not agree with the unencrypted one.',
    action: 'Protect the network again; if this repeats, report it together with the network.',
  },
  GATEWAY_EXISTS: {
    meaning: 'A gateway with this name is already enrolled.',
    action: 'Choose another name. If another box takes its place: `blindsight gateway replace NAME`.',
  },
  ANSWER_TOO_LARGE: {
    meaning: 'The encrypted answers of a network would exceed the largest message that the broker accepts.',
    action:
      'Raise the limit of the broker (`maxMessageKilobytes`, or max_packet_size of Mosquitto) and then `broker.maxMessageKilobytes` in ' +
      'backend.yaml, or deploy a smaller network.',
  },
  GATEWAY_RUNS_TWICE: {
    meaning: 'Two processes use the identity of one gateway and keep disconnecting each other.',
    action:
      'Stop the one that should not run; a second machine needs its own identity (`blindsight gateway enrol`). If you know of no second one, somebody may have copied the key: `blindsight gateway remove` shuts it out.',
  },
  GATEWAY_NOT_FOUND: {
    meaning: 'No gateway with this name is enrolled.',
    action: 'List the gateways with `blindsight gateway list`.',
  },
  CAMERA_NOT_FOUND: {
    meaning: 'No gateway of this site has a camera with this name.',
    action:
      'List the cameras with `blindsight camera list`; a new one is known once its gateway announces it.',
  },
  CAMERA_NAME: {
    meaning: 'A camera cannot be called so, or put in that group.',
    action:
      'Give it a name of at most 64 characters without line breaks, and at most eight groups of at most 40; an empty name takes its own again.',
  },
  ZONE_INVALID: {
    meaning: 'A zone cannot be drawn: its name, its corners, or one zone too many.',
    action:
      'Name three to sixteen corners in order along its edge, x,y each in fractions of the picture, from 0,0 (upper left) to 1,1 (lower right); the message says what is wrong.',
  },
  ZONE_EXISTS: {
    meaning: 'The camera has a zone of this name already.',
    action: 'Choose another name, or remove the zone first: `blindsight camera zone remove CAMERA ZONE`.',
  },
  ZONE_NOT_FOUND: {
    meaning: 'The camera has no zone of this name.',
    action: 'List its zones with `blindsight camera zone list CAMERA`.',
  },
  CAMERA_TAKEN: {
    meaning: 'Settings that are pushed name a camera that belongs to another gateway.',
    action:
      'Name the camera differently, or take it out of the settings of the other gateway and say whose it is: `blindsight camera assign NAME GATEWAY`.',
  },
  SEALING_KEY_MISSING: {
    meaning:
      'Camera passwords cannot be pushed to a gateway that was enrolled before gateways had a key for them.',
    action:
      'Keep this camera in the agent.yaml on the gateway, or enrol its machine under another name (`blindsight gateway enrol`) and remove the old one.',
  },
  CONFIGURATION_CONFLICT: {
    meaning: 'Somebody else pushed settings to the same gateway meanwhile; nothing was changed.',
    action:
      'See what they changed (`blindsight gateway config diff NAME --file F`), take it over, and push with `--base` and the version that the message names.',
  },
  CONFIGURATION_NOT_FOUND: {
    meaning: 'A gateway has no pushed settings, or not in the version that was named.',
    action: 'List its versions with `blindsight gateway config history NAME`.',
  },
  OUTPUT_TASK: {
    meaning: 'An output policy does not fit what the network answers.',
    action: 'Take `rounded` or `label` for a network that counts or answers with a map.',
  },
  OUTPUT_EXISTS: {
    meaning: 'A folder or file to be written already exists.',
    action: 'Name a new or empty folder.',
  },
  BACKUP_INVALID: {
    meaning: 'A folder is not a complete backup of a site: a part is missing or was changed.',
    action: 'Use another backup; if this one is a copy, copy it again.',
  },
  API_TOKEN_MISSING: {
    meaning: 'The page would be open to the network without log-in.',
    action:
      'Add an account with `blindsight person add NAME --role owner`, set api.tokenFile, or keep api.host on loopback.',
  },
  PREVIEW_TOKEN_WEAK: {
    meaning: 'The token of the aiming preview is too easy to guess; there is no preview.',
    action: 'Put at least 32 random characters into its file, for example from `openssl rand -hex 24`.',
  },
  API_TOKEN_WEAK: {
    meaning: 'The API token is too short.',
    action:
      'Put at least 16 random characters into the token file, for example from `openssl rand -base64 24`.',
  },
  API_PORT_TAKEN: {
    meaning: 'The address of the page is in use or not allowed.',
    action: 'Choose another api.port, or stop the program that uses it.',
  },
  API_HOST_REFUSED: {
    meaning: 'Nobody has an account, and the page was requested under a name other than localhost.',
    action:
      'Open http://127.0.0.1 on the machine itself, or add an account with `blindsight person add NAME --role owner`.',
  },
  API_ORIGIN_REFUSED: {
    meaning: 'A web page of another origin asked the backend to change something.',
    action:
      'Use the page of the site itself; a proxy in front of it has to pass the header `Host` on as it came.',
  },
  API_TOKEN_WRONG: {
    meaning: 'A token is wrong, expired or revoked.',
    action: '`blindsight token list` shows which are valid; `blindsight token add NAME` makes another.',
  },
  API_READERS_FULL: {
    meaning: 'Too many pages of this site are open.',
    action: 'Close some of them.',
  },
  API_EXPORTS_FULL: {
    meaning: 'As many exports as run at a time are running.',
    action: 'Wait until one has ended, or cancel one.',
  },
  API_REQUEST_INVALID: {
    meaning: 'A request to the page is malformed, or asks for something that does not exist.',
    action: 'Read the message: it names the parameter.',
  },
  API_REQUEST_FAILED: {
    meaning: 'The backend could not answer a request from the page.',
    action: 'Read the log of the backend: it says why.',
  },
  WORKER_FAILED: {
    meaning: 'A computing thread of the backend stopped.',
    action: 'It restarts by itself; if this repeats, check the memory of the machine and the log.',
  },

  ...NETWORK_ERRORS,

  // agent/
  CAMERA_ADDRESS: {
    meaning: 'The address or the credentials of a camera cannot be read.',
    action: 'Write the URL as rtsp://host[:port]/path and the credentials file as one line, user:password.',
  },
  CAMERA_STREAM: {
    meaning: 'The decoder returned something that is not a picture.',
    action: 'Choose another profile of the camera: H.264, at most 8192 pixels a side.',
  },
  OUTBOX_UNAVAILABLE: {
    meaning: 'An encrypted answer could not be written to the disk of the gateway.',
    action: 'Check that the data directory exists and is writable, and that its disk works.',
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
  NETWORK_MEMORY: {
    meaning:
      'A network does not fit into the memory that a gateway has for networks, beside those that it runs.',
    action:
      'Raise inference.memoryMegabytes of the gateway where the machine has the memory, or let fewer networks be named by its cameras.',
  },
  GATEWAY_NETWORKS: {
    meaning: 'A gateway has as many networks beside its default one as it may have.',
    action: 'Retire networks that no camera names: `blindsight model retire NAME --version N`.',
  },
  BUNDLE_COUNTER: {
    meaning: 'A bundle is older than one that this gateway accepted before.',
    action:
      'Deploy again: every deployment gets a new release counter, even one that returns to an older network.',
  },
  BUNDLE_TOO_LARGE: {
    meaning: 'A bundle exceeds the size limit or the free space of the gateway.',
    action: 'Free disk space on the gateway, or protect the network with a smaller ring.',
  },
  BUNDLE_DIGEST: {
    meaning: 'A part of a bundle does not match its manifest.',
    action: 'It is fetched again at the next connection; if this repeats, check the broker and the disk.',
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
    meaning: 'A bundle gives a different answer on this gateway than on the backend.',
    action: 'Check the memory of the gateway; protect the network again with this version.',
  },
  BUNDLE_CRASHED: {
    meaning: 'The computing thread kept stopping while it ran this bundle.',
    action: 'Check the memory of the gateway, or deploy a smaller network.',
  },
  BUNDLE_UNAVAILABLE: {
    meaning: 'A bundle was announced, but its parts could not be stored.',
    action: 'Check the free space and the permissions of the data directory of the gateway.',
  },

  // command line
  ...DEMO_ERRORS,
  ...BENCH_ERRORS,
  DATA_IN_USE: {
    meaning: 'Another process already uses this data folder in the same role.',
    action:
      'Stop it first, or name another folder: `data` in the configuration of a daemon, --data DIR for the all-in-one site.',
  },
  SITE_MISSING: {
    meaning: 'A folder does not hold a Blindsight site.',
    action:
      'Name another folder with --data DIR, or create a site in this one with `blindsight site init --site NAME`.',
  },
  // broker/
  BROKER_LISTEN: {
    meaning: 'The broker cannot listen on its address.',
    action: 'Stop whatever else uses this port (perhaps another broker), or choose another host or port.',
  },
  BROKER_CERTIFICATE: {
    meaning: 'The certificate, key and authority of the broker do not match.',
    action: 'Issue the broker a new certificate with the authority of this installation.',
  },
  BROKER_ACCESS: {
    meaning:
      'A client of the broker was refused: its identity, its last will, a topic or the size of a packet.',
    action: 'Check who it is and what it asked for; a gateway may use only its own topics.',
  },

  // backend/rollout/, backend/software/
  ...ROLLOUT_ERRORS,
  // backend/enrolment/
  BROKER_ADDRESS: {
    meaning: 'The address of the broker is malformed, or the certificate of the broker does not cover it.',
    action:
      'Write it as mqtts://host:port with a name that the certificate covers; `blindsight site broker-host NAME` adds one.',
  },
  CERTIFICATE_INVALID: {
    meaning: 'A certificate cannot be issued as requested, or the files of an authority do not match.',
    action:
      'Check the names and the number of days; restore the authority from its copy if its files are damaged.',
  },

  // backend/people/, backend/audit/
  ...PEOPLE_ERRORS,
  ...CERTIFICATE_ERRORS,
  // backend/rules/, backend/events/
  ...RULE_ERRORS,
} as const satisfies Record<string, { meaning: string; action: string }>;

export type ErrorCode = keyof typeof ERRORS;

/**
 * An error that a person can cause or must know about. `message` says what happened and where (file, line, path, address
 * without password); the registry's action says what to do.
 */
export class BlindsightError extends Error {
  override readonly name = 'BlindsightError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** What to do about it, from the registry. */
  get action(): string {
    return ERRORS[this.code].action;
  }
}
