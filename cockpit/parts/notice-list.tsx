import type { Notice } from '../view/notices.ts';

/** Sentences that need attention, worst first; nothing at all on a good day. */
export function NoticeList({ items }: { items: readonly Notice[] }) {
  return (
    <div class="notices" role="status">
      {items.map(({ key, tone, text }) => (
        <p key={key} class={`notice tone-${tone}`}>
          <span class="dot" aria-hidden="true" />
          {text}
        </p>
      ))}
    </div>
  );
}
