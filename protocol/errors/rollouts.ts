/** Codes of rollouts, groups and the software of gateways; part of the one registry in ../errors.ts. */
export const ROLLOUT_ERRORS = {
  ROLLOUT_TARGET: {
    meaning: 'A rollout names no gateway, or one that is not there.',
    action: 'Name gateways or groups as `blindsight gateway list` shows them, or `all`.',
  },
  ROLLOUT_WAVES: {
    meaning: 'The waves of a rollout are not growing numbers or shares of gateways.',
    action: 'Write them as in `--waves 1,10%,100%`: each more than the one before, at most 100%.',
  },
  ROLLOUT_LIMIT: {
    meaning: 'A time limit or number of failures of a rollout is out of its range.',
    action: 'Write a time such as 90s, 30m, 2h or 7d, and a number of failures from 0.',
  },
  ROLLOUT_CONFLICT: {
    meaning: 'A gateway is in another rollout that has not ended.',
    action: 'Wait until that has ended, or abort it; --instead aborts it and starts this one.',
  },
  ROLLOUT_NOT_FOUND: {
    meaning: 'There is no rollout of this number.',
    action: '`blindsight rollout list` shows them.',
  },
  ROLLOUT_STATE: {
    meaning: 'A rollout cannot be paused, resumed, aborted or taken back in the state it is in.',
    action: 'Look at it with `blindsight rollout show ID`; one that runs is aborted before it is taken back.',
  },
  ROLLOUT_UNNAMED: {
    meaning:
      'A network was released beside the default one of a gateway, and no camera there names it: the gateway does not fetch it.',
    action:
      'Have a camera name it, `blindsight camera network CAMERA NETWORK`, and start the rollout again; or make it the default one with --default.',
  },
  SOFTWARE_EXISTS: {
    meaning: 'Another archive of this version of the software of gateways is kept for the same machine.',
    action: 'Give what you changed a version of its own; or `blindsight software remove` the one before.',
  },
  SOFTWARE_NOT_FOUND: {
    meaning:
      'There is no archive of this version of the software of gateways, or none for the machine of a gateway.',
    action: 'Add it with `blindsight software add FILE`; `blindsight software list` shows what there is.',
  },
  SOFTWARE_IN_USE: {
    meaning: 'An archive of software cannot be removed: a gateway is to run it, or a rollout releases it.',
    action: 'Release another version to that gateway first, or wait until the rollout has ended.',
  },
  GATEWAY_MACHINE: {
    meaning: 'A gateway has not said what machine it is and that its software can be updated from afar.',
    action: 'Update it once by its package; one of this version says so by itself when it connects.',
  },
  GATEWAY_GROUP: {
    meaning: 'The name of a group of gateways is malformed or taken.',
    action:
      'Use lower-case letters, digits and hyphens, at most 32, and neither `all` nor the name of a gateway.',
  },
} as const satisfies Record<string, { meaning: string; action: string }>;
