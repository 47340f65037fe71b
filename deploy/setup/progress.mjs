// Progress goes to stderr, so that stdout holds results only.

const ANNOUNCE_AFTER_MS = 1_000;
const REMIND_EVERY_MS = 15_000;

/**
 * Runs a step. A step that takes longer than a second is announced, reminded of while it lasts, and closed with its time.
 *
 * @template T
 * @param {string} title what is done, for example "Installing npm packages"
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(title, work) {
  const start = Date.now();
  const seconds = () => ((Date.now() - start) / 1000).toFixed(1);
  let announced = false;
  const announce = () => {
    process.stderr.write(announced ? `… ${title}: ${seconds()} s so far\n` : `… ${title}\n`);
    announced = true;
  };
  const first = setTimeout(announce, ANNOUNCE_AFTER_MS);
  const reminder = setInterval(announce, REMIND_EVERY_MS);
  try {
    const result = await work();
    if (announced) process.stderr.write(`✓ ${title}: ${seconds()} s\n`);
    return result;
  } finally {
    clearTimeout(first);
    clearInterval(reminder);
  }
}
