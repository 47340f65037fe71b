import type { ComponentChildren } from 'preact';
import { ClosedEye } from './icons.tsx';

/** A calm page where there is nothing to show yet, and what to do about it. */
export function Empty({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="empty">
      <ClosedEye />
      <h2>{title}</h2>
      <p>{children}</p>
    </section>
  );
}
