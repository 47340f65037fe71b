/** Ends what is left of a process and its children, which are a group of their own: as systemd does when the main process of a unit has ended. */
export function endGroup(pid: number | undefined, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Nothing is left.
  }
}
