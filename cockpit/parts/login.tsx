import type { TargetedSubmitEvent } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { openSession } from '../site/open-session.ts';
import { Lock } from './icons.tsx';

/** Asks for the site's token, once; the backend remembers the browser by a cookie. */
export function Login({ onOpened }: { onOpened: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [reason, setReason] = useState('');

  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const token = field.current?.value.trim() ?? '';
    if (token === '') return setReason('Enter the token first.');
    setBusy(true);
    const answer = await openSession(token);
    setBusy(false);
    if (answer.opened) return onOpened();
    setReason(answer.reason);
    field.current?.select();
  };

  return (
    <section class="card login" aria-labelledby="login-title">
      <Lock />
      <h2 id="login-title">This cockpit is locked</h2>
      <p class="quiet">The token is in the backend’s settings; whoever set up this site has it.</p>
      <form onSubmit={submit}>
        <label for="token">Token</label>
        <input
          id="token"
          ref={field}
          type="password"
          autoComplete="current-password"
          spellcheck={false}
          aria-describedby="login-reason"
          aria-invalid={reason !== ''}
        />
        <p id="login-reason" class="login-reason" role="alert">
          {reason}
        </p>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? 'Opening …' : 'Open the cockpit'}
        </button>
      </form>
    </section>
  );
}
