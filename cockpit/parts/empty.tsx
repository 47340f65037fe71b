import type { ComponentChildren } from 'preact';
import { ClosedEye } from './icons.tsx';

/** What to show, and what to do, while there is nothing to see yet. */
export function Empty({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="empty">
      <ClosedEye />
      <h2>{title}</h2>
      <p>{children}</p>
    </section>
  );
}
