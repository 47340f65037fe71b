import type { TargetedSubmitEvent } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { SessionView } from '#protocol/api.ts';
import { useWords } from '../hooks/use-words.ts';
import { type Credentials, openSession } from '../site/open-session.ts';
import type { Words } from '../words/en.ts';
import { Lock } from './icons.tsx';

type Props = { readonly ways: SessionView['logIn']; readonly onOpened: () => void };

/** Asks for name and password, or for the token of the site; the backend remembers the browser by a cookie. */
export function Login({ ways, onOpened }: Props) {
  const words = useWords().login;
  const form = useRef<HTMLFormElement>(null);
  const [wantsToken, setWantsToken] = useState(!ways.password);
  const [busy, setBusy] = useState(false);
  const [reason, setReason] = useState('');

  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const credentials = credentialsOf(new FormData(event.currentTarget), wantsToken, words);
    if (typeof credentials === 'string') return setReason(credentials);
    setBusy(true);
    const answer = await openSession(credentials, words);
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
      <h2 id="login-title">{words.title}</h2>
      <p class="quiet">{wantsToken ? words.tokenWhere : words.accounts}</p>
      <form ref={form} onSubmit={submit}>
        {wantsToken ? (
          <Field key="token" id="token" label={words.token} isSecret isWrong={reason !== ''} />
        ) : (
          <>
            <Field key="name" id="name" label={words.name} isSecret={false} isWrong={reason !== ''} />
            <Field key="password" id="password" label={words.password} isSecret isWrong={reason !== ''} />
          </>
        )}
        <p id="login-reason" class="login-reason" role="alert">
          {reason}
        </p>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? words.opening : words.open}
        </button>
      </form>
      {ways.password && ways.token && (
        <button type="button" class="link" onClick={change}>
          {wantsToken ? words.withPassword : words.withToken}
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
function credentialsOf(data: FormData, wantsToken: boolean, words: Words['login']): Credentials | string {
  const typed = (name: string) => String(data.get(name) ?? '');
  const token = typed('token').trim();
  if (wantsToken) return token === '' ? words.tokenFirst : { token };
  const name = typed('name').trim();
  const password = typed('password');
  return name === '' || password === '' ? words.passwordFirst : { name, password };
}
