import { redactText } from '#protocol/redact.ts';

/**
 * Removes what must not be seen from a line of another program: what {@link redactText} knows, and the given secrets
 * wherever they stand. Secrets shorter than 3 characters are only removed as parts of URLs, or whole lines would
 * become stars.
 */
export function redact(line: string, secrets: readonly string[]): string {
  let clean = redactText(line);
  for (const secret of secrets) if (secret.length >= 3) clean = clean.replaceAll(secret, '***');
  return clean;
}
