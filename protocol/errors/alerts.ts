/** Alerts, and the channels that they are sent through. */
export const ALERT_ERRORS = {
  ALERT_NOT_FOUND: {
    meaning: 'There is no alert with this number.',
    action: 'List the alerts with `blindsight alert list`; the oldest closed ones are removed.',
  },
  ALERT_ACKNOWLEDGED: {
    meaning: 'Somebody has acknowledged this alert already; the message says who and when.',
    action: 'Nothing: it is in their hands.',
  },
  CHANNEL_NOT_FOUND: {
    meaning: 'There is no channel of this name.',
    action: 'List the channels with `blindsight channel list`.',
  },
  CHANNEL_EXISTS: {
    meaning: 'There is a channel of this name already.',
    action: 'Choose another name, or remove that one first: `blindsight channel remove NAME`.',
  },
  CHANNEL_INVALID: {
    meaning: 'The settings of a channel are not as they must be.',
    action: 'Correct what the message names; docs/alerts.md has an example of each kind.',
  },
  CHANNEL_ADDRESS_PRIVATE: {
    meaning: 'The address of a channel leads to this machine or into a private network.',
    action: 'If that is meant, add `allowPrivate: true` to the settings of the channel.',
  },
  CHANNEL_REFUSED: {
    meaning:
      'The other side of a channel did not take an alert: it answered with an error, or sent us elsewhere.',
    action:
      'Look at the other side. The alert is sent again for three days; `blindsight channel test NAME` tries at once.',
  },
  CHANNEL_UNREACHABLE: {
    meaning:
      'The other side of a channel did not answer in time, or could not be reached, or did not prove who it is.',
    action:
      'Look at the network and the other side. The alert is sent again for three days; `blindsight channel test NAME` tries at once.',
  },
} as const;

/** What the journal says of them. */
export const ALERT_EVENTS = {
  CHANNEL_ADDED: {
    meaning: 'A channel was added, through which alerts can be sent.',
    action: 'Nothing, if this was you.',
  },
  CHANNEL_REMOVED: {
    meaning: 'A channel for alerts was removed, with its secrets.',
    action: 'Nothing, if this was you; rules that name it tell nobody there any more.',
  },
  CHANNEL_FAILS: {
    meaning:
      'The other side of a channel has not taken alerts three times in a row. They wait, and are sent again for three days.',
    action:
      'Look at what the message says, and at the other side; `blindsight channel test NAME` tries at once.',
  },
  CHANNEL_WORKS: {
    meaning: 'A channel that did not take alerts takes them again; those that waited are sent.',
    action: 'Nothing.',
  },
  ALERT_UNDELIVERED: {
    meaning:
      'An alert was not delivered through a channel, and is not tried again. It is still among the alerts of the site.',
    action: 'Do what the message says about the channel; `blindsight alert list` shows what is open.',
  },
} as const;
