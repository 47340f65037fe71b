import { deployModel } from '#backend/operations/deploy-model.ts';
import { withSite } from '#backend/site-folder.ts';

/** `blindsight deploy MODEL GATEWAY`. */
export async function deploy(
  model: string,
  gateway: string,
  options: { version?: number; data: string },
): Promise<void> {
  await withSite(options.data, async (site, config) => {
    const maxMessageBytes = config.broker.maxMessageKilobytes * 1024;
    const release = await deployModel({
      site,
      model,
      gateway,
      maxMessageBytes,
      ...(options.version !== undefined && { version: options.version }),
    });
    process.stdout.write(
      `${release.model} version ${release.version} is release ${release.counter} of ${gateway} (${release.digest.slice(0, 12)}); ` +
        'a running backend sends it now\n',
    );
  });
}
