import type { TargetedSubmitEvent } from 'preact';
import { useState } from 'preact/hooks';
import type { CameraView } from '#protocol/api.ts';
import { useWords } from '../hooks/use-words.ts';
import { request } from '../site/request.ts';

/** What people call a camera, and its groups, to be changed. */
export function CameraNaming({ camera }: { readonly camera: CameraView }) {
  const { naming: words } = useWords();
  const [said, setSaid] = useState<{ readonly isOk: boolean; readonly text: string } | null>(null);
  const save = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const answer = await request('PUT', `api/cameras/${encodeURIComponent(camera.camera)}`, {
      displayName: String(data.get('name') ?? ''),
      groups: String(data.get('groups') ?? '')
        .split(',')
        .map((group) => group.trim())
        .filter(Boolean),
    });
    setSaid(answer.ok ? { isOk: true, text: words.saved } : { isOk: false, text: answer.message });
  };
  return (
    <details class="card more naming">
      <summary>{words.title}</summary>
      {/* Defaults, not values: the page is drawn anew each second, and must leave alone what is being typed. */}
      <form class="form-fields" onSubmit={save}>
        <label>
          {words.name}
          <input
            name="name"
            maxLength={64}
            placeholder={camera.camera}
            defaultValue={camera.displayName ?? ''}
          />
        </label>
        <label>
          {words.groups}
          <input name="groups" defaultValue={(camera.groups ?? []).join(', ')} />
        </label>
        <button type="submit" class="primary">
          {words.save}
        </button>
        {said !== null && (
          <p class={said.isOk ? 'quiet' : 'field-problem'} role={said.isOk ? 'status' : 'alert'}>
            {said.text}
          </p>
        )}
      </form>
    </details>
  );
}
