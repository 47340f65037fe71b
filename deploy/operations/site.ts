import { initializeSite } from '#backend/operations/initialize-site.ts';
import { siteFiles } from '../site-folder.ts';

/** `blindsight site init`. */
export async function initSite(options: { site: string; data: string }): Promise<void> {
  const files = siteFiles(options.data);
  await initializeSite(files.folder, options.site);
  process.stdout.write(
    `${files.folder} holds the site ${options.site}. Run its two daemons:\n` +
      `  blindsight broker --config ${files.brokerConfig}\n` +
      `  blindsight backend --config ${files.backendConfig}\n`,
  );
}
