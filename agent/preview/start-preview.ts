import type { AgentConfig } from '#config/schema.ts';
import { readSecretFile } from '#runtime/files.ts';
import type { Logger } from '#runtime/log.ts';
import type { PreviewServer } from './preview-server.ts';

/** The settings that a preview shows: as long as they stay, it and its viewers are left alone. */
export function previewOf({ preview, cameras }: AgentConfig) {
  return {
    preview,
    cameras: cameras.map(({ name, region, regions, masks }) => ({
      name,
      regions: regions ?? (region === undefined ? [] : [region]),
      masks,
    })),
  };
}

/**
 * Starts the aiming preview where a token file is configured. A preview that cannot start is only reported: it must not keep a gateway
 * from working.
 *
 * @param onWatch called when somebody begins to watch a camera, or nobody watches one any more
 * @throws BlindsightError FILE_UNREADABLE or SECRET_EXPOSED for the token file
 */
export async function startPreview(
  config: AgentConfig,
  log: Logger,
  onWatch?: () => void,
): Promise<PreviewServer | null> {
  const { preview: settings, cameras } = previewOf(config);
  const { port, tokenFile } = settings;
  if (tokenFile === undefined) return null;
  const token = (await readSecretFile(tokenFile)).toString('utf8').trim();
  const weakness = weaknessOf(token);
  if (weakness !== null) {
    log.error({ code: 'PREVIEW_TOKEN_WEAK' }, `no preview: the token in ${tokenFile} ${weakness}`);
    return null;
  }
  try {
    // Only here: a gateway without preview does not load the muxer.
    const { PreviewServer } = await import('./preview-server.ts');
    const preview = await PreviewServer.start({
      ...{ port, token, cameras, ffmpegPath: 'ffmpeg', log },
      ...(onWatch && { onWatch }),
    });
    log.info(
      { tokenFile },
      `preview of the cameras at http://127.0.0.1:${preview.port}/ with the token in ${tokenFile}`,
    );
    return preview;
  } catch (error) {
    log.error({ err: error }, `the preview cannot listen on port ${port}`);
    return null;
  }
}

/** Hexadecimal digits of 128 bits; a random token has many different ones. */
const TOKEN_MIN = 32;
const DIFFERENT_MIN = 8;

/** Why a token is too easy to guess, or null. */
function weaknessOf(token: string): string | null {
  if (token.length < TOKEN_MIN) return `has ${token.length} characters, at least ${TOKEN_MIN} are needed`;
  const different = new Set(token).size;
  return different < DIFFERENT_MIN ? `is made of ${different} different characters: it is not random` : null;
}
