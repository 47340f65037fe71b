/**
 * Names of a site's queue at a NATS server: its stream, what its subjects begin with (one for each gateway, which nobody but the backend may write), and where the
 * server answers the backend.
 */
export function queueNames(site: string) {
  return {
    stream: `blindsight-${site}`,
    subjects: `blindsight.queue.${site}`,
    answers: `blindsight.inbox.${site}`,
  };
}
