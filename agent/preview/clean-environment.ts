/**
 * Runs something that starts a process and passes it our environment, which may hold what systemd gave to us alone: meanwhile there is nothing in it
 * but where programs are. It must not wait for anything.
 */
export function inCleanEnvironment<T>(start: () => T): T {
  const kept = { ...process.env };
  for (const name of Object.keys(kept)) if (name !== 'PATH') delete process.env[name];
  try {
    return start();
  } finally {
    Object.assign(process.env, kept);
  }
}
