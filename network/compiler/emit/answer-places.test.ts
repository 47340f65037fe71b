import { describe, expect, it } from 'vitest';
import { answerPlaces, copiesOf } from '#fhe';
import { listZoo, loadZooNetwork } from '#network/model/description/zoo.ts';
import { compileNetwork } from '../compile.ts';

const names = await listZoo();

describe('the places for answers in a ciphertext', () => {
  it.each(names)(
    'of %s are read off its program as its owner knows them',
    async (name) => {
      const { graph, metadata } = await loadZooNetwork(name);
      const { verified, interpretation } = compileNetwork(graph, { ...metadata, name });
      const places = answerPlaces(verified);
      expect(places).toBe(copiesOf(interpretation));
      expect(places).toBeGreaterThan(1);
    },
    300_000,
  );
});
