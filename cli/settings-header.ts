const HEADER = /^# Version (\d+) of the settings of ([a-z0-9-]+);.*\n/;

/** Settings with a line that says which version they are, so that whoever pushes them changed is told of what was pushed meanwhile. */
export function withHeader(settings: string, gateway: string, version: number): string {
  return `# Version ${version} of the settings of ${gateway}; a push of this file is a change of that version.\n${withoutHeader(settings)}`;
}

export function withoutHeader(settings: string): string {
  return settings.replace(HEADER, '');
}

/** The version that settings are a change of; undefined where they do not say, or came from another gateway. */
export function versionOf(settings: string, gateway: string): number | undefined {
  const [, version, of] = HEADER.exec(settings) ?? [];
  return version === undefined || of !== gateway ? undefined : Number(version);
}
