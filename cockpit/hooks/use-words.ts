import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { EN, type Words } from '../words/en.ts';

/** The language of the page. */
export const WordsContext = createContext<Words>(EN);

/** The words of the page, in the language of its reader. */
export function useWords(): Words {
  return useContext(WordsContext);
}
