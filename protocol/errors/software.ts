/** Codes of updates of the gateway's program: part of the registry in ../errors.ts. */
export const SOFTWARE_ERRORS = {
  SOFTWARE_INVALID: {
    meaning: 'The bytes of a release of software, or of its archive, are malformed.',
    action: 'Copy or make the archive anew, or release it again, with this version of Blindsight.',
  },
  SOFTWARE_DIGEST: {
    meaning: 'A file of a release of software does not have the digest that its owner signed.',
    action: 'Nothing: it is fetched again. If this repeats, check the disk of the gateway.',
  },
  SOFTWARE_SIGNATURE: {
    meaning: 'A release of software is not signed by the owner of this installation.',
    action: 'Look for a foreign publisher on the broker; otherwise release the software again.',
  },
  SOFTWARE_TARGET: {
    meaning: 'A release of software is for another site or gateway.',
    action: 'Release it for this gateway.',
  },
  SOFTWARE_PLATFORM: {
    meaning: 'A release of software is for another kind of machine than the gateway is.',
    action: 'Add the archive for the machine that `gateway show` names, and release that.',
  },
  SOFTWARE_COUNTER: {
    meaning: 'A release of software is older than one that this gateway accepted before.',
    action:
      'Nothing, if it passes. To go back to an earlier version, release it anew: going back is a new release.',
  },
  SOFTWARE_MEMORY: {
    meaning: 'The gateway has less free memory than a release of software asks for.',
    action: 'It is tried again by itself; end other programs on the gateway, or release a smaller one.',
  },
  SOFTWARE_NO_ROOM: {
    meaning: 'The disk of the gateway has no room for an update.',
    action:
      'It is tried again by itself; delete what is not needed on the gateway. An update takes about 450 MB for a while.',
  },
  SOFTWARE_UNAVAILABLE: {
    meaning: 'A gateway could not store or unpack a release of software.',
    action: 'It is tried again by itself. If this repeats, check the disk of the gateway.',
  },
  SOFTWARE_BROKEN: {
    meaning: 'The program of a release does not start at all on this machine.',
    action:
      'Look at what it says in the report. A disk mounted with `noexec` cannot hold programs; otherwise release another version.',
  },
  SOFTWARE_NO_LAUNCHER: {
    meaning: 'The gateway was not started by its launcher, so that nobody could try another program.',
    action:
      'Install the package and let systemd start `launch-agent`; a container or `npm start` is updated as a whole.',
  },
  SOFTWARE_DAMAGED: {
    meaning: 'A program in a slot, or the state of updates, is not what was written to the disk.',
    action:
      'Nothing: an earlier program runs, and the release is fetched again. Check the disk of the gateway.',
  },
  SOFTWARE_DIED: {
    meaning: 'A new program ended three times before it had proved itself. The former one runs again.',
    action: 'Look at the log of the gateway (`gateway logs`), and release another version.',
  },
  SOFTWARE_UNHEALTHY: {
    meaning:
      'With a new program the link, the cameras or the answers were not as before in time. The former program runs again.',
    action:
      'Look at the reason. If the new version is not to blame (a camera lost power meanwhile), release it again.',
  },
} as const;
