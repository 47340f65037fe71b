import { useState } from 'preact/hooks';
import { useWords } from '../../hooks/use-words.ts';
import type { Logins } from '../../site/configuration-api.ts';
import { pathText, type SettingPath, settingAt } from '../../view/json-schema.ts';
import { problemsAt } from '../../view/settings-problems.ts';
import { type FieldContext, fieldId } from './fields.tsx';

type Props = {
  readonly context: FieldContext;
  readonly path: SettingPath;
  /** Of the camera. */
  readonly name: string;
  readonly isSealed: boolean;
  readonly logins: Logins;
  readonly onLogin: (camera: string, login: string | null) => void;
};

/** User and password of a camera: typed once, sealed to the gateway, and never shown again. */
export function LoginField({ context, path, name, isSealed, logins, onLogin }: Props) {
  const { login: words, inLine } = useWords().editor;
  const at = [...path, 'credentials'];
  const isNamed = settingAt(context.value, at) !== undefined;
  const given = Object.hasOwn(logins, name) ? logins[name] : undefined;
  const [isOpen, setIsOpen] = useState(false);
  const id = fieldId(at);
  const problems = problemsAt(context.problems, pathText(at));
  const write = (user: string, password: string) => {
    if (user === '' && password === '') return onLogin(name, null);
    if (!isNamed) context.change(at, `${name}.credentials`);
    onLogin(name, `${user}:${password}`);
  };
  const [user = '', ...rest] = (given ?? '').split(':');
  const password = rest.join(':');
  const drop = () => {
    setIsOpen(false);
    onLogin(name, null);
    context.change(at, undefined);
  };
  return (
    <fieldset class="field-group">
      <legend>{words.title}</legend>
      {!isOpen && given === undefined ? (
        <p class="login-state">
          <span>{isNamed ? (isSealed ? words.kept : words.named) : words.none}</span>
          <button type="button" class="plain" disabled={context.isReadOnly} onClick={() => setIsOpen(true)}>
            {isNamed ? words.replace : words.set}
          </button>
          {isNamed && (
            <button type="button" class="plain" disabled={context.isReadOnly} onClick={drop}>
              {words.takeOut}
            </button>
          )}
        </p>
      ) : (
        <div class="fields">
          <div class="field">
            <label for={`${id}-user`}>{words.user}</label>
            <input
              id={`${id}-user`}
              type="text"
              autoComplete="off"
              spellcheck={false}
              value={user}
              onInput={(event) => write(event.currentTarget.value.replaceAll(':', ''), password)}
            />
          </div>
          <div class="field">
            <label for={`${id}-password`}>{words.password}</label>
            <input
              id={`${id}-password`}
              type="password"
              autoComplete="new-password"
              value={password}
              onInput={(event) => write(user, event.currentTarget.value)}
            />
          </div>
          <p class="field-help">{words.help}</p>
        </div>
      )}
      {problems.map(({ line, text }) => (
        <p key={text} class="field-problem">
          {inLine(text, line)}
        </p>
      ))}
    </fieldset>
  );
}
