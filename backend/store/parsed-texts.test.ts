import { expect, it } from 'vitest';
import { ParsedTexts } from './parsed-texts.ts';

it('parses a text once while it is in use, and remembers few', () => {
  const parsed: string[] = [];
  const texts = new ParsedTexts((text) => {
    parsed.push(text);
    return { text };
  });
  const first = texts.get('first');
  for (let i = 0; i < 200; i++) {
    texts.get(`other ${i}`);
    expect(texts.get('first')).toBe(first);
  }
  expect(parsed).toHaveLength(201);
  texts.get('other 0');
  expect(parsed).toHaveLength(202);
});
