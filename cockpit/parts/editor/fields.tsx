import type { ComponentChildren, TargetedEvent } from 'preact';
import { useState } from 'preact/hooks';
import { useWords } from '../../hooks/use-words.ts';
import {
  type JsonSchema,
  pathText,
  type SettingPath,
  settingAt,
  settingHelp,
  settingLabel,
} from '../../view/json-schema.ts';
import { problemsAt, type SettingsProblem } from '../../view/settings-problems.ts';

/** What fields need to show and change settings. */
export type FieldContext = {
  readonly value: unknown;
  readonly problems: readonly SettingsProblem[];
  readonly isReadOnly: boolean;
  /** @param value undefined takes the setting out: its default holds then */
  readonly change: (path: SettingPath, value: unknown) => void;
};

type FieldProps = {
  readonly context: FieldContext;
  readonly path: SettingPath;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
};

/** A field for each setting of a map, made of its schema. @param except names that have a place of their own */
export function Fields(props: {
  readonly context: FieldContext;
  readonly path: SettingPath;
  readonly schema: JsonSchema;
  readonly except?: readonly string[];
}) {
  const { context, path, schema, except = [] } = props;
  return (
    <div class="fields">
      {Object.entries(schema.properties ?? {})
        .filter(([name]) => !except.includes(name))
        .map(([name, child]) => (
          <Field
            key={name}
            context={context}
            path={[...path, name]}
            schema={child}
            isRequired={schema.required?.includes(name) ?? false}
          />
        ))}
    </div>
  );
}

function Field(props: FieldProps) {
  const { schema, context, path } = props;
  const words = useWords();
  const label = settingLabel(path, schema, words);
  if (schema.type === 'object') {
    return (
      <fieldset class="field-group">
        <legend>{label}</legend>
        <Fields context={context} path={path} schema={schema} />
      </fieldset>
    );
  }
  if (schema.type === 'boolean') return <CheckField {...props} />;
  if (schema.enum !== undefined) return <ChoiceField {...props} choices={schema.enum} />;
  if (schema.type === 'number' || schema.type === 'integer' || schema.type === 'string')
    return <TextField {...props} />;
  return <p class="field quiet">{words.editor.field.asText(label)}</p>;
}

function TextField({ context, path, schema, isRequired }: FieldProps) {
  const { unset } = useWords().editor.field;
  const isNumber = schema.type !== 'string';
  const value = settingAt(context.value, path);
  // While somebody types, the field keeps what was typed: 1.0 on its way to 1.05 must not become 1.
  const [typing, setTyping] = useState<string | null>(null);
  const write = (event: TargetedEvent<HTMLInputElement>) => {
    const typed = event.currentTarget.value;
    setTyping(typed);
    if (typed === '' && !isRequired) return context.change(path, undefined);
    context.change(path, isNumber ? asNumber(typed) : typed);
  };
  return (
    <Labeled context={context} path={path} schema={schema}>
      {(described) => (
        <input
          {...described}
          type="text"
          inputMode={isNumber ? 'decimal' : 'text'}
          autoComplete="off"
          spellcheck={false}
          readOnly={context.isReadOnly}
          value={typing ?? (value === undefined || value === null ? '' : String(value))}
          onBlur={() => setTyping(null)}
          placeholder={schema.default === undefined ? (isRequired ? '' : unset) : String(schema.default)}
          onInput={write}
        />
      )}
    </Labeled>
  );
}

/** A number where it is one; else the text, of which the backend says what is wrong. */
function asNumber(typed: string): number | string {
  const text = typed.trim();
  return /^-?(\d+(\.\d+)?|\.\d+)$/.test(text) ? Number(text) : text;
}

function ChoiceField({ choices, ...props }: FieldProps & { readonly choices: readonly string[] }) {
  const { context, path, schema } = props;
  const words = useWords().editor.field;
  const value = settingAt(context.value, path);
  const write = (event: TargetedEvent<HTMLSelectElement>) => {
    const chosen = event.currentTarget.value;
    context.change(path, chosen === '' ? undefined : chosen);
  };
  const isForeign = value !== undefined && !choices.includes(String(value));
  return (
    <Labeled {...props}>
      {(described) => (
        <select
          {...described}
          disabled={context.isReadOnly}
          value={value === undefined ? '' : String(value)}
          onChange={write}
        >
          <option value="">
            {schema.default === undefined ? words.unset : words.byDefault(String(schema.default))}
          </option>
          {isForeign && <option value={String(value)}>{String(value)}</option>}
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      )}
    </Labeled>
  );
}

function CheckField({ context, path, schema }: FieldProps) {
  const words = useWords();
  const id = fieldId(path);
  const value = settingAt(context.value, path) ?? schema.default ?? false;
  return (
    <div class="field field-check">
      <input
        id={id}
        type="checkbox"
        disabled={context.isReadOnly}
        checked={value === true}
        aria-describedby={`${id}-help`}
        onChange={(event) => context.change(path, event.currentTarget.checked)}
      />
      <label for={id}>{settingLabel(path, schema, words)}</label>
      <Help id={id} context={context} path={path} schema={schema} />
    </div>
  );
}

type Described = {
  readonly id: string;
  readonly 'aria-describedby': string;
  readonly 'aria-invalid': boolean;
};

/** A label, a field, what it means, and what is wrong with it. */
export function Labeled(props: {
  readonly context: Pick<FieldContext, 'problems'>;
  readonly path: SettingPath;
  readonly schema: JsonSchema;
  readonly children: (described: Described) => ComponentChildren;
}) {
  const { context, path, schema, children } = props;
  const words = useWords();
  const id = fieldId(path);
  const isInvalid = problemsAt(context.problems, pathText(path)).length > 0;
  return (
    <div class={`field ${isInvalid ? 'is-invalid' : ''}`}>
      <label for={id}>{settingLabel(path, schema, words)}</label>
      {children({ id, 'aria-describedby': `${id}-help`, 'aria-invalid': isInvalid })}
      <Help id={id} context={context} path={path} schema={schema} />
    </div>
  );
}

function Help(props: {
  readonly id: string;
  readonly context: Pick<FieldContext, 'problems'>;
  readonly path: SettingPath;
  readonly schema: JsonSchema;
}) {
  const { id, context, path, schema } = props;
  const words = useWords();
  const problems = problemsAt(context.problems, pathText(path));
  return (
    <p id={`${id}-help`} class={problems.length > 0 ? 'field-problem' : 'field-help'}>
      {problems.length > 0
        ? problems.map(({ line, text }) => words.editor.inLine(capital(text), line)).join('; ')
        : settingHelp(path, schema, words)}
    </p>
  );
}

export function fieldId(path: SettingPath): string {
  return `setting-${path.join('-')}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
