/** Codes of commands to gateways; part of the one registry in ../errors.ts. */
export const COMMAND_ERRORS = {
  COMMAND_INVALID: {
    meaning: 'A command to a gateway is malformed, or has an argument that it does not take.',
    action: 'Mend what the message says, and give it again.',
  },
  COMMAND_UNKNOWN: {
    meaning: 'The software of a gateway does not know this command.',
    action: 'Update the gateway.',
  },
  COMMAND_FOREIGN: {
    meaning: 'A command came that is not for this gateway, or not signed by the owner of its site.',
    action:
      'Give it again from the site that the gateway belongs to; look for a foreign publisher on this topic.',
  },
  COMMAND_EXPIRED: {
    meaning: 'A command came to its gateway after its time, so nothing was done.',
    action: 'Give it again; if this repeats, compare the clocks of site and gateway.',
  },
  COMMAND_REPEATED: {
    meaning: 'A command came again that the gateway has carried out, or may have; it did nothing.',
    action: 'Give it again as a new command if you still need it.',
  },
  COMMAND_BUSY: {
    meaning: 'More commands wait for a gateway than are kept.',
    action: 'Wait until those before are answered or expired, then give it again.',
  },
  COMMAND_INTERRUPTED: {
    meaning: 'A gateway ended while it carried a command out.',
    action: 'Give it again.',
  },
  COMMAND_FAILED: {
    meaning: 'A gateway could not carry out a command.',
    action: 'Mend what the message says, and give it again.',
  },
  COMMAND_NOT_FOUND: {
    meaning: 'No such command was given to this gateway, or it brought nothing, or it is no longer kept.',
    action: 'List those that are kept: `GET /api/gateways/NAME/commands`.',
  },
  ANSWER_INVALID: {
    meaning: 'The answer of a gateway to a command is malformed, or not signed by it.',
    action: 'Run the same version of Blindsight on both sides; look for a foreign publisher on this topic.',
  },
} as const;
