import { describe, expect, it } from 'vitest';
import { refusalWords } from './refusal-words.ts';

const site = { commandLine: 'npx blindsight … --data /srv/old-town' };

describe('refusalWords', () => {
  it('says what happened and what to do', () => {
    expect(refusalWords('version', site)).toBe(
      'The answer was written by another version of Blindsight. Update the backend before the gateways.',
    );
    expect(refusalWords('too-many', site)).toMatch(/else by answers\.perCameraPerSecond\. Raise/);
  });

  it('suggests commands for this site', () => {
    expect(refusalWords('unknown-gateway', site)).toContain(
      'Enrol it with npx blindsight gateway enrol --data /srv/old-town, or find out',
    );
  });

  it('shows what it does not know as it is', () => {
    expect(refusalWords('constructor', site)).toBe('constructor');
  });
});
