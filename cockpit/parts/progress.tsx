import type { DeploymentWords } from '../view/gateway-words.ts';

/** How far a deployment has come, in words and, while a bundle is fetched, as a bar. */
export function Progress({ words }: { words: DeploymentWords }) {
  return (
    <div class={`deployment tone-${words.tone}`}>
      <p>{words.text}</p>
      {words.progress !== null && <progress max={1} value={words.progress} aria-label={words.text} />}
    </div>
  );
}
