/**
 * What each command does to a site. `reads`: nothing. `acts`: it is noted in the audit log of the site before it runs, and how it ended. `makes`: likewise, but the site
 * may exist only afterwards. `elsewhere`: it concerns no site, or is a daemon.
 */
export type Does = 'reads' | 'acts' | 'makes' | 'elsewhere';

export type AuditedCommand = {
  readonly does: Does;
  /** Options that are noted with their values, by long name without dashes; none that holds a secret, a path of one, or much text. */
  readonly notes?: readonly string[];
};

const acts = (...notes: string[]): AuditedCommand => ({ does: 'acts', notes });
/** Whose keys they are. */
const KEY_NOTES = 'per-gateway,shared'.split(',');
/** Where a network goes. */
const PLACE_NOTES = 'beside,default'.split(',');
const makes = (...notes: string[]): AuditedCommand => ({ does: 'makes', notes });
const reads: AuditedCommand = { does: 'reads' };
const elsewhere: AuditedCommand = { does: 'elsewhere' };

/** By the words of the command. A test compares this table with the commands that there are. */
export const AUDITED_COMMANDS: Readonly<Record<string, AuditedCommand>> = {
  agent: elsewhere,
  // Of root, on a gateway.
  'agent adopt': elsewhere,
  'agent enrol': elsewhere,
  'alert acknowledge': acts(),
  'alert list': reads,
  attack: elsewhere,
  'audit accept': acts(),
  'audit list': reads,
  'audit verify': reads,
  auditor: elsewhere,
  backend: elsewhere,
  bench: elsewhere,
  'bench city': elsewhere,
  'bench clear': elsewhere,
  broker: elsewhere,
  'camera assign': acts(),
  'camera group': acts(),
  'camera list': reads,
  'camera name': acts(),
  'camera network': acts(),
  'camera release': acts(),
  'camera zone add': acts(),
  'camera zone list': reads,
  'camera zone remove': acts(),
  'channel add': acts(),
  'channel list': reads,
  'channel remove': acts(),
  'channel test': acts(),
  conformance: elsewhere,
  demo: makes(),
  deploy: acts('version', 'valid-days', ...PLACE_NOTES, ...KEY_NOTES),
  evaluate: elsewhere,
  explain: elsewhere,
  'gateway config diff': reads,
  'gateway config history': reads,
  'gateway config push': acts('base'),
  'gateway config rollback': acts('version', 'base'),
  'gateway config show': reads,
  'gateway diagnostics': acts(),
  'gateway enrol': acts('broker'),
  'gateway group': acts(),
  'gateway invite': acts('hours', 'address'),
  'gateway list': reads,
  'gateway log-level': acts('for'),
  'gateway logs': acts('lines', 'since'),
  'gateway quarantine': acts('reason'),
  'gateway rekey': acts('reason', 'grace'),
  'gateway release': acts('discard'),
  'gateway remove': acts(),
  'gateway replace': acts('hours', 'address'),
  'gateway restart': acts(),
  'gateway show': reads,
  'history export': reads,
  label: elsewhere,
  'model import': elsewhere,
  'model list': reads,
  'model output': acts('version', 'step', 'equal'),
  'model protect': acts('name', 'regions', 'output', 'step', 'equal'),
  'model reinstate': acts('version'),
  'model retire': acts('version', 'grace'),
  'model show': reads,
  // It accuses somebody: whoever asked, and about what, should be on record.
  'model trace': acts('model'),
  'person add': acts('role'),
  'person list': reads,
  'person password': acts(),
  'person remove': acts(),
  'person role': acts('role'),
  'rollout abort': acts('back'),
  'rollout back': acts('waves', 'limit', 'instead'),
  'rollout list': reads,
  'rollout pause': acts(),
  'rollout resume': acts(),
  'rollout show': reads,
  'rollout start': acts('to', 'version', 'waves', 'limit', 'total', 'max-failures', 'instead', ...KEY_NOTES),
  'rule add': acts('anyway', 'replace', 'when', 'gateway', 'severity'),
  'rule disable': acts(),
  'rule enable': acts(),
  'rule list': reads,
  'rule remove': acts(),
  'rule show': reads,
  'rule test': reads,
  // Of root, who gives the files to the users of the daemons and does not open the site.
  'site adopt': elsewhere,
  'site backup': acts(),
  'site broker-host': acts(),
  'site init': makes('site'),
  'site owner-key list': reads,
  'site owner-key retire': acts('now'),
  'site owner-key rotate': acts('stolen'),
  'site renew': acts(),
  'site certificates': reads,
  'site issue viewer': acts('broker'),
  'site restore': makes(),
  'site revoke': acts('yes'),
  'site root-key': acts(),
  'software add': acts(),
  'software list': reads,
  'software remove': acts(),
  'token add': acts('role', 'days'),
  'token list': reads,
  'token revoke': acts(),
  train: elsewhere,
};
