import { statfs } from 'node:fs/promises';
import { cpuTemperature, currentLoad, mem } from 'systeminformation';
import type { Health } from '#protocol/messages.ts';

const percent = (share: number): number =>
  Number.isFinite(share) ? Math.round(Math.min(Math.max(share, 0), 100) * 10) / 10 : 0;

async function diskFreePercent(directory: string): Promise<number | null> {
  try {
    const { bavail, blocks } = await statfs(directory);
    return percent((100 * bavail) / blocks);
  } catch {
    return null;
  }
}

/**
 * Measures the machine: three calls of systeminformation, which reads /proc and /sys. Called once
 * per `healthSeconds`.
 *
 * @param directory the data folder, whose disk matters
 */
export async function measureHealth(
  directory: string,
  outbox: Health['outbox'],
): Promise<Omit<Health, 'session' | 'time'>> {
  const [load, memory, temperature] = await Promise.all([currentLoad(), mem(), cpuTemperature()]);
  return {
    uptimeSeconds: Math.round(process.uptime()),
    cpuPercent: percent(load.currentLoad),
    memoryPercent: percent((100 * (memory.total - memory.available)) / memory.total),
    processMegabytes: Math.round(process.memoryUsage.rss() / 2 ** 20),
    temperatureCelsius: Number.isFinite(temperature.main) ? temperature.main : null,
    diskFreePercent: await diskFreePercent(directory),
    outbox,
  };
}
