import type { TargetedSubmitEvent } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { SessionView } from '#protocol/api.ts';
import { type Credentials, openSession } from '../site/open-session.ts';
import { Lock } from './icons.tsx';

type Props = { readonly ways: SessionView['logIn']; readonly onOpened: () => void };

/** Asks for name and password, or for the token of the site; the backend remembers the browser by a cookie. */
export function Login({ ways, onOpened }: Props) {
  const form = useRef<HTMLFormElement>(null);
  const [wantsToken, setWantsToken] = useState(!ways.password);
  const [busy, setBusy] = useState(false);
  const [reason, setReason] = useState('');

  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const credentials = credentialsOf(new FormData(event.currentTarget), wantsToken);
    if (typeof credentials === 'string') return setReason(credentials);
    setBusy(true);
    const answer = await openSession(credentials);
    setBusy(false);
    if (answer.opened) return onOpened();
    setReason(answer.reason);
    form.current?.querySelector<HTMLInputElement>('input[type=password]')?.select();
  };
  const change = () => {
    setWantsToken(!wantsToken);
    setReason('');
  };

  return (
    <section class="card login" aria-labelledby="login-title">
      <Lock />
      <h2 id="login-title">This cockpit is locked</h2>
      <p class="quiet">
        {wantsToken
          ? 'The token is in the backend’s settings; whoever set up this site has it.'
          : 'An owner of this site gives out accounts.'}
      </p>
      <form ref={form} onSubmit={submit}>
        {wantsToken ? (
          <Field key="token" id="token" label="Token" isSecret isWrong={reason !== ''} />
        ) : (
          <>
            <Field key="name" id="name" label="Name" isSecret={false} isWrong={reason !== ''} />
            <Field key="password" id="password" label="Password" isSecret isWrong={reason !== ''} />
          </>
        )}
        <p id="login-reason" class="login-reason" role="alert">
          {reason}
        </p>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? 'Opening …' : 'Open the cockpit'}
        </button>
      </form>
      {ways.password && ways.token && (
        <button type="button" class="link" onClick={change}>
          {wantsToken ? 'Log in with name and password' : 'Log in with the token of the site'}
        </button>
      )}
    </section>
  );
}

type FieldProps = {
  readonly id: 'name' | 'password' | 'token';
  readonly label: string;
  readonly isSecret: boolean;
  readonly isWrong: boolean;
};

function Field({ id, label, isSecret, isWrong }: FieldProps) {
  const shared = {
    id,
    name: id,
    autoCapitalize: 'none',
    spellcheck: false,
    'aria-describedby': 'login-reason',
    'aria-invalid': isWrong,
  } as const;
  return (
    <>
      <label for={id}>{label}</label>
      {isSecret ? (
        <input {...shared} type="password" autoComplete="current-password" />
      ) : (
        <input {...shared} type="text" autoComplete="username" />
      )}
    </>
  );
}

/** What was typed, or what is missing. */
function credentialsOf(data: FormData, wantsToken: boolean): Credentials | string {
  const typed = (name: string) => String(data.get(name) ?? '');
  const token = typed('token').trim();
  if (wantsToken) return token === '' ? 'Enter the token first.' : { token };
  const name = typed('name').trim();
  const password = typed('password');
  return name === '' || password === '' ? 'Enter name and password first.' : { name, password };
}
