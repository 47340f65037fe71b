import { readFile } from 'node:fs/promises';
import type { AgentConfig } from '#config/schema.ts';

/** Shorter ones would blank out every third word of a text. */
const LEAST_CHARACTERS = 4;

/**
 * Every secret that this gateway knows, as it would stand in a text: passwords and users of cameras (also as URLs write them), the token of the
 * preview, the lines of private keys. What cannot be read is no secret that could be told.
 */
export async function collectSecrets(config: AgentConfig): Promise<string[]> {
  const secrets = new Set<string>();
  const { identity, broker, preview, cameras } = config;
  const keys = [identity.signingKey, identity.sealingKey, broker.key, preview.tokenFile];
  for (const path of keys) {
    for (const line of (await read(path)).split('\n'))
      if (!line.startsWith('-----')) secrets.add(line.trim());
  }
  for (const { url, credentials } of cameras) {
    const line = (await read(credentials)).trim();
    addCredentials(secrets, line);
    const [, inUrl = ''] = /^\w+:\/\/(\S*)@/.exec(url) ?? [];
    addCredentials(secrets, inUrl);
    addCredentials(secrets, decoded(inUrl));
  }
  return [...secrets].filter(({ length }) => length >= LEAST_CHARACTERS).sort((a, b) => b.length - a.length);
}

/** A text in which none of these stands. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
}

function addCredentials(secrets: Set<string>, line: string): void {
  const [, ...password] = line.split(':');
  for (const text of [line, password.join(':')]) {
    secrets.add(text);
    secrets.add(encodeURIComponent(text));
    // As it stands in a JSON string.
    secrets.add(JSON.stringify(text).slice(1, -1));
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function read(path: string | undefined): Promise<string> {
  return path === undefined ? '' : readFile(path, 'utf8').catch(() => '');
}
